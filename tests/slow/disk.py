"""A separate disk that can be full: a small tmpfs if mounting is allowed, otherwise a folder that is never full."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SIZE_MB = 96


class SmallDisk:
    """A disk of a device.

    Args:
        folder: the mount point.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._is_mounted = folder, False
        self._filler = folder / ".filler"

    def __enter__(self) -> SmallDisk:
        self.folder.mkdir(parents=True)
        if os.geteuid() == 0:
            command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=0700", "device", str(self.folder)]
            self._is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        self.folder.chmod(0o700)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)

    def fill(self, leave_bytes: int) -> None:
        """Use all free space except this much."""
        if self._is_mounted:
            free = shutil.disk_usage(self.folder).free
            with self._filler.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, free - leave_bytes))

    def empty(self) -> None:
        """Free the space."""
        self._filler.unlink(missing_ok=True)
