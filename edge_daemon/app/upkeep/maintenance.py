"""Keeps the two databases sound for years: checked at every start, copied every day, repaired without a person.

docs/STORAGE.md describes which check runs when, and the reasons for the settings.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from edge_daemon.app.opening.database_recovery import gallery_of, open_databases, suspect
from edge_daemon.device.clock import SystemClock
from edge_daemon.device.key_slots import KeySlots
from edge_daemon.errors import DamageError, StoreError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import backup as copies
from edge_daemon.store import disk, removed_registers, retention
from edge_daemon.store import gallery as tables
from edge_daemon.store.daily_events import KEPT_DAYS, forget_events_before
from edge_daemon.store.database import open_register
from edge_daemon.store.integrity import DatabaseFindings, Depth, examine, holds_key, key_generation
from edge_daemon.store.leavers import follow_leavers, write_coming
from edge_daemon.types import ClockState

__all__ = [
    "DailyUpkeep",
    "DiskState",
    "RetentionResult",
    "back_up",
    "check",
    "daily",
    "disk_state",
    "forget_erased",
    "open_databases",
    "retain",
    "suspect",
]

logger = logging.getLogger(__name__)

RESERVE_BYTES = 64 * 2**20
"""Least free space for taking a capture, in bytes, so that the rest suffices to finalise earlier captures.

