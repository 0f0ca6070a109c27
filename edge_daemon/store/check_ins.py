"""Check-ins at the door in register.sqlite, each with a student id and a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import parsed, stored


def note_check_in(db: sqlite_utils.Database, student_id: str, at: datetime) -> None:
    """Record a check-in. If the same check-in is already recorded, nothing changes.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        add_check_ins(db, [(student_id, at)])


def add_check_ins(db: sqlite_utils.Database, check_ins: Iterable[tuple[str, datetime]]) -> None:
    """Record check-ins within the caller's transaction. Existing ones stay unchanged."""
    rows = [(student_id, stored(at)) for student_id, at in check_ins]
    db.conn.executemany("INSERT OR IGNORE INTO check_ins (student_id, at_utc) VALUES (?, ?)", rows)


def first_check_ins(db: sqlite_utils.Database, begin: datetime, end: datetime) -> dict[str, datetime]:
    """Return the first check-in of each student in [begin, end].

    Raises:
        StoreError: the database can't be read.
    """
    with faults(db):
        rows = db.execute(
            "SELECT student_id, min(at_utc) FROM check_ins WHERE at_utc >= ? AND at_utc <= ? GROUP BY student_id",
            (stored(begin), stored(end)),
        ).fetchall()
    return {str(student_id): parsed(at) for student_id, at in rows}


def check_ins_between(db: sqlite_utils.Database, begin: datetime, end: datetime) -> list[tuple[str, datetime]]:
    """Return all check-ins in [begin, end], earliest first.

    Raises:
        StoreError: the database can't be read.
    """
    with faults(db):
        rows = db.execute(
            "SELECT student_id, at_utc FROM check_ins WHERE at_utc >= ? AND at_utc <= ? ORDER BY at_utc, student_id",
            (stored(begin), stored(end)),
        ).fetchall()
    return [(str(student_id), parsed(at)) for student_id, at in rows]


def check_ins_of(db: sqlite_utils.Database, student_id: str) -> list[datetime]:
    """Return all stored check-ins of a student, earliest first.

    Raises:
        StoreError: the database can't be read.
    """
    with faults(db):
        rows = db.execute("SELECT at_utc FROM check_ins WHERE student_id = ? ORDER BY at_utc", (student_id,)).fetchall()
    return [parsed(row[0]) for row in rows]
