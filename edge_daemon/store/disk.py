"""Checks of a folder's disk: its free space, and whether it accepts writes. They write nothing."""

from __future__ import annotations

import os
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")


def free_bytes(folder: Path) -> int:
    """Return the free bytes for a user without privileges; 0 if the disk has no free inode.

    Raises:
        OSError: the folder does not exist, or the disk does not answer.
    """
    room = os.statvfs(folder)
    no_inode = room.f_files > 0 and room.f_favail == 0
    return 0 if no_inode else room.f_bavail * room.f_frsize


def is_read_only(path: Path, mounts: Path = _MOUNTS) -> bool:
    """Return whether the disk accepts no writes, because it was mounted read-only or because a fault made it so.

    On Linux 6.15 and later, statvfs(3) no longer reports a fault of ext4. The file system's options then contain
    `emergency_ro` (proc_pid_mountinfo(5)).
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
