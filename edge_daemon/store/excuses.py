"""The office's last list of excuses in register.sqlite: student and days. The reasons are never stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import parsed, stored


def replace_excuses(db: sqlite_utils.Database, excuses: Iterable[tuple[str, date, date]], at: datetime) -> None:
    """Replace the stored list of excuses by a new one, in one transaction.

    Args:
        db: register.sqlite.
        excuses: for each excuse the student id, the first day and the last day.
        at: when the office wrote the list.

    Raises:
        StoreError: the database can't be written.
    """
    rows = [(student_id, first.isoformat(), last.isoformat()) for student_id, first, last in excuses]
    with transaction(db):
        db.conn.execute("DELETE FROM excuses")
        db.conn.executemany("INSERT OR IGNORE INTO excuses VALUES (?, ?, ?)", rows)
        db.conn.execute("INSERT OR REPLACE INTO excuse_list (only_row, at_utc) VALUES (1, ?)", (stored(at),))


def excuses_written_at(db: sqlite_utils.Database) -> datetime | None:
    """Return when the office wrote the current list; None: there is none. Raises StoreError."""
    with faults(db):
        row = db.execute("SELECT at_utc FROM excuse_list").fetchone()
    return parsed(row[0]) if row else None


def is_excused(db: sqlite_utils.Database, student_id: str, day: date) -> bool:
    """Return whether the office excused a student for a day. Raises StoreError."""
    query = "SELECT 1 FROM excuses WHERE student_id = ? AND first_day <= ? AND last_day >= ?"
    with faults(db):
        return db.execute(query, (student_id, day.isoformat(), day.isoformat())).fetchone() is not None


def erase_excuses(db: sqlite_utils.Database, student_id: str) -> None:
    """Delete the excuses of a student. Raises StoreError."""
    with transaction(db):
        db.conn.execute("DELETE FROM excuses WHERE student_id = ?", (student_id,))
