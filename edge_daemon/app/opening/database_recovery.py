"""Checks the databases at the start of the service, restores damaged ones, and reports what is lost."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_daemon.device.key_slots import KeySlots
from edge_daemon.device.secrets import device_key
from edge_daemon.errors import DamageError, KeyFileError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import retention
from edge_daemon.store.backup import Backup, backups, restore, stamp
from edge_daemon.store.database import check_path, open_gallery, open_register
from edge_daemon.store.integrity import DatabaseFindings, Depth, examine, key_generation, loss
from edge_daemon.timestamps import written

logger = logging.getLogger(__name__)

FULL_CHECK_AFTER = timedelta(days=7)
"""A start makes a full check if the newest backup is older than this. Each backup is fully checked when it is made."""

_CANDIDATES_GONE = "its faces were lost with a damaged database"


@dataclass(frozen=True, slots=True)
class OpenedDatabases:
    """The databases with which the service starts."""

    register_db: sqlite_utils.Database
    gallery_ok: bool
    """True if there is a gallery, and it is the original or a backup of it."""
    notes: tuple[str, ...]
    """Notes for people, a line each: damage, repairs and losses."""


@dataclass(frozen=True, slots=True)
class _RecoveredDatabase:
    """The outcome for one damaged database."""

    problem: str
    backup: Backup | None
    aside: Path | None


def open_databases(home: Home, now: datetime | None = None) -> OpenedDatabases:
    """Check both databases, restore damaged ones from the last good backup, and open the register.

    Call this before any other part of this process opens one of them.

    Args:
        home: the installation.
        now: the time, for file names and for the age of the newest backup.

    Raises:
        StoreError: no rights, no space, a failing disk, or a database of another program; nothing was deleted.
        GalleryError: a restored gallery contains erased data that can't be erased again.
    """
    now = (now or datetime.now(timezone.utc)).replace(microsecond=0)
    home.ensure_state_dir()
    try:
        opened = _opened(home, now, thorough=home.suspect_path.exists())
    except (DamageError, sqlite3.IntegrityError):
        opened = _opened(home, now, thorough=True)
    home.suspect_path.unlink(missing_ok=True)
    return opened


def suspect(home: Home) -> None:
    """Note that a database may be damaged, so that the next start checks both fully; an error is only logged."""
    try:
        home.suspect_path.touch(mode=0o600)
    except OSError as error:
        logger.warning("damage not noted", extra={"reason": error.strerror})


def _opened(home: Home, now: datetime, *, thorough: bool) -> OpenedDatabases:
    gallery, notes = _mend(home, home.gallery_db_path, now, thorough=thorough)
    register, register_notes = _mend(home, home.register_db_path, now, thorough=thorough)
    register_db = open_register(home.register_db_path)
    try:
        notes += register_notes
        if register is not None:
            notes.append(_told(home.register_db_path, register, _lost(register, register_db)))
        if gallery is not None:
            notes.append(_told(home.gallery_db_path, gallery, "what was enrolled since"))
        with gallery_of(home) as gallery_db:
            if gallery_db is not None and (gallery or register):
                _erase_again(home, gallery_db, register_db)
            dropped = retention.drop_captures_without_candidates(register_db, gallery_db, _CANDIDATES_GONE)
    except BaseException:
        register_db.conn.close()
        raise
    if dropped:
        notes.append(f"{dropped} captures of running lessons count as missed: {_CANDIDATES_GONE}")
    _keep(home, notes, now)
    begun_anew = gallery is not None and gallery.backup is None
    return OpenedDatabases(register_db, home.gallery_db_path.exists() and not begun_anew, tuple(notes))


@contextmanager
def gallery_of(home: Home) -> Iterator[sqlite_utils.Database | None]:
    """Open gallery.sqlite without its key; yield None if it does not exist."""
    if not home.gallery_db_path.exists():
        yield None
        return
    db = open_gallery(home.gallery_db_path, create=False)
    with closing(db.conn):
        yield db


def _mend(home: Home, path: Path, now: datetime, *, thorough: bool) -> tuple[_RecoveredDatabase | None, list[str]]:
    """Restore a database if it is damaged or missing; return the outcome, and further notes."""
    known = backups(home.backup_dir, path.stem)
    if not path.exists():
        log_without_file = path.with_name(path.name + "-wal").exists()
        findings = DatabaseFindings("the file is missing" if known or log_without_file else "")
    else:
        check_path(path, create=False)
        log = home.damaged_dir / f"{path.stem}-{stamp(now)}.sqlite-wal"
        findings = examine(path, "full" if thorough else _depth(path, known, now), keep_log=log)
        if findings.empty and known:
            findings = DatabaseFindings("the file is empty")
    if not findings.problem:
        return None, _log_notes(path, findings)
    logger.error("database damaged", extra={"file": path.name, "reason": findings.problem})
    copy, aside = restore(path, home.backup_dir, home.damaged_dir, now, lambda copy: _opens(home, path, copy))
    return _RecoveredDatabase(findings.problem, copy, aside), []


def _opens(home: Home, path: Path, copy: Path) -> bool:
    """Return whether a backup can be opened. It can't if an erasure has destroyed its slot key."""
    if path != home.gallery_db_path:
        return True
    generation = key_generation(copy)
    return generation == 0 or generation in {one.generation for one in KeySlots(home.gallery_slots_path).keys()}  # noqa: SIM118