Finalising 100 captures of 30 students takes 0.8 MB, 1000 captures of 60 students 40 MB (docs/STORAGE.md).
"""


@dataclass(frozen=True, slots=True)
class DiskState:
    """The free disk space, and whether captures may go on."""

    free_bytes: int
    stop: bool
    reason: str
    """Why captures have to stop; empty if they may go on."""


@dataclass(frozen=True, slots=True)
class RetentionResult:
    """The result of a retention run."""

    sightings: int
    candidate_sets: int
    """Number of lessons and untimed sessions whose candidates were erased."""
    untimed: int
    skipped: str = ""
    """Why no retention period was checked; empty if they were checked."""
    registers: int = 0
    """Number of registers past their retention period; the service, which has the key, removes them within the hour."""


@dataclass(frozen=True, slots=True)
class DailyUpkeep:
    """The result of the daily job."""

    backups: tuple[copies.Backup, ...]
    erased: int
    """Number of copies erased because they contained erased data."""
    retained: RetentionResult


@dataclass(frozen=True, slots=True)
class ReplacedCopies:
    """How an erasure changed the copies of the gallery."""

    erased: int
    """Number of files that were overwritten and removed, including set-aside damaged galleries."""
    fresh: copies.Backup | None
    """The copy that replaces the erased ones; None if there was none to replace or it could not be made."""


def daily(home: Home, now: datetime, clock: ClockState | None = None) -> DailyUpkeep:
    """Make backups, then delete data older than its retention time; safe during a lesson.

    Raises:
        StoreError: a backup could not be made; all other work was done.
    """
    made, erased = back_up(home, now)
    return DailyUpkeep(made, erased, retain(home, now, clock))


def back_up(home: Home, now: datetime) -> tuple[tuple[copies.Backup, ...], int]:
    """Make a verified copy of both databases and remove old ones.

    Returns:
        The copies, and how many older ones were erased because they contained data of removed students.

    Raises:
        StoreError: one copy could not be made, but the other one was. A DamageError is noted for the next start.
    """
    made: list[copies.Backup] = []
    faults: list[StoreError] = []
    for path in (home.register_db_path, home.gallery_db_path):
        try:
            if path.exists():
                made.append(_copy_of(home, path, now))
        except StoreError as error:
            faults.append(error)
            if isinstance(error, DamageError):
                suspect(home)
    erased = _erase(_stale_copies(home, unreadable=False))
    if faults:
        raise faults[0]
    return tuple(made), erased


def retain(home: Home, now: datetime, clock: ClockState | None = None) -> RetentionResult:
    """Delete data past its retention time: sightings, untimed captures, daily events, and candidates left over.

    For leavers and for registers past their retention period, only the order to remove them is recorded. The service,
    which has the key, removes them.

    Args:
        home: the installation; `storage.keep_sightings_days` applies.
        now: the time by the clock.
        clock: how far the clock can be trusted; None to ask it. A clock that may be years ahead deletes nothing.

    Raises:
        StoreError: a database can't be written.
    """
    reading = SystemClock(trusted=home.config.device.trust_clock).reading()
    if (clock or reading.state) == "unsynchronised":
        return RetentionResult(0, 0, 0, "the time is not known, so the age of the data is not known")
    if not home.register_db_path.exists():
        return RetentionResult(0, 0, 0, "there is no register yet")
    keep = timedelta(days=home.config.storage.keep_sightings_days)
    before, before_boottime_s = now - keep, reading.boottime_s - keep.total_seconds()
    register_db = open_register(home.register_db_path, create=False)
    with closing(register_db.conn), gallery_of(home) as gallery_db:
        sightings = retention.erase_sightings_of_lessons_before(register_db, before)
        untimed = retention.forget_old_untimed(register_db, before, reading.boot_id, before_boottime_s)
        forget_events_before(register_db, now - timedelta(days=KEPT_DAYS))
        idle = retention.erase_idle_candidates(gallery_db, register_db, before) if gallery_db is not None else 0
        if gallery_db is not None:
            keep_leavers = timedelta(days=home.config.storage.keep_leavers_days)
            write_coming(register_db, follow_leavers(gallery_db, now, keep_leavers))
        registers = _mark_registers(home, register_db, now)
    return RetentionResult(sightings, idle, untimed, registers=registers)


def _mark_registers(home: Home, register_db: sqlite_utils.Database, now: datetime) -> int:
    """Record which registers the office has received; record and return how many are past their retention period."""
    removed_registers.note_acknowledged(register_db, now)
    days = home.config.storage.keep_registers_days
    due = len(removed_registers.due_registers(register_db, timedelta(days=days), now)) if days else 0
    removed_registers.mark_due(register_db, due)
    return due


def check(home: Home, depth: Depth = "full") -> dict[str, DatabaseFindings]:
    """Return the findings on both databases, by file name.

    Damage is noted for the next start, which repairs it. Call this only if this process has neither database open.

    Raises:
        StoreError: a database can't be examined.
    """
    paths = (home.register_db_path, home.gallery_db_path)
    found = {path.name: examine(path, depth) for path in paths if path.exists()}
    if any(findings.problem for findings in found.values()):
        suspect(home)
    return found


def disk_state(home: Home) -> DiskState:
    """Return the free space, and whether captures have to stop; raises no error and writes nothing."""
    try:
        free = disk.free_bytes(home.state_dir)
    except OSError as error:
        return DiskState(0, True, f"the disk does not answer: {error.strerror}")
    if disk.is_read_only(home.state_dir):
        return DiskState(free, True, "the disk is read-only")
    if free < RESERVE_BYTES:
        left = f"{free // 2**20} MB free, {RESERVE_BYTES // 2**20} MB are kept for finalising"
        return DiskState(free, True, f"the disk is full: {left}")
    return DiskState(free, False, "")


def forget_erased(home: Home, now: datetime) -> ReplacedCopies:
    """Replace the copies of the gallery after an erasure, because no copy may keep erased data.

    A fresh copy is made first. Copies under an earlier slot key are erased, too, because they can't be opened any more.

    Raises:
        StoreError: a file can't be erased. If no fresh copy can be made, this is only logged.
    """
    stale = _stale_copies(home, unreadable=True)
    fresh = None
    if any(path.parent == home.backup_dir for path in stale):
        try:
            fresh = _copy_of(home, home.gallery_db_path, now)
        except StoreError as error:
            logger.warning("no fresh backup of the gallery", extra={"reason": error.what})
    return ReplacedCopies(_erase(stale), fresh)


def _copy_of(home: Home, path: Path, now: datetime) -> copies.Backup:
    # Candidates of a running lesson are erased at its end, and contacts with a removed student. A backup is kept for a
    # week, so it must not contain them. The next start of the service restores the contacts of enrolled students.
    emptied = ("candidates",) if path == home.gallery_db_path else ("contacts", "lesson_teachers")
    made = copies.back_up(path, home.backup_dir, now, reserve_bytes=RESERVE_BYTES, emptied=emptied)
    copies.prune(home.backup_dir, path.stem, home.config.storage.keep_backups)
    return made


def _stale_copies(home: Home, *, unreadable: bool) -> list[Path]:
    """Return the copies of the gallery with a data key that an erasure destroyed, or under an old slot key."""
    with gallery_of(home) as gallery_db:
        if gallery_db is None:
            return []
        from edge_daemon.gallery import erasure  # imported here: the service needs no cryptography

        destroyed = erasure.destroyed_keys(gallery_db)
        generation = tables.key_generation(gallery_db)
    if generation not in {one.generation for one in KeySlots(home.gallery_slots_path).keys()}:  # noqa: SIM118
        generation = 0  # somebody put an earlier gallery there: the copies may be the right ones
    if not destroyed and not generation:
        return []
    stem = home.gallery_db_path.stem
    found = [path for folder in (home.backup_dir, home.damaged_dir) for path in sorted(folder.glob(f"{stem}-*.sqlite"))]
    return [path for path in found if _is_stale(path, destroyed, generation, unreadable=unreadable)]


def _is_stale(path: Path, destroyed: frozenset[str], generation: int, *, unreadable: bool) -> bool:
    has_key, needed = holds_key(path, destroyed), key_generation(path)
    if has_key is None or needed is None:
        return unreadable
    return has_key or (generation > 0 and needed != generation)


def _erase(stale: Iterable[Path]) -> int:
    count = 0
    for path in stale:
        for suffix in ("-wal", "-shm", ""):
            copies.erase_file(path.with_name(path.name + suffix))
        count += 1
    return count
