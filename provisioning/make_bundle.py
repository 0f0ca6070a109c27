"""Makes a signed release bundle of this checkout for `edge-daemon update`; for maintainers (docs/UPDATES.md).

    python provisioning/make_bundle.py --new-key FOLDER

makes the key pair, once, before the first card. FOLDER/release.key stays with the maintainer. The public key is also
written to provisioning/release.pub, from which install.sh copies it to devices.

    python provisioning/make_bundle.py --key FOLDER/release.key --machine aarch64 --python 3.11 --output RELEASE.edge

makes a bundle.

    python provisioning/make_bundle.py --check RELEASE.edge

checks with the program's own code whether a device with provisioning/release.pub accepts the bundle.

A bundle is for one kind of computer: aarch64 with Python 3.10 (JetPack 6), 3.11 (Bookworm) or 3.13 (Trixie).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
except ImportError:
    sys.exit("make_bundle.py: the package cryptography is missing; pip install cryptography")

from edge_daemon.app.update.bundle import Manifest, read_manifest, read_public_key, unpack
from edge_daemon.errors import EdgeError, UpdateError
from provisioning.device.wheelhouse import LOCK, download_line, pins_text
from provisioning.release_keys import new_key, signing_key

ROOT = Path(__file__).resolve().parents[1]
PUBLIC_KEY = ROOT / "provisioning/release.pub"


class NotMadeError(EdgeError):
    """A bundle can't be made, and the user's input is not the reason."""

    exit_code = 1


def make(output: Path, key_path: Path, machine: str, python: str) -> Manifest:
    """Write a bundle of this checkout, which is verified before it gets its name. Input errors come before downloads.

    Raises:
        UpdateError: the key or the output path is invalid.
        NotMadeError: the package index does not provide what is needed.
    """
    key = signing_key(key_path, PUBLIC_KEY)
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise UpdateError("is a folder" if output.is_dir() else "its folder is not there", str(output))
    source = (ROOT / "edge_daemon/__init__.py").read_text(encoding="utf-8")
    version = re.search(r'__version__ = "(.+)"', source)
    about = {"version": version.group(1) if version else "0", "machine": machine, "python": python}
    try:
        with tempfile.TemporaryDirectory(prefix=".bundle-", dir=output.absolute().parent) as folder:
            part = Path(folder) / "part.edge"
            assemble(part, key, about, collect(Path(folder), machine, python))
            manifest = verified(part)
            part.replace(output)
    except OSError as error:
        raise UpdateError(f"can't be written ({error.strerror or error})", str(output)) from error
    return manifest


def verified(bundle: Path) -> Manifest:
    """Return the manifest of a bundle, after its signature and all of its files are verified by the public key.

    Raises:
        UpdateError: a device would refuse it.
    """
    manifest = read_manifest(bundle, read_public_key(PUBLIC_KEY))
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        unpack(bundle, manifest, Path(folder))
    return manifest


def assemble(output: Path, key: Ed25519PrivateKey, about: dict[str, str], files: dict[str, Path]) -> None:
    """Write a bundle: the manifest, its signature, the files.

    Args:
        output: the bundle.
        key: the maintainer's key.
        about: version, machine and python.
        files: the file for each name in the bundle.
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
    """Download and build the parts of a release; return the file for each name in the bundle.

    Raises:
        NotMadeError: pip can't download or build a part.
    """
    pins = wheels / "requirements.txt"
    pins.write_text(pins_text(python, LOCK.read_text(encoding="utf-8")), encoding="utf-8")
    _called(download_line(pins, wheels, machine, python))
    _called([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)])
    files = {f"wheels/{path.name}": path for path in wheels.glob("*.whl")}
    files["requirements.txt"] = pins
    systemd = ROOT / "systemd"
    files |= {f"systemd/{path.relative_to(systemd)}": path for path in systemd.rglob("*") if path.is_file()}
    return files | {
        f"device/{name}": ROOT / "provisioning/device" / name
        for name in ("edge-daemon-release", "attendance", "edge-daemon")
    }


def _called(line: Sequence[str]) -> None:
    result = subprocess.run(line, capture_output=True, text=True, check=False, errors="replace")
    if result.returncode:
        lines = [text for text in result.stderr.splitlines() if text.strip()] or [f"exit code {result.returncode}"]
        error = [text for text in lines if text.startswith("ERROR")] or lines
        what = f"failed ({error[-1].removeprefix('ERROR: ')[:300]}); nothing was made"
        raise NotMadeError(what, f"pip {line[3]}", "is the package index reachable?")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command: 0 done, 2 with a line on stderr for wrong usage, 1 for failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--new-key", type=Path, metavar="FOLDER")
    what.add_argument("--key", type=Path)
    what.add_argument("--check", type=Path, metavar="RELEASE.edge")
    parser.add_argument("--machine", choices=("aarch64", "x86_64"), default="aarch64")
    parser.add_argument("--python", choices=("3.10", "3.11", "3.13"), default="3.11")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args(arguments)
    if given.key and not given.output:
        parser.error("--key needs --output")
    try:
        if given.new_key:
            new_key(given.new_key, PUBLIC_KEY)
            print(f"{given.new_key}/release.key: signs releases; keep it and a copy where nobody else has access")
            print(f"{PUBLIC_KEY}: commit it before cards are made; install.sh gives it to devices")
            return 0
        manifest = verified(given.check) if given.check else make(given.output, given.key, given.machine, given.python)
    except EdgeError as error:
        print(f"make_bundle.py: {error.line()}", file=sys.stderr)
        return error.exit_code
    except OSError as error:  # a full disk, for example while files are unpacked for verification
        print(f"make_bundle.py: {error.filename or tempfile.gettempdir()}: {error.strerror}", file=sys.stderr)
        return 1
    bundle = given.check or given.output
    description = f"release {manifest.version} for {manifest.machine} with Python {manifest.python}"
    print(f"{bundle}: {description}, {bundle.stat().st_size >> 20} MiB, signed by the key of {PUBLIC_KEY.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
