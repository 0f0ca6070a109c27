"""The code of documents that the office shares with the device: a copy, for neither distribution may need the other.

`python -m tests.office.shared_code` writes the copy anew; a test compares it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COPY: Final = ROOT / "edge_daemon_office" / "shared"
MODULES: Final = (
    "attendance/__init__.py",
    "attendance/commitment.py",
    "attendance/document.py",
    "attendance/doubt.py",
    "attendance/edfi.py",
    "attendance/fields.py",
    "attendance/proof.py",
    "attendance/reason_codes.py",
    "attendance/room_state.py",
    "attendance/schema3.py",
    "delivery/__init__.py",
    "delivery/document_paths.py",
    "device/__init__.py",
    "device/signing.py",
    "errors.py",
    "plain_text.py",
    "timestamps.py",
    "types.py",
)
_INIT: Final = '''"""A copy of modules of `edge_daemon`: change them there, run `python -m tests.office.shared_code`."""
'''


def expected() -> dict[str, str]:
    """Return the text of every file of the copy, by its path below `edge_daemon_office/shared`."""
    files = {"__init__.py": _INIT}
    for name in MODULES:
        text = (ROOT / "edge_daemon" / name).read_text("utf-8")
        files[name] = text.replace("from edge_daemon.", "from edge_daemon_office.shared.").replace(
            "from edge_daemon.attendance import", "from edge_daemon_office.shared.attendance import"
        )
    return files


def found() -> dict[str, str]:
    """Return the text of every file of the copy as it is."""
    return {path.relative_to(COPY).as_posix(): path.read_text("utf-8") for path in COPY.rglob("*.py")}


def main() -> None:
    """Write the copy anew."""
    for name in found().keys() - expected().keys():
        (COPY / name).unlink()
    for name, text in expected().items():
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        (COPY / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
