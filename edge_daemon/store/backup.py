"""Makes verified backups of a database, and restores the newest sound one.

SQLite's own backup (sqlite.org/backup.html) copies within one read transaction. A backup is therefore the state of one
moment, even while a lesson is written. It counts as verified if `integrity_check` finds no fault and every table has as
many rows as in the original. Backups are numbered, because the clock may have been wrong when one was made.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count
from pathlib import Path
from typing import BinaryIO

from edge_daemon.errors import DamageError, StoreError
from edge_daemon.store.database import faults_at
from edge_daemon.store.disk import free_bytes
from edge_daemon.store.integrity import SUFFIXES, counts, examine, set_aside
from edge_daemon.whole_file import sync_folder

_STEP_PAGES = 256
_SYNC_STEPS = 4
"""Backup steps between two syncs to the disk.

A commit of the running lesson waits until earlier writes are on the disk, so only a few megabytes may be unwritten.
"""
_PAUSE_S = 0.01
_NAME = re.compile(r"\w+-(?P<number>\d{6})-(?P<stamp>\d{8}T\d{6}Z)\.sqlite")
_CHUNK = 1 << 20
_BUSY_S = 10.0


@dataclass(frozen=True, slots=True)
class Backup:
    """A verified backup."""

    path: Path
    number: int
    taken_at: datetime
    """Time of the backup by the device's clock, which may have been wrong."""


def stamp(at: datetime) -> str:
    """Return a time in the form for file names."""
    return at.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def backups(folder: Path, stem: str) -> list[Backup]:
    """Return the backups of one database, newest first."""
    found = [_named(path) for path in folder.glob(f"{stem}-*.sqlite")]
    return sorted((copy for copy in found if copy is not None), key=lambda copy: copy.number, reverse=True)


def back_up(source: Path, folder: Path, at: datetime, *, reserve_bytes: int, emptied: Sequence[str] = ()) -> Backup:
    """Make and verify a backup of a database that other processes may be writing.

    Args:
        source: the database; it must exist.
        folder: folder of the backups; created for this user only.
        at: now.
        reserve_bytes: space that must stay free beside the backup.
        emptied: tables whose rows the backup must not contain.

    Raises:
        StoreError: there is no space or no permission, or the database is damaged. Earlier backups are unchanged.
    """
    number = next((copy.number for copy in backups(folder, source.stem)), 0) + 1
    target = folder / f"{source.stem}-{number:06}-{stamp(at)}.sqlite"
    part = folder / f"{source.stem}.part"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _discard(part)
        needed = sum(_size(source.with_name(source.name + suffix)) for suffix in SUFFIXES[:2])
        if free_bytes(folder) < needed + reserve_bytes:
            raise StoreError(
                "there is no room for a backup",
                str(folder),
                f"free {(needed + reserve_bytes - free_bytes(folder)) // 2**20 + 1} MB",
            )
        _copy(source, part, emptied)
        part.rename(target)
        sync_folder(folder)
    except OSError as error:
        with suppress(OSError):
            _discard(part)
        raise StoreError(
            f"the backup can't be made: {error.strerror}", str(error.filename or folder), "check owner and disk"
        ) from error
    except StoreError:
        with suppress(OSError):
            _discard(part)
        raise
    return Backup(target, number, at)


def restore(
    path: Path,
    folder: Path,
    damaged: Path,
    at: datetime,
    usable: Callable[[Path], bool] = lambda _: True,
) -> tuple[Backup | None, Path | None]:
    """Replace a database by its newest sound backup, after moving the present file aside.

    Args:
        path: the database; no process may have it open.
        folder: folder of the backups.
        damaged: folder to which the present file is moved.
        at: now.
        usable: returns whether the program can use a sound backup. A backup of the gallery is unusable once its slot
            key is destroyed.

    Returns:
        The restored backup, or None if none is sound; and the new path of the present file, or None if there was none.

    Raises:
        StoreError: the copy can't be written; the present database was not moved.
    """
    good = next((copy for copy in backups(folder, path.stem) if usable(copy.path) and _is_sound(copy.path)), None)
    if good is None:
        return None, set_aside(path, damaged, stamp(at))
    part = path.with_name(f"{path.name}.restoring")
    try:
        _discard(part)
        with good.path.open("rb") as source, _create(part) as target:
            shutil.copyfileobj(source, target, _CHUNK)
            target.flush()
            os.fsync(target.fileno())
        moved = set_aside(path, damaged, stamp(at))
        part.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            _discard(part)
        what = f"the backup of {good.taken_at:%Y-%m-%d} can't be put back: {error.strerror}"
        raise StoreError(what, str(path), "free some space, check owner and disk") from error
    return good, moved


