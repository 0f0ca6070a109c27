"""Creates requirements-arm.txt from requirements-arm.in, and checks it against the package index.

    python provisioning/lock.py

pins the newest versions that fit, with the hashes of their wheels.

    python provisioning/lock.py --check

returns exit code 1 if a pinned wheel is missing or has another hash, or if a target needs something that is not
pinned. Without a network it returns 3.

It needs `uv` (pip install uv), which resolves for other computers. Only wheels are used, never source packages.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
SOURCE, LOCK = ROOT / "requirements-arm.in", ROOT / "requirements-arm.txt"
TARGETS = (("3.10", "aarch64"), ("3.11", "aarch64"), ("3.13", "aarch64"), ("3.11", "x86_64"), ("3.13", "x86_64"))
"""Python version and machine of each target: JetPack 6; Raspberry Pi OS or Debian (Bookworm, Trixie); Debian PCs."""
PYTHONS = tuple(dict.fromkeys(python for python, _ in TARGETS))
_GLIBC = "manylinux_2_28"
"""glibc of AlmaLinux 8, for which wheels are built; the oldest target (JetPack 6) has 2.35."""
_GLIBCS = (_GLIBC, "manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux_2_17", "manylinux2014")
_PIN = re.compile(r"^([\w.-]+)==([^ ;]+)(?: ; ([^\\\n]+?))? \\$", re.MULTILINE)


class NotReachedError(Exception):
    """The index does not answer."""


class NotResolvedError(Exception):
    """No set of versions fits."""


@dataclass
class Pin:
    """One version of one package, with its Python versions and the wheels of all targets."""

    name: str
    version: str
    pythons: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)

    def line(self) -> str:
        """Return the requirement with its hashes, without a condition."""
        hashes = " \\\n".join(f"    --hash=sha256:{value}" for value in sorted(self.hashes))
        return f"{self.name}=={self.version} \\\n{hashes}"

    def marker(self) -> str:
        """Return the condition; empty if every Python version gets this version."""
        if self.pythons == set(PYTHONS):
            return ""
        return " or ".join(f'python_version == "{python}"' for python in PYTHONS if python in self.pythons)


def resolved(python: str, machine: str, *extra: str) -> dict[str, tuple[str, set[str]]]:
    """Return, by name, the version and the SHA-256 of the wheels that fit one target, as the index has them now."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pylock.toml"
        line = [*_compile(python, machine), "--format", "pylock.toml", "--output-file", str(out), *extra]
        result = subprocess.run(line, check=False, capture_output=True, text=True, cwd=ROOT)
        if "Failed to fetch" in result.stderr or "error sending request" in result.stderr:
            raise NotReachedError(result.stderr)
        if result.returncode:
            raise NotResolvedError(result.stderr)
        document = tomllib.loads(out.read_text(encoding="utf-8"))
    return {
        package["name"]: (package["version"], {wheel["hashes"]["sha256"] for wheel in package["wheels"]})
        for package in document["packages"]
    }


