"""Writing a file in one step: a reader sees the old content or the new one, and so does the start after a power cut."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def replace_file(
    path: Path, data: bytes, *, mode: int | None = 0o600, durable: bool = False, unique: bool = False
) -> None:
    """Write a file beside its place and move it there; a link in that place is replaced, not followed.

    Args:
        path: the file; its folder exists.
        data: its content.
        mode: permissions; None on FAT, which knows none and refuses to set them.
        durable: the disk has the content before the name changes, and then the name. False for a tmpfs, or for what
            the next run writes anew.
        unique: two processes may write this file at once. A process that is killed then leaves a file behind; without
            it, the next run replaces what was left.

    Raises:
        OSError: it can't be written; what was there is as it was.
    """
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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as lasting as the files (fsync(2)); raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
