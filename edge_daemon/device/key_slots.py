"""A key that can be destroyed: two slots in one file that is overwritten in place and never copied.

The data keys of a database are wrapped under the key in a slot. An erasure writes a new key into the free slot, wraps
all remaining data keys under it, and then overwrites the old slot in place on the disk. Old disk blocks may still have
copies of erased data. These can then no longer be opened, because their key is destroyed.

The file is created at its full length, so that later writes allocate no blocks. On f2fs it is pinned
(F2FS_IOC_SET_PIN_FILE), on btrfs copy-on-write is disabled (FS_NOCOW_FL). Otherwise both file systems would write the
new bytes elsewhere. A slot is one block, so a torn write can damage only the slot being written.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_daemon.errors import KeyFileError

SLOTS: Final = 2
SLOT_BYTES: Final = 4096
"""Size of a slot in bytes: one block of ext4 and f2fs."""

_MAGIC: Final = b"EDSLOT\x00\x01"
_RECORD: Final = struct.Struct(">8sQ32s")
_CHECKSUM_BYTES: Final = 32
_EMPTY: Final = bytes(SLOT_BYTES)

_F2FS_IOC_SET_PIN_FILE: Final = 0x4004F50D
_FS_IOC_GETFLAGS: Final = 0x80086601
_FS_IOC_SETFLAGS: Final = 0x40086602
_FS_NOCOW_FL: Final = 0x00800000


@dataclass(frozen=True, slots=True)
class SlotKey:
    """The key in a slot, with its number."""

    generation: int
    """Number of the key, counted from 1. Each erasure makes the next key."""
    key: bytes


class KeySlots:
    """The two slots of one file. The constructor neither creates nor reads it.

    Args:
        path: the file; only its folder must exist.
        mode: file mode for a new file.
    """

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        self.path, self._mode = path, mode

    def keys(self) -> tuple[SlotKey, ...]:
        """Return the stored keys, newest first; empty if there is no file.

        Raises:
            KeyFileError: the file can't be read.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._error("can't be read", error) from error
        try:
            found = [_parsed(_read(descriptor, slot)) for slot in range(SLOTS)]
        except OSError as error:
            raise self._error("can't be read", error) from error
        finally:
            os.close(descriptor)
        return tuple(sorted((one for one in found if one), key=lambda one: one.generation, reverse=True))

    def key(self, generation: int) -> bytes:
        """Return the key of a generation.

        Raises:
            KeyFileError: the key was destroyed, or the file can't be read.
        """
        for one in self.keys():
            if one.generation == generation:
                return one.key
        raise KeyFileError(
            f"has no key of generation {generation}: it was destroyed by an erasure, or the file was lost",
            str(self.path),
            "what was sealed under it can't be opened any more; docs/OPERATIONS.md, Replacing a broken card",
        )

    def add(self, keep: int) -> SlotKey:
        """Write a new key into the slot that does not have the key `keep`. On return it is on the disk.

        Args:
            keep: generation of the key in use; 0: none is in use.

        Raises:
            KeyFileError: the file can't be written; the key in use is unchanged.
        """
        with self._open() as descriptor:
            present = [_parsed(_read(descriptor, slot)) for slot in range(SLOTS)]
            free = next(slot for slot, one in enumerate(present) if one is None or one.generation != keep)
            newest = max(keep, *(one.generation if one else 0 for one in present))
            fresh = SlotKey(newest + 1, secrets.token_bytes(32))
            _write(descriptor, free, _packed(fresh))
        return fresh

    def destroy_others(self, keep: int) -> int:
        """Overwrite in place every slot that does not have the key of generation `keep`, and sync the file.

        Returns:
            The number of overwritten slots that were not empty.

        Raises:
            KeyFileError: the file can't be written, or has no key of generation `keep`; then nothing is overwritten.
        """
        if not self.path.exists():
            return 0
        self.key(keep)
        with self._open() as descriptor:
            contents = [_read(descriptor, slot) for slot in range(SLOTS)]
            parsed = [_parsed(content) for content in contents]
            gone = [
                slot
                for slot, (content, one) in enumerate(zip(contents, parsed, strict=True))
                if content != _EMPTY and (one is None or one.generation != keep)
            ]
            for slot in gone:
                _write(descriptor, slot, _EMPTY)
        return len(gone)

    def in_place(self) -> bool | None:
        """Return whether the file system overwrites this file in place; None if that is unknown."""
        if not self.path.exists():
            return None
        try:
            with self._open() as descriptor:
                return _overwrites_in_place(descriptor, self.path)
        except KeyFileError:
            return None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the slots against other processes while the block runs. Wait until the lock is free.

        Raises:
            KeyFileError: the file can't be created or locked.
        """
        with self._open() as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def _open(self) -> Iterator[int]:
        try:
            if not os.path.lexists(self.path):
                self._create()
            descriptor = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise self._error("can't be written", error) from error
        try:
            yield descriptor
        except OSError as error:
            raise self._error("can't be written", error) from error
        finally:
            os.close(descriptor)

    def _create(self) -> None:
        """Create the file under a temporary name, then link it to its path, so that it is complete or missing."""
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, self._mode)
        try:
            os.fchmod(descriptor, self._mode)
            _keep_in_place(descriptor)
            _write_whole(descriptor, _EMPTY * SLOTS, 0)
            os.fsync(descriptor)
            with contextlib.suppress(FileExistsError):  # another process was first
                os.link(part, self.path, follow_symlinks=False)
        finally:
            os.close(descriptor)
            part.unlink()
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _error(self, what: str, error: OSError) -> KeyFileError:
        return KeyFileError(f"{what}: {error.strerror}", str(self.path), "check its owner, its mode and the disk")


def _packed(one: SlotKey) -> bytes:
    record = _RECORD.pack(_MAGIC, one.generation, one.key)
    return (record + hashlib.sha256(record).digest()).ljust(SLOT_BYTES, b"\0")


def _parsed(content: bytes) -> SlotKey | None:
    """Return the key in a slot's bytes; None if the slot is empty, incompletely written or destroyed."""
    record = content[: _RECORD.size]
    if len(content) < SLOT_BYTES or content[_RECORD.size :][:_CHECKSUM_BYTES] != hashlib.sha256(record).digest():
        return None
    magic, generation, key = _RECORD.unpack(record)
    return SlotKey(int(generation), bytes(key)) if magic == _MAGIC else None