def prune(folder: Path, stem: str, keep: int) -> int:
    """Remove all backups except the newest `keep`; return how many were removed.

    Raises:
        StoreError: a backup can't be removed.
    """
    old = backups(folder, stem)[keep:]
    try:
        for copy in old:
            copy.path.unlink(missing_ok=True)
        if old:
            sync_folder(folder)
    except OSError as error:
        raise StoreError(f"can't be removed: {error.strerror}", str(folder), "check its owner and disk") from error
    return len(old)


def erase_file(path: Path) -> None:
    """Overwrite a file with zeros on the disk, then remove it.

    A flash card's controller may keep the old blocks for a while, but personal data in a database is sealed. If the
    path is a link, only the link is removed, so that a user with write access to the folder can't erase other files.

    Raises:
        StoreError: the file can't be written or removed.
    """
    try:
        if path.is_symlink():
            path.unlink()
            return
        with os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "r+b") as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(bytes(min(left, _CHUNK)))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"can't be erased: {error.strerror}", str(path), "check its owner and disk") from error


def _copy(source: Path, part: Path, emptied: Sequence[str]) -> None:
    with _create(part) as file:
        with (
            faults_at(str(source)),
            closing(sqlite3.connect(source, isolation_level=None, timeout=_BUSY_S)) as origin,
            closing(sqlite3.connect(part, isolation_level=None)) as copy,
        ):
            copy.execute("PRAGMA synchronous = OFF")  # synced below, in small pieces
            origin.execute("BEGIN")
            expected = counts(origin)  # the first read fixes the moment of the backup
            if not expected:  # its copy would be the first to be restored
                hint = "restart the service: it restores the last backup"
                raise DamageError("the database is empty", str(source), hint)
            origin.backup(copy, pages=_STEP_PAGES, progress=_gently(file.fileno()))
            origin.execute("ROLLBACK")
            if counts(copy) != expected:
                raise StoreError("its copy has other rows", str(source), "run `edge-daemon maintain check`")
            _empty(copy, emptied)
        os.fsync(file.fileno())
    problem = examine(part, "full", immutable=True).problem
    if problem:
        raise DamageError(f"is damaged ({problem})", str(source), "restart the service: it restores the last backup")


def _gently(descriptor: int) -> Callable[[int, int, int], None]:
    """Return a callback for each step of a backup. It syncs the copy and pauses, so that commits never wait long."""
    steps = count(1)

    def after_step(_status: int, _left: int, _pages: int) -> None:
        if next(steps) % _SYNC_STEPS == 0:
            os.fdatasync(descriptor)
        time.sleep(_PAUSE_S)

    return after_step


def _empty(copy: sqlite3.Connection, tables: Sequence[str]) -> None:
    copy.execute("PRAGMA journal_mode = DELETE")  # leaves WAL mode: one file, without a log beside it
    copy.execute("PRAGMA journal_mode = MEMORY")
    copy.execute("PRAGMA secure_delete = ON")
    query = 'DELETE FROM "{}"'
    there = {row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in tables:
        if table in there:  # missing in a database that was not opened since an update
            copy.execute(query.format(table))


def _is_sound(path: Path) -> bool:
    try:
        findings = examine(path, "full", immutable=True)
    except StoreError:
        return False
    return not findings.problem and not findings.empty


def _create(path: Path) -> BinaryIO:
    """Create a new file that only this user may read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "r+b")


def _discard(part: Path) -> None:
    """Remove the remains of a backup that a power cut or a full disk interrupted."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        part.with_name(part.name + suffix).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _named(path: Path) -> Backup | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    with suppress(ValueError):
        at = datetime.strptime(match["stamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        return Backup(path, int(match["number"]), at)
    return None