def _depth(path: Path, known: Sequence[Backup], now: datetime) -> Depth:
    """Return how thoroughly to check. SQLite removes the log on closing, so a remaining log shows an abrupt end."""
    if not any(abs(now - copy.taken_at) < FULL_CHECK_AFTER for copy in known[:1]):
        return "full"
    return "quick" if path.with_name(path.name + "-wal").exists() else "start"


def _log_notes(path: Path, findings: DatabaseFindings) -> list[str]:
    if not findings.lost_commits:
        return []
    return [f"{path.name}: its log was damaged, the last {findings.lost_commits} commits or more are lost"]


def _lost(mended: _RecoveredDatabase, restored: sqlite_utils.Database) -> str:
    """Return in words which data the restored register lacks, as far as the damaged file can be read."""
    found = loss(mended.aside, restored.conn) if mended.aside is not None else None
    if found is None:
        return "the amount is unknown"
    return f"{found.registers} registers, {found.lessons} lessons, as far as the damaged file can be read"


def _told(path: Path, mended: _RecoveredDatabase, lost: str) -> str:
    kept = f"; the damaged file is kept as {mended.aside}" if mended.aside is not None else ""
    what = f"{path.name} was damaged ({mended.problem})"
    if mended.backup is None:
        return f"{what} and has no backup: the program began a new one, and all earlier data is lost ({lost}){kept}"
    at = written(mended.backup.taken_at)
    return f"{what} and was replaced by the backup of {at}: later data is lost ({lost}){kept}"


def _erase_again(home: Home, gallery_db: sqlite_utils.Database, register_db: sqlite_utils.Database) -> None:
    from edge_daemon.gallery import erasure  # imported here: only damage needs cryptography

    erasure.apply_tombstones(gallery_db)
    try:
        key = device_key(home.key_path if home.home_mode else None, create=False)
    except KeyFileError as error:
        logger.warning("removed students not looked for", extra={"reason": error.what})
        key = None
    erasure.erase_sightings_again(gallery_db, key, register_db)


def _keep(home: Home, notes: Sequence[str], now: datetime) -> None:
    """Write the notes next to the damaged files, so that they survive a restart."""
    for note in notes:
        logger.error("storage repaired", extra={"reason": note})
    if not notes:
        return
    try:
        home.damaged_dir.mkdir(mode=0o700, exist_ok=True)
        with (home.damaged_dir / "NOTES.txt").open("a", encoding="utf-8") as file:
            file.writelines(f"{written(now)} {note}\n" for note in notes)
    except OSError as error:
        logger.warning("notes not kept", extra={"reason": error.strerror})
