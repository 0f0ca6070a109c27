"""The code of documents that the office shares with the device: a copy, so that neither distribution needs the other.

`python -m tests.office.shared_code` writes the copy anew; a test compares it.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COPY: Final = ROOT / "edge_daemon_office" / "shared"
ROOTS: Final = (
    *("attendance/commitment.py", "attendance/document.py", "attendance/doubt.py", "attendance/proof.py"),
    *("attendance/reason_codes.py", "delivery/connection_deadline.py", "delivery/document_paths.py"),
    *("delivery/folder_listing.py", "device/signing.py", "errors.py", "timestamps.py", "whole_file.py"),
)
"""The modules that the office uses; the modules that these import are copied, too."""
_INIT: Final = '''"""A copy of modules of `edge_daemon`: change them there, run `python -m tests.office.shared_code`."""
'''


def modules() -> list[str]:
    """Return the modules to copy: the roots, what they import, and the packages that these lie in."""
    found: set[str] = set()
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if "/" in name:
            waiting.append(f"{name.partition('/')[0]}/__init__.py")
        for node in ast.walk(ast.parse((ROOT / "edge_daemon" / name).read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("edge_daemon"):
                parts = (node.module or "").split(".")[1:]
                names = ["/".join(parts), *("/".join([*parts, one.name]) for one in node.names)]
                waiting += [f"{one}.py" for one in names if (ROOT / "edge_daemon" / f"{one}.py").is_file()]
    return sorted(found)


def expected() -> dict[str, str]:
    """Return the text of every file of the copy, by its path below `edge_daemon_office/shared`."""
    files = {"__init__.py": _INIT}
    for name in modules():
        text = (ROOT / "edge_daemon" / name).read_text("utf-8")
        files[name] = text.replace("from edge_daemon.", "from edge_daemon_office.shared.").replace(
            "from edge_daemon.attendance import", "from edge_daemon_office.shared.attendance import"
        )
    return files


def copied_files() -> dict[str, str]:
    """Return the text of every file of the copy as it is."""
    return {path.relative_to(COPY).as_posix(): path.read_text("utf-8") for path in COPY.rglob("*.py")}


def main() -> None:
    """Write the copy anew."""
    for name in copied_files().keys() - expected().keys():
        (COPY / name).unlink()
    for name, text in expected().items():
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        (COPY / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
