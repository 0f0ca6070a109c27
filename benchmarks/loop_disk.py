"""A small separate disk: ext4 in a file on a loop device. Needs root and mkfs.ext4."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SECTOR_BYTES = 512
_WRITE_REQUESTS, _SECTORS_WRITTEN = 4, 6
"""Columns of /sys/dev/block/*/stat (Linux, Documentation/block/stat.rst)."""


@dataclass(frozen=True, slots=True)
class LoopDisk:
    """A mounted disk that no other process writes to."""

    folder: Path

    @property
    def device(self) -> str:
        """Name of the block device, such as `loop0`."""
        number = self.folder.stat().st_dev
        return Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve().name

    def written(self) -> tuple[int, int]:
        """Return (bytes, requests) written to the device since it was made, after flushing all data."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        subprocess.run(["sync", "-f", str(self.folder)], check=True)
        columns = Path(f"/sys/class/block/{self.device}/stat").read_text(encoding="ascii").split()
        return int(columns[_SECTORS_WRITTEN]) * _SECTOR_BYTES, int(columns[_WRITE_REQUESTS])

    def fail(self) -> None:
        """Make the kernel find a file system fault. It makes the disk read-only, as with a failing card."""
        Path(f"/sys/fs/ext4/{self.device}/trigger_fs_error").write_text("test", encoding="ascii")


@contextmanager
def loop_disk(folder: Path, megabytes: int) -> Iterator[LoopDisk]:
    """Make and mount a disk of this size, with its image in a folder.

    Raises:
        OSError: no disk can be made here, without root, loop devices or mkfs.ext4.
    """
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        raise OSError("a separate disk needs root and mkfs.ext4")
    image, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(megabytes * 2**20)
    try:
        subprocess.run(["mkfs.ext4", "-qF", "-m", "0", str(image)], check=True, capture_output=True)
        options = "loop,errors=remount-ro,noatime"
        subprocess.run(["mount", "-o", options, str(image), str(mounted)], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        raise OSError(f"no separate disk: {error.stderr.decode(errors='replace').strip()}") from error
    try:
        yield LoopDisk(mounted)
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=False)
        image.unlink()
