"""Writes and wipes files so that a power cut leaves either the old or the new file, and no secret behind."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from edge_daemon.whole_file import replace_file, sync_folder


def put(path: Path, content: bytes, mode: int | None) -> None:
    """Write a file in one step, synced to the disk; an identical file is not written again.

    Args:
        path: the file; its folder is made.
        content: the content of the file.
        mode: the mode of the file; None on FAT, which has no modes.

    Raises:
        OSError: the disk is full, read-only or broken.
    """
    if _is_there(path, content, mode):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content, mode=mode, durable=True)


def link(path: Path, target: str) -> None:
    """Make a symbolic link point to a target, in one step."""
    if path.is_symlink() and os.readlink(path) == target:  # noqa: PTH115 - the text, not where it leads
        return
    part = path.with_name(f".{path.name}.part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    part.symlink_to(target)
    part.replace(path)
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file if it exists."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
        sync_folder(path.parent)


def wipe(path: Path) -> None:
    """Overwrite a file in place, then remove it; a missing file is no error.

    A card's controller may keep the old block until it needs the space. So this protects against reading the file
    system, but not against reading the flash memory (docs/THREATS.md).
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        for content in (secrets.token_bytes(size), bytes(size)):
            file.seek(0)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        file.truncate(0)
        os.fsync(file.fileno())
    remove(path)


def _is_there(path: Path, content: bytes, mode: int | None) -> bool:
    try:
        status = path.lstat()
        return (mode is None or status.st_mode == 0o100000 | mode) and path.read_bytes() == content
    except OSError:
        return False
