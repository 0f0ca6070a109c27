"""Runs the tests with other packages than the newest: those of devices, and the oldest that pyproject.toml allows.

    python -m tests.slow.package_sets SET... [--json OUT] [--python PATH] [TEST...]

    bookworm   Python 3.11 with the versions of requirements-arm.txt; .ci/run takes it for the tests that meet pictures
    trixie     Python 3.13 with the versions of requirements-arm.txt
    jetpack    Python 3.10 with the versions of requirements-arm.txt, and OpenCV 4.8 as in JetPack 6
    lowest     Python 3.10 with the lowest versions that pyproject.toml asks for

Without a TEST it runs the whole suite. Each set has an environment in .venv-sets/, which is renewed if it differs from
the definition. The index has OpenCV's own build for a PC; JetPack's also has GStreamer and CUDA.

With --json the outcome of each set replaces the one in OUT. With --again only failed tests run, and their outcome is
added to the earlier one. The tool uv finds Python; --python names another one, for one set. With --prepare the
environments are made, and nothing runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import util
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARALLEL = ("-n", str(min(os.cpu_count() or 1, 4) + 1), "--dist", "loadfile", "--no-loadscope-reorder")
"""As in install.sh: one process more than there are cores, because tests wait."""


@dataclass(frozen=True)
class PackageSet:
    """The versions that the tests use."""

    python: str
    pinned: bool
    """True for the versions of requirements-arm.txt; False for the lowest of pyproject.toml."""
    besides: tuple[str, ...] = ()
    """Pins that the index has but the device gets from elsewhere."""


SETS = {
    "bookworm": PackageSet("3.11", pinned=True),
    "trixie": PackageSet("3.13", pinned=True),
    "jetpack": PackageSet("3.10", pinned=True, besides=("opencv-python-headless==4.8.0.76",)),
    "lowest": PackageSet("3.10", pinned=False),
}
NAMED = ("numpy", "opencv-python-headless", "ai-edge-litert", "sqlite-utils", "cryptography", "icalendar", "requests")


def pins(python: str) -> list[str]:
    """Return the pins of requirements-arm.txt for a Python, without hashes: a PC has other wheels of these versions."""
    spec = util.spec_from_file_location("lock", ROOT / "provisioning" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    lock = util.module_from_spec(spec)
    sys.modules["lock"] = lock
    spec.loader.exec_module(lock)
    return [f"{pin.name}=={pin.version}" for pin in lock.read().values() if python in pin.pythons]


def environment(name: str, python: str) -> Path:
    """Make or renew the environment of a set; return its interpreter."""
    wanted, folder = SETS[name], str(ROOT / ".venv-sets" / name)
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--allow-existing", "--python", python, folder], check=True, cwd=ROOT)
    line = [*uv, "pip", "install", "--quiet", "--python", folder, "--editable", ".[test]"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pinned:
        if wanted.pinned:
            pinned.write("\n".join([*pins(wanted.python), *wanted.besides]))
            pinned.flush()
            line += ["--requirement", pinned.name]
        else:
            line += ["--resolution", "lowest-direct"]
        subprocess.run(line, check=True, cwd=ROOT)
    return Path(folder, "bin", "python")


def versions(interpreter: Path) -> dict[str, str]:
    """Return the installed versions of the relevant packages."""
    code = f"from importlib.metadata import version; import json; print(json.dumps({{n: version(n) for n in {NAMED}}}))"
    found = subprocess.run([interpreter, "-c", code], check=True, capture_output=True, text=True)
    return dict(json.loads(found.stdout))


def tested(name: str, python: str, tests: list[str]) -> dict[str, object]:
    """Run the tests on one set; pytest's output goes to the terminal."""
    interpreter = environment(name, python)
    found = versions(interpreter)
    print(f"--- {name}: Python {python}, {', '.join(f'{n} {v}' for n, v in found.items())}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        line = [
            str(interpreter),
            "-m",
            "pytest",
            "-q",
            *PARALLEL,
            "-p",
            "no:cacheprovider",
            f"--junit-xml={report}",
            *tests,
        ]
        code = subprocess.run(line, cwd=ROOT, check=False).returncode
        suite = next(ElementTree.parse(report).iter("testsuite"))
    bad = [
        case for case in suite.iter("testcase") if case.find("failure") is not None or case.find("error") is not None
    ]
    count = {key: int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped")}
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {SETS[name].python}",
        "of": tests or ["the whole suite"],
        "versions": found,
        **count,
        "passed": count["tests"] - count["failures"] - count["errors"] - count["skipped"],
        "failed": sorted(f"{case.attrib['classname']}::{case.attrib['name']}" for case in bad),
        "wall_s": round(time.monotonic() - began),
        "exit_code": code,
    }


def node_of(failed: str) -> str:
    """Return pytest's name for a test that a report names with dots."""
    place, _, name = failed.partition("::")
    parts, classes = place.split("."), list[str]()
    while not (ROOT / ("/".join(parts) + ".py")).exists():
        classes.insert(0, parts.pop())
    return "::".join(["/".join(parts) + ".py", *classes, name])


def main() -> int:
    """Test the named sets; return 0 if all tests passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="+", metavar="SET|TEST", help=f"{', '.join(SETS)}; the others are pytest's")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--again", action="store_true", help="run what failed in OUT")
    parser.add_argument("--python", metavar="PATH")
    parser.add_argument("--prepare", action="store_true", help="make the environments, and run nothing")
    arguments = parser.parse_args()
    names = [word for word in arguments.words if word in SETS]
    tests = [word for word in arguments.words if word not in SETS]
    if not names or (arguments.python and len(names) > 1):
        parser.error("name a set; with --python, only one")
    if arguments.again and (arguments.json is None or tests):
        parser.error("--again needs --json and names no test")
    failed = False
    for name in names:
        if arguments.prepare:
            environment(name, arguments.python or SETS[name].python)
            continue
        known = json.loads(arguments.json.read_text("utf-8")) if arguments.json and arguments.json.exists() else {}
        if arguments.again:
            tests = [node_of(one) for one in known[name]["failed"]]
        result = tested(name, arguments.python or SETS[name].python, tests)
        failed |= result["exit_code"] != 0
        if arguments.json:
            known[name] = {**known[name], "again": result} if arguments.again else result
            arguments.json.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
