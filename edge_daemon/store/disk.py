"""The disk below a folder: how much room it has, and whether it still takes writes. Looking never writes."""

from __future__ import annotations

import os
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")


def free_bytes(folder: Path) -> int:
    """Return what a user without privileges may still write; 0 where the disk has no inode left.

    Raises:
        OSError: there is no such folder, or the disk does not answer.
    """
    room = os.statvfs(folder)
    no_inode = room.f_files > 0 and room.f_favail == 0
    return 0 if no_inode else room.f_bavail * room.f_frsize


def is_read_only(path: Path, mounts: Path = _MOUNTS) -> bool:
    """Return whether the disk takes no writes: it was mounted so, or the kernel made it so after a fault.

    ext4 of Linux 6.15 and later no longer tells statvfs(3) of the latter: it shows `emergency_ro` among the options of
    the file system (proc_pid_mountinfo(5)).
    """
    try:
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            return True
        device = path.stat().st_dev
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    options = [line.split()[-1].split(",") for line in lines if line.split()[2:3] == [wanted]]
    return any("ro" in own or "emergency_ro" in own for own in options)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as lasting as the files (fsync(2)); raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
