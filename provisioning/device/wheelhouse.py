"""Fills a folder with the wheels that requirements-arm.txt pins, for any device, and reports missing wheels.

    python3 provisioning/device/wheelhouse.py --fill WHEELHOUSE --machine aarch64 --python 3.11
        downloads them with pip, on a computer with a network; exit code 1 if pip fails
    python3 provisioning/device/wheelhouse.py WHEELHOUSE
        `install.sh --offline` calls this; exit code 1, and the wheels missing for this computer on stdout

Python is 3.10 on JetPack 6, 3.11 on Bookworm and 3.13 on Trixie. The check compares names and hashes without pip,
because a bare system has no pip before the environment exists.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

LOCK = Path(__file__).resolve().parents[2] / "requirements-arm.txt"
GLIBCS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux_2_17", "manylinux2014")
_PIN = re.compile(r"^(?P<pin>[\w.-]+==[^ ;]+)(?: ; (?P<marker>[^\\\n]+?))? \\\n(?P<hashes>(?: +--hash=.*\n?)+)", re.M)


def pins_for(python: str, text: str) -> dict[str, list[str]]:
    """Return the SHA-256 values of the wheels, by pin (name==version). Pins for another Python version are left out.

    Args:
        python: the Python version, such as 3.11.
        text: text of a requirements file with hashes.
    """
    return {
        found["pin"]: re.findall(r"sha256:([0-9a-f]{64})", found["hashes"])
        for found in _PIN.finditer(text)
        if not found["marker"] or f'python_version == "{python}"' in found["marker"]
    }


def pins_text(python: str, text: str) -> str:
    """Return the pins for one Python version, without conditions: pip would judge them by its own Python."""
    return "".join(
        " \\\n".join([pin, *(f"    --hash=sha256:{value}" for value in hashes)]) + "\n"
        for pin, hashes in pins_for(python, text).items()
    )


def download_line(pins: Path, wheels: Path, machine: str, python: str) -> list[str]:
    """Return the command that downloads pinned wheels for another computer."""
    line = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    line += ["--only-binary", ":all:", "--dest", str(wheels), "--python-version", python, "--implementation", "cp"]
    for glibc in GLIBCS:
        line += ["--platform", f"{glibc}_{machine}"]
    return [*line, "--requirement", str(pins)]


def fits(name: str, python: str, machine: str) -> bool:
    """Return whether a wheel's name matches this Python and machine."""
    parts = name.removesuffix(".whl").split("-")
    if not name.endswith(".whl") or len(parts) < 5:
        return False
    versions, abi, platforms = parts[-3].split("."), parts[-2], parts[-1].split(".")
    ours = f"cp{python.replace('.', '')}"
    made_for = {"py3", ours, *(v for v in versions if "abi3" in abi and _minor(v) <= _minor(ours))}
    return bool(made_for & set(versions)) and any(p == "any" or p.endswith(f"_{machine}") for p in platforms)


def missing(wheelhouse: Path, python: str, machine: str) -> list[str]:
    """Return the pins without a wheel in the folder."""
    wheels = [path for path in wheelhouse.iterdir() if fits(path.name, python, machine)]
    there = {hashlib.sha256(path.read_bytes()).hexdigest() for path in wheels}
    return [pin for pin, hashes in pins_for(python, LOCK.read_text(encoding="utf-8")).items() if not there & {*hashes}]


def _minor(tag: str) -> int:
    return int(tag[3:]) if re.fullmatch(r"cp3\d+", tag) else 99


def fill(wheelhouse: Path, machine: str, python: str) -> int:
    """Download the pinned wheels; return the exit code. pip verifies the hash of each wheel."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "requirements.txt")
        pins.write_text(pins_text(python, LOCK.read_text(encoding="utf-8")), encoding="utf-8")
        return 1 if subprocess.run(download_line(pins, wheelhouse, machine, python), check=False).returncode else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill the folder, or print the missing wheels; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheelhouse", type=Path, metavar="WHEELHOUSE")
    parser.add_argument("--fill", action="store_true")
    parser.add_argument("--machine", choices=("aarch64", "x86_64"), default=platform.machine())
    parser.add_argument("--python", choices=("3.10", "3.11", "3.13"), default=".".join(map(str, sys.version_info[:2])))
    given = parser.parse_args(arguments)
    if given.fill and (code := fill(given.wheelhouse, given.machine, given.python)):
        return code
    lacking = missing(given.wheelhouse, given.python, given.machine)
    if lacking:
        wheels = "wheel" if len(lacking) == 1 else "wheels"
        print(f"{len(lacking)} {wheels} for Python {given.python} on {given.machine}: {' '.join(lacking)}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
