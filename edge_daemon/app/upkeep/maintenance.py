"""Keeping the two databases sound for years: checked at every start, copied every day, mended without anybody there.

docs/STORAGE.md says what is checked when, and why the settings are as they are.
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
"""Below this no capture is taken: what is left is for finalising what was captured.

Finalising 100 captures of 30 students takes 0.8 MB, 1000 captures of 60 students 40 MB (docs/STORAGE.md)."""


@dataclass(frozen=True, slots=True)
class DiskState:
    """May captures go on?"""

    free_bytes: int
    stop: bool
    reason: str
    """Empty where captures may go on."""


@dataclass(frozen=True, slots=True)
class RetentionResult:
    """What a retention run erased."""

    sightings: int
    candidate_sets: int
    """Lessons and untimed sessions whose candidates went."""
    untimed: int
    skipped: str = ""
    """Why nothing was looked at."""
    registers: int = 0
    """Registers whose time is over: the service, which has the key, removes them within the hour."""


@dataclass(frozen=True, slots=True)
class DailyUpkeep:
    """What the daily job did."""

    backups: tuple[copies.Backup, ...]
    erased: int
    """Copies that still held what was erased."""
    retained: RetentionResult


@dataclass(frozen=True, slots=True)
class ReplacedCopies:
    """What became of the copies of the gallery after an erasure."""

    erased: int
    """Files that were overwritten and removed, damaged galleries that were put aside among them."""
    fresh: copies.Backup | None
    """The copy that took their place; None where there was none to replace, or it could not be made."""


def daily(home: Home, now: datetime, clock: ClockState | None = None) -> DailyUpkeep:
    """Back up, then delete what is over its time; safe beside a running lesson.

    Raises:
        StoreError: a backup could not be made; what could be done was done.
    """
    made, erased = back_up(home, now)
    return DailyUpkeep(made, erased, retain(home, now, clock))


def back_up(home: Home, now: datetime) -> tuple[tuple[copies.Backup, ...], int]:
    """Make a verified copy of both databases and remove old ones.

    Returns:
        The copies, and how many older ones were erased because they held what `enrol remove` had erased.

    Raises:
        StoreError: one could not be made, the other one was. A DamageError is noted for the next start.
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
    """Delete sightings that are over their time, and candidates and untimed captures that nobody needs any more.

    Of leavers and registers whose time is over the removal is recorded; the service, which has the key, does it.

    Args:
        home: where the databases are; `storage.keep_sightings_days` holds.
        now: what the clock says.
        clock: how far it can be trusted; None asks. A clock that may be years ahead deletes nothing.

    Raises:
        StoreError: a database can't be written.
    """
    reading = SystemClock(trusted=home.config.device.trust_clock).reading()
    if (clock or reading.state) == "unsynchronised":
        return RetentionResult(0, 0, 0, "nobody knows the time, so nothing is known to be old")
    if not home.register_db_path.exists():
        return RetentionResult(0, 0, 0, "there is no register yet")
    before = now - timedelta(days=home.config.storage.keep_sightings_days)
    register_db = open_register(home.register_db_path, create=False)
    with closing(register_db.conn), gallery_of(home) as gallery_db:
        sightings = retention.erase_sightings_of_lessons_before(register_db, before)
        untimed = retention.forget_old_untimed(register_db, before, reading.boot_id)
        forget_events_before(register_db, now - timedelta(days=KEPT_DAYS))
        idle = retention.erase_idle_candidates(gallery_db, register_db, before) if gallery_db is not None else 0
        if gallery_db is not None:
            keep = timedelta(days=home.config.storage.keep_leavers_days)
            write_coming(register_db, follow_leavers(gallery_db, now, keep))
        registers = _mark_registers(home, register_db, now)
    return RetentionResult(sightings, idle, untimed, registers=registers)


def _mark_registers(home: Home, register_db: sqlite_utils.Database, now: datetime) -> int:
    """Note which registers the office has, and leave word of those whose time is over; return how many these are."""
    removed_registers.note_acknowledged(register_db, now)
    days = home.config.storage.keep_registers_days
    due = len(removed_registers.due_registers(register_db, timedelta(days=days), now)) if days else 0
    removed_registers.mark_due(register_db, due)
    return due


def check(home: Home, depth: Depth = "full") -> dict[str, DatabaseFindings]:
    """Examine both databases as they are, by name of file; from a process that has neither open.

    Raises:
        StoreError: one can't be looked at.
    """
    paths = (home.register_db_path, home.gallery_db_path)
    found = {path.name: examine(path, depth) for path in paths if path.exists()}
    if any(findings.problem for findings in found.values()):
        suspect(home)
    return found


def disk_state(home: Home) -> DiskState:
    """Return how much room there is, and whether captures have to stop; raises nothing, writes nothing."""
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
    """After an erasure: no copy of the gallery may keep what was erased; a fresh copy takes their place first.

    Copies under an earlier slot key go, too: they could not be opened any more.

    Raises:
        StoreError: a file can't be erased. That no fresh copy could be made is logged, and prevents nothing.
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
    # The candidates of a running lesson go when it ends, contacts when a student is removed: a copy that is kept for a
    # week must not have them. The start of the service brings the contacts of those who are still enrolled again.
    emptied = ("candidates",) if path == home.gallery_db_path else ("contacts", "lesson_teachers")
    made = copies.back_up(path, home.backup_dir, now, reserve_bytes=RESERVE_BYTES, emptied=emptied)
    copies.prune(home.backup_dir, path.stem, home.config.storage.keep_backups)
    return made


def _stale_copies(home: Home, *, unreadable: bool) -> list[Path]:
    """Return the copies of the gallery that have a data key that an erasure destroyed, or need an old slot key."""
    with gallery_of(home) as gallery_db:
        if gallery_db is None:
            return []
        from edge_daemon.gallery import erasure  # here: the service itself needs no cryptography

        destroyed = erasure.destroyed_keys(gallery_db)
        generation = tables.key_generation(gallery_db)
    if generation not in {one.generation for one in KeySlots(home.gallery_slots_path).keys()}:  # noqa: SIM118
        generation = 0  # an earlier gallery was put there by hand: the copies may be what is right
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
