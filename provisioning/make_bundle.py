"""Makes a signed release bundle of this checkout, for `edge-daemon update`. The maintainer's command.

    python provisioning/make_bundle.py --new-key FOLDER
        once: FOLDER/release.key stays with the maintainer, FOLDER/release.pub goes to /etc/edge-daemon of devices
    python provisioning/make_bundle.py --key release.key --machine aarch64 --python 3.11 --output RELEASE.edge

A bundle is for one kind of computer: aarch64 with Python 3.10 (JetPack 6), 3.11 (Bookworm) or 3.13 (Trixie).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROOT = Path(__file__).resolve().parents[1]
_GLIBCS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux_2_17", "manylinux2014")


def new_key(folder: Path) -> None:
    """Write a key pair: 64 hexadecimal digits in each file."""
    key = Ed25519PrivateKey.generate()
    descriptor = os.open(folder / "release.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key.private_bytes_raw().hex() + "\n")
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    (folder / "release.pub").write_text(public.hex() + "\n", encoding="ascii")


def assemble(output: Path, key: Ed25519PrivateKey, about: dict[str, str], files: dict[str, Path]) -> None:
    """Write a bundle: the manifest, its signature, the files.

    Args:
        output: the bundle.
        key: the maintainer's.
        about: version, machine and python.
        files: name in the bundle to file.
    """
    listed = {
        name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size_bytes": path.stat().st_size}
        for name, path in sorted(files.items())
    }
    manifest = json.dumps({"format": 1, **about, "files": listed}, indent=1, sort_keys=True).encode()
    with tarfile.open(output, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in (("manifest.json", manifest), ("manifest.sig", key.sign(manifest))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, path in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = path.stat().st_size
            with path.open("rb") as file:
                tar.addfile(member, file)


def collect(wheels: Path, machine: str, python: str) -> dict[str, Path]:
    """Fetch and build what a release is made of; return name in the bundle to file."""
    pip = [sys.executable, "-m", "pip"]
    pins = wheels / "requirements.txt"
    pins.write_text(_pins_for(python), encoding="utf-8")
    fetch = [
        *pip,
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--dest",
        str(wheels),
    ]
    fetch += ["--python-version", python, "--implementation", "cp"]
    for glibc in _GLIBCS:
        fetch += ["--platform", f"{glibc}_{machine}"]
    subprocess.run([*fetch, "--requirement", str(pins)], check=True)
    subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)], check=True)
    files = {f"wheels/{path.name}": path for path in wheels.glob("*.whl")}
    files["requirements.txt"] = pins
    systemd = ROOT / "systemd"
    files |= {f"systemd/{path.relative_to(systemd)}": path for path in systemd.rglob("*") if path.is_file()}
    return files | {
        f"device/{name}": ROOT / "provisioning/device" / name for name in ("edge-daemon-release", "attendance")
    }


def _pins_for(python: str) -> str:
    """Return the pins for one Python, without conditions: pip would hold them against the maintainer's own."""
    found = []
    for block in (ROOT / "requirements-arm.txt").read_text(encoding="utf-8").split("\n\n")[1:]:
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        if " ; " in lines[0] and f'python_version == "{python}"' not in lines[0]:
            continue
        found.append("\n".join([re.sub(r" ; .* \\$", r" \\", lines[0]), *lines[1:]]))
    return "\n".join(found) + "\n"


def main() -> int:
    """Make what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--new-key", type=Path, metavar="FOLDER")
    parser.add_argument("--key", type=Path)
    parser.add_argument("--machine", choices=("aarch64", "x86_64"), default="aarch64")
    parser.add_argument("--python", choices=("3.10", "3.11", "3.13"), default="3.11")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    if given.new_key:
        new_key(given.new_key)
        return 0
    if not given.key or not given.output:
        parser.error("--key and --output are needed, or --new-key")
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(given.key.read_text(encoding="ascii").strip()))
    source = (ROOT / "edge_daemon/__init__.py").read_text(encoding="utf-8")
    version = re.search(r'__version__ = "(.+)"', source)
    about = {"version": version.group(1) if version else "0", "machine": given.machine, "python": given.python}
    with tempfile.TemporaryDirectory() as folder:
        assemble(given.output, key, about, collect(Path(folder), given.machine, given.python))
    print(f"{given.output}: release {about['version']}, {given.output.stat().st_size >> 20} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
