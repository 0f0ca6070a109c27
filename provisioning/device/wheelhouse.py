"""Does a folder of wheels have all that requirements-arm.txt pins for this computer? `install.sh --offline` asks.

    python3 provisioning/device/wheelhouse.py WHEELHOUSE     exit code 1, and a line on stdout: what is missing

By name and hash, without pip: a bare system has none before the environment is made.
"""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parents[2] / "requirements-arm.txt"
_PIN = re.compile(r"^(?P<pin>[\w.-]+==[^ ;]+)(?: ; (?P<marker>[^\\\n]+?))? \\\n(?P<hashes>(?: +--hash=.*\n?)+)", re.M)


def pins_for(python: str, text: str) -> dict[str, list[str]]:
    """Return name==version to the SHA-256 of its wheels, of the pins that are for one Python, such as 3.11."""
    return {
        found["pin"]: re.findall(r"sha256:([0-9a-f]{64})", found["hashes"])
        for found in _PIN.finditer(text)
        if not found["marker"] or f'python_version == "{python}"' in found["marker"]
    }


def fits(name: str, python: str, machine: str) -> bool:
    """Return whether a wheel, by its name, is for this Python and machine."""
    parts = name.removesuffix(".whl").split("-")
    if not name.endswith(".whl") or len(parts) < 5:
        return False
    versions, abi, platforms = parts[-3].split("."), parts[-2], parts[-1].split(".")
    ours = f"cp{python.replace('.', '')}"
    made_for = {"py3", ours, *(v for v in versions if "abi3" in abi and _minor(v) <= _minor(ours))}
    return bool(made_for & set(versions)) and any(p == "any" or p.endswith(f"_{machine}") for p in platforms)


def missing(wheelhouse: Path, python: str, machine: str) -> list[str]:
    """Return the pins that no wheel in the folder is for."""
    wheels = [path for path in wheelhouse.iterdir() if fits(path.name, python, machine)]
    there = {hashlib.sha256(path.read_bytes()).hexdigest() for path in wheels}
    return [pin for pin, hashes in pins_for(python, LOCK.read_text(encoding="utf-8")).items() if not there & {*hashes}]


def _minor(tag: str) -> int:
    return int(tag[3:]) if re.fullmatch(r"cp3\d+", tag) else 99


def main() -> int:
    """Say what is missing; return the exit code."""
    python, machine = f"{sys.version_info.major}.{sys.version_info.minor}", platform.machine()
    lacking = missing(Path(sys.argv[1]), python, machine)
    if lacking:
        wheels = "wheel" if len(lacking) == 1 else "wheels"
        print(f"{len(lacking)} {wheels} for Python {python} on {machine}: {' '.join(lacking)}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