def needed_by(python: str, machine: str) -> dict[str, str]:
    """Return, by the name of each package, the packages that need this package."""
    line = [*_compile(python, machine), "--annotation-style", "line", "--no-header"]
    text = subprocess.run(line, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    found = re.findall(r"^([\w.-]+)==\S+.*# via (.*)$", text, re.MULTILINE)
    return {name: ", ".join(w for w in via.split(", ") if not w.startswith("-r")) for name, via in found}


def reasons() -> tuple[str, dict[str, str]]:
    """Return the first comment of requirements-arm.in, and the comment above each package by the package's name."""
    head, *blocks = SOURCE.read_text(encoding="utf-8").strip().split("\n\n")
    while blocks and all(line.startswith("#") for line in blocks[0].splitlines()):
        head = f"{head}\n\n{blocks.pop(0)}"
    found = {}
    for block in blocks:
        lines = block.splitlines()
        comment = "\n".join(line for line in lines if line.startswith("#"))
        for line in lines:
            if not line.startswith("#"):
                found[_plain(re.split(r"[<>=;~ ]", line)[0])] = comment
    return head, found


def make() -> str:
    """Return the text of requirements-arm.txt."""
    pins: dict[tuple[str, str], Pin] = {}
    via: dict[str, set[str]] = {}
    for python, machine in TARGETS:
        for name, (version, hashes) in resolved(python, machine).items():
            pin = pins.setdefault((name, version), Pin(name, version))
            pin.pythons.add(python)
            pin.hashes |= hashes
        for name, who in needed_by(python, machine).items():
            via.setdefault(name, set()).update(filter(None, who.split(", ")))
    _check_markers(list(pins.values()))
    head, comments = reasons()
    targets = "\n".join(f"# Python {python} on {machine}" for python, machine in TARGETS)
    made_by = "# Made by provisioning/lock.py of requirements-arm.in: change that. Pinned with the wheels for"
    blocks = [f"{made_by}\n{targets}\n#\n{head}"]
    for _, pin in sorted(pins.items()):
        reason = comments.get(pin.name) or f"# for {', '.join(sorted(via[pin.name]))}"
        marker = f" ; {pin.marker()}" if pin.marker() else ""
        hashes = " \\\n".join(f"    --hash=sha256:{value}" for value in sorted(pin.hashes))
        blocks.append(f"{reason}\n{pin.name}=={pin.version}{marker} \\\n{hashes}")
    return "\n\n".join(blocks) + "\n"


def read() -> dict[tuple[str, str], Pin]:
    """Return the pins of requirements-arm.txt, by name and version."""
    found: dict[tuple[str, str], Pin] = {}
    for block in LOCK.read_text(encoding="utf-8").split("\n\n"):
        match = _PIN.search("\n".join(line for line in block.splitlines() if not line.startswith("#")))
        if match is None:
            continue
        name, version, marker = match.groups()
        pythons = set(re.findall(r'python_version == "([\d.]+)"', marker)) if marker else set(PYTHONS)
        hashes = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", block))
        found[name, version] = Pin(name, version, pythons, hashes)
    return found


def problems() -> list[str]:
    """Ask the index for the wheels of every pin; return the problems."""
    pins = list(read().values())
    with ThreadPoolExecutor(len(TARGETS)) as pool:  # each waits for the network
        found = pool.map(lambda target: _target_problems(pins, *target), TARGETS)
        return [what for wrong in found for what in wrong]


def _target_problems(pins: list[Pin], python: str, machine: str) -> list[str]:
    pinned = {pin.name: pin for pin in pins if python in pin.pythons}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.writelines(f"{pin.name}=={pin.version}\n" for pin in pinned.values())
        constraints.flush()
        try:
            there = resolved(python, machine, "--no-cache", "--constraint", constraints.name)
            wrong = _differences(pinned, there) + _pips_view(list(pinned.values()), python, machine)
        except NotResolvedError as error:
            wrong = [f"does not resolve with these pins: {error}"]
    return [f"Python {python} on {machine}: {what}" for what in wrong]


def _pips_view(pins: list[Pin], python: str, machine: str) -> list[str]:
    """Let pip resolve the pins without installing them, and return its errors.

    Pip respects upper bounds of Requires-Python; uv, which chose the pins, does not.
    """
    line = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps", "--no-cache-dir"]
    line += ["--require-hashes", "--only-binary", ":all:", "--python-version", python]
    for glibc in _GLIBCS:
        line += ["--platform", f"{glibc}_{machine}"]
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "pins.txt"
        listed.write_text("".join(pin.line() + "\n" for pin in pins), encoding="utf-8")
        line += ["--target", f"{folder}/target", "--requirement", str(listed)]
        result = subprocess.run(line, capture_output=True, text=True, check=False)
    if not result.returncode:
        return []
    lines = result.stderr.splitlines()
    return [text for text in lines if text.startswith("ERROR")] or [f"pip: {' '.join(lines[-1:])}"]


def _differences(pinned: dict[str, Pin], there: dict[str, tuple[str, set[str]]]) -> list[str]:
    wrong = [f"{name} is pinned and not needed" for name in pinned.keys() - there.keys()]
    for name, (version, hashes) in there.items():
        if name not in pinned:
            wrong.append(f"{name} {version} is needed and not pinned")
        elif not hashes & pinned[name].hashes:
            wrong.append(f"{name} {version} has no wheel with a known hash")
    return sorted(wrong)


def _compile(python: str, machine: str) -> list[str]:
    line = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-build", SOURCE.name]
    return [*line, "--python-version", python, "--python-platform", f"{machine}-{_GLIBC}"]


def _check_markers(pins: list[Pin]) -> None:
    """Stop if one Python version gets two versions of a package, because no condition here could separate them."""
    for pin in pins:
        for other in pins:
            if pin.name == other.name and pin.version < other.version and pin.pythons & other.pythons:
                raise SystemExit(f"{pin.name}: {pin.version} and {other.version} on different machines of one Python")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Create or check the file; return the exit code."""
    if sys.argv[1:] == ["--check"]:
        try:
            wrong = problems()
        except NotReachedError as error:
            print(f"not checked: the package index does not answer\n{error}", file=sys.stderr)
            return 3
        print("\n".join(wrong) or f"all {len(read())} pins have their wheels for {len(TARGETS)} targets")
        return 1 if wrong else 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    LOCK.write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
