"""Small releases for tests: a device in a folder, and bundles whose program is a short script."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from copy import copy
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = Path(__file__).parents[3]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ABOUT = {"machine": platform.machine(), "python": PYTHON}
PROGRAM = """import pathlib, sys
VERSION = "{version}"
def main():
    if sys.argv[-1] == "update-check" and {broken!r}:
        sys.exit("{broken}")
    if sys.argv[1:2] == ["manual"]:
        page = pathlib.Path(sys.argv[2], "man/man1/edge-daemon.1")
        page.parent.mkdir(parents=True)
        page.write_text(VERSION)
    print(VERSION)
if __name__ == "__main__":
    main()
"""
UNIT = """[Service]
ExecStart=/opt/edge-daemon/venv/bin/python -I -m edge_daemon run
# release {version}
[Install]
WantedBy=a.target
"""


def _loaded(name: str):
    specification = importlib.util.spec_from_file_location(name, ROOT / f"provisioning/{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


make_bundle = _loaded("make_bundle")


def program_wheel(folder: Path, version: str, broken: str) -> Path:
    """Write a wheel of a program that prints its version."""
    path = folder / f"edge_daemon-{version}-py3-none-any.whl"
    info = f"edge_daemon-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("edge_daemon/__init__.py", "")
        file.writestr("edge_daemon/__main__.py", PROGRAM.format(version=version, broken=broken))
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: edge-daemon\nVersion: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/entry_points.txt", "[console_scripts]\nedge-daemon = edge_daemon.__main__:main\n")
        file.writestr(f"{info}/RECORD", "")
    return path


def bundle(folder: Path, key: Ed25519PrivateKey, version: str, *, broken: str = "", units=(), **about: str) -> Path:
    """Write a bundle of a small release; `broken` is the text with which its check fails."""
    source = folder / f"source-{version}"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    files = {}
    wheel = program_wheel(source, version, broken)
    files[f"wheels/{wheel.name}"] = wheel
    for name, text in {
        "requirements.txt": "",
        **{f"systemd/{unit}": UNIT.format(version=version) for unit in ("edge-daemon.service", *units)},
    }.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
        files[name] = source / name
    path = folder / f"{version}.edge"
    make_bundle.assemble(path, key, {"version": version, **ABOUT, **about}, files)
    return path


class Device:
    """A folder like the disk of a device, with release 1.0 in effect."""

    def __init__(self, folder: Path) -> None:
        self.root, self.key = folder / "disk", Ed25519PrivateKey.generate()
        self.base = self.root / "opt/edge-daemon"
        (self.base / "bin").mkdir(parents=True)
        shutil.copy(ROOT / "provisioning/device/edge-daemon-release", self.base / "bin")
        (self.root / "etc/edge-daemon").mkdir(parents=True)
        public = self.key.public_key().public_bytes_raw().hex()
        (self.root / "etc/edge-daemon/release.pub").write_text(public + "\n")
        release = self.base / "releases/1.0"
        (release / "systemd").mkdir(parents=True)
        (release / "venv/bin").mkdir(parents=True)
        (release / "systemd/edge-daemon.service").write_text(UNIT.format(version="1.0"))
        for name in ("edge-daemon", "python"):
            (release / "venv/bin" / name).write_text("#!/bin/sh\necho 1.0\n")
            (release / "venv/bin" / name).chmod(0o755)
        (release / ".complete").write_text("1.0\n")
        self.tool("switch", "1.0")
        self.tool("link")

    def copied(self, folder: Path) -> Device:
        """Return a copy of this device in another folder."""
        other = copy(self)
        other.root = Path(shutil.copytree(self.root, folder / "disk", symlinks=True))
        other.base = other.root / "opt/edge-daemon"
        return other

    def environment(self) -> dict[str, str]:
        return {**os.environ, "EDGE_DAEMON_ROOT": str(self.root)}

    def tool(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = [str(self.base / "bin/edge-daemon-release"), *arguments]
        return subprocess.run(line, env=self.environment(), capture_output=True, text=True, check=True)

    def says(self) -> str:
        """Return the output of the program that a unit would start."""
        return subprocess.run(
            [self.base / "venv/bin/python", "-I", "-m", "edge_daemon"], capture_output=True, text=True, check=True
        ).stdout.strip()

    def unit(self) -> str:
        """Return the release of the unit that systemd would see."""
        path = self.root / "usr/local/lib/systemd/system/edge-daemon.service"
        target = self.root / str(path.readlink()).lstrip("/")
        return next(line.split()[-1] for line in target.read_text().splitlines() if line.startswith("# release"))

    def releases(self) -> list[str]:
        return sorted(path.name for path in (self.base / "releases").iterdir())

    @property
    def journal(self) -> Path:
        return self.base / "update.journal"
