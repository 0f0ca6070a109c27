"""Registers in register.sqlite: the device's ledger of documents, written once and never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.errors import RegisterError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults
from edge_daemon.timestamps import parsed, stored


@dataclass(frozen=True, slots=True)
class StoredRegister:
    """One revision of a register."""

    lesson_id: str
    revision: int
    document: str
    """Text of the register as canonical JSON, with student ids and no names."""
    sha256: str
    """SHA-256 of the document in UTF-8, hexadecimal."""
    created_at: datetime


OutboxWriter = Callable[[sqlite_utils.Database, StoredRegister], None]
"""Writes further rows together with a register, in the same transaction."""


def latest(db: sqlite_utils.Database, lesson_id: str) -> StoredRegister | None:
    """Return the highest revision of a lesson's register; None if there is none."""
    return next(reversed(revisions(db, lesson_id)), None)


def revisions(db: sqlite_utils.Database, lesson_id: str) -> list[StoredRegister]:
    """Return all revisions of a lesson's register, in order."""
    return _read(
        db,
        "SELECT lesson_id, revision, document, sha256, created_at_utc FROM registers"
        " WHERE lesson_id = ? ORDER BY revision",
        lesson_id,
    )


def latest_registers(
    db: sqlite_utils.Database, start: datetime | None = None, end: datetime | None = None
) -> list[StoredRegister]:
    """Return the highest revision of every lesson that began in [start, end), sorted by the lessons' start."""
    low, high = stored(start) if start else "", stored(end) if end else "~"
    return _read(
        db,
        "SELECT lesson_id, revision, document, sha256, created_at_utc FROM registers JOIN lessons USING (lesson_id)"
        " WHERE start_utc >= ? AND start_utc < ? AND revision = (SELECT max(revision) FROM registers AS other"
        " WHERE other.lesson_id = registers.lesson_id)"
        " ORDER BY start_utc, lesson_id",
        *(low, high),
    )


def first_record(db: sqlite_utils.Database) -> datetime | None:
    """Return the time when the first plan or register was written; None if there is none."""
    with faults(db):
        row = db.execute(
            "SELECT min(at) FROM (SELECT min(created_at_utc) AS at FROM registers"
            " UNION ALL SELECT min(committed_at_utc) FROM plans_on_record)"
        ).fetchone()
    return parsed(row[0]) if row[0] else None


def starts(db: sqlite_utils.Database, start: datetime, end: datetime) -> list[datetime]:
    """Return the starts in [start, end) of timetable lessons that have a register and whose time can be trusted."""
    with faults(db):
        rows = db.execute(
            "SELECT DISTINCT start_utc FROM lessons JOIN registers USING (lesson_id) WHERE origin = 'timetable'"
            " AND clock <> 'unsynchronised' AND start_utc >= ? AND start_utc < ? ORDER BY start_utc",
            (stored(start), stored(end)),
        ).fetchall()
    return [parsed(row[0]) for row in rows]


def lessons_with_register(db: sqlite_utils.Database, start: datetime, end: datetime) -> list[str]:
    """Return the ids of timetable lessons with a register that begin in [start, end].

    Raises:
        StoreError: the database can't be read.
    """
    with faults(db):
        rows = db.execute(
            "SELECT lesson_id FROM lessons WHERE start_utc >= ? AND start_utc <= ? AND origin = 'timetable'"
            " AND EXISTS (SELECT 1 FROM registers WHERE registers.lesson_id = lessons.lesson_id) ORDER BY start_utc",
            (stored(start), stored(end)),
        ).fetchall()
    return [str(row[0]) for row in rows]


def find_lesson(db: sqlite_utils.Database, prefix: str) -> str:
    """Return the id of the only lesson whose id begins with `prefix` and which has a register.

    Raises:
        RegisterError: the prefix matches no lesson with a register, or several.
    """
    with faults(db):
        rows = db.execute(
            "SELECT DISTINCT lesson_id FROM registers WHERE substr(lesson_id, 1, length(?1)) = ?1 LIMIT 3",
            (prefix.lower(),),
        ).fetchall()
    if len(rows) == 1 and prefix:
        return str(rows[0][0])
    what = "several registers have ids that begin so" if rows else "there is no such register"
    hint = "give more of the id" if rows else "see `edge-daemon register list`"
    raise RegisterError(what, f"register {prefix!r}", hint)


def add_revision(
    db: sqlite_utils.Database,
    lesson_id: str,
    render: Callable[[StoredRegister], str | None],
    at: datetime,
    also: OutboxWriter | None = None,
) -> StoredRegister | None:
    """Append the next revision of a register, within the caller's transaction.

    Args:
        db: register.sqlite.
        lesson_id: a lesson that has a register.
        render: returns the next document, given the latest revision, which can't change meanwhile; None if nothing is
            to be changed.
        at: now.
        also: writes further rows because of the new revision, such as its outbox items, in the same transaction.

    Returns:
        The new revision; None if nothing changed and nothing was written.

    Raises:
        RegisterError: the lesson has no register.
        StoreError: the database can't be written.
    """
    last = latest(db, lesson_id)
    if last is None:
        raise RegisterError("there is no such register", f"register {lesson_id}", "see `edge-daemon register list`")
    document = render(last)
    if document is None:
        return None
    added = append(db, lesson_id, last.revision + 1, document, at)
    if also is not None:
        also(db, added)
    return added


def append(db: sqlite_utils.Database, lesson_id: str, revision: int, document: str, at: datetime) -> StoredRegister:
    """Add one revision at the end of the ledger, within the caller's transaction."""
    sha256 = hashlib.sha256(document.encode("utf-8")).hexdigest()
    db.execute(
        "INSERT INTO registers (lesson_id, revision, document, sha256, created_at_utc) VALUES (?, ?, ?, ?, ?)",
        (lesson_id, revision, document, sha256, stored(at)),
    )
    return StoredRegister(lesson_id, revision, document, sha256, at)


def last_sha256(db: sqlite_utils.Database) -> str | None:
    """Return the SHA-256 of the newest register document in the ledger; None if the ledger is empty."""
    row = db.execute("SELECT sha256 FROM registers ORDER BY ledger_position DESC LIMIT 1").fetchone()
    return None if row is None else str(row[0])


def _read(db: sqlite_utils.Database, query: str, *parameters: str) -> list[StoredRegister]:
    with faults(db):
        rows = db.execute(query, parameters).fetchall()
    return [StoredRegister(row[0], row[1], row[2], row[3], parsed(row[4])) for row in rows]