def _read(descriptor: int, slot: int) -> bytes:
    return os.pread(descriptor, SLOT_BYTES, slot * SLOT_BYTES)


def _write(descriptor: int, slot: int, content: bytes) -> None:
    _write_whole(descriptor, content, slot * SLOT_BYTES)
    os.fsync(descriptor)


def _write_whole(descriptor: int, content: bytes, offset: int) -> None:
    while content:
        written = os.pwrite(descriptor, content, offset)
        content, offset = content[written:], offset + written


def _keep_in_place(descriptor: int) -> None:
    """Ask f2fs or btrfs to always overwrite this file in place. Call it while the file is empty.

    File systems other than these two do not know the request, and their error is ignored.
    """
    with contextlib.suppress(OSError):
        fcntl.ioctl(descriptor, _F2FS_IOC_SET_PIN_FILE, struct.pack("I", 1))
        # A pinned file gets its blocks from fallocate, in whole sections (2 MB).
        os.posix_fallocate(descriptor, 0, SLOTS * SLOT_BYTES)
    with contextlib.suppress(OSError):
        flags = struct.unpack("l", fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, bytes(8)))[0]
        fcntl.ioctl(descriptor, _FS_IOC_SETFLAGS, struct.pack("l", flags | _FS_NOCOW_FL))


def _overwrites_in_place(descriptor: int, path: Path) -> bool | None:
    kind, options = _mount_of(path)
    if kind in ("ext2", "ext3", "ext4"):
        return "data=journal" not in options
    if kind == "xfs":
        return True
    if kind in ("f2fs", "btrfs"):  # f2fs reports a pinned file by the same flag
        with contextlib.suppress(OSError):
            return bool(struct.unpack("l", fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, bytes(8)))[0] & _FS_NOCOW_FL)
        return False
    return None


def _mount_of(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the name of a file's file system, and its mount options; empty if the kernel does not report them."""
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            fields = line.split()
            if fields[2] == wanted and "-" in fields:
                dash = fields.index("-")
                return fields[dash + 1], tuple(",".join((fields[5], *fields[dash + 3 :])).split(","))
    return "", ()
