"""Writes a file in one step: a reader gets either the old or the new content, also after a power cut."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path


def replace_file(
    path: Path, data: bytes, *, mode: int | None = 0o600, durable: bool = False, unique: bool = False
) -> None:
    """Write a file under a temporary name, and rename it to `path`. If `path` is a link, the link itself is replaced.

    Args:
        path: the file; its folder must exist.
        data: the new content.
        mode: permissions of the file; None for a FAT disk, which has no permissions and refuses to set them.
        durable: True: the content is on the disk before the file is renamed, and the new name is on the disk on
            return. False is enough on a tmpfs, and for a file that the next run writes again.
        unique: True: each call uses a temporary name of its own, so that two processes may write the file at once. A
            process that is killed then leaves its temporary file behind. False: the next call replaces that file.

    Raises:
        OSError: the file can't be written, or is a device, a pipe or the like; its previous content is unchanged.
    """
    refuse_special(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}" if unique else f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def refuse_special(path: Path) -> None:
    """Refuse a path to anything but a regular file, such as /dev/null: renaming a file to it would remove the device.

    A folder passes, because renaming a file to it fails in any case. A link into /proc, such as /dev/stdout, is refused
    whatever it leads to.

    Raises:
        OSError: `path` is a device, a pipe, a socket or a link to one, or can't be looked at.
    """
    try:
        mode, is_stream = path.lstat().st_mode, False
        if stat.S_ISLNK(mode):
            is_stream = str(path.readlink()).startswith("/proc/")
            mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if is_stream or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "is not a regular file", str(path))


def unusable_output(path: Path) -> tuple[str, str, str] | None:
    """Return why this user can't write a file to `path`: the reason, its place, and what to do.

    The result is None if the user can. Call this before long work. `replace_file` may still fail, for
    example on a disk that is full.
    """
    folder, own = path.parent, "name a file in a folder of your own"
    try:
        if path.is_dir():
            return "is a folder", str(path), "name a file"
        if not folder.is_dir():
            return "there is no such folder", str(folder), "make it first"
        refuse_special(path)
    except PermissionError:
        return "this user may not look into the folder", str(folder), own
    except OSError as error:
        if error.errno == errno.EINVAL:
            return str(error.strerror), str(path), "name a file"
        return f"can't be looked at: {error.strerror}", str(path), "choose another name"
    if _is_disk_read_only(folder):
        return "the folder's disk is read-only", str(folder), own
    if not os.access(folder, os.W_OK | os.X_OK):
        return "this user may not write to the folder", str(folder), own
    return None


def _is_disk_read_only(folder: Path) -> bool:
    """Return whether a folder's disk takes no writes; False where the system can't say, such as on Windows."""
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except (AttributeError, OSError):
        return False


def sync_folder(folder: Path) -> None:
    """Write the names of a folder's files to the disk (fsync(2)), so that they survive a power cut; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
