"""Requests to remove students, in gallery.sqlite, which stay until the removal is finished."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.store.gallery import wipe_log
from edge_daemon.timestamps import parsed, stored


@dataclass(frozen=True, slots=True)
class RemovalRequest:
    """A request to remove a student, whose removal is not finished."""

    student_id: str
    requested_at: datetime
    bars_return: bool
    """True: the student stays removed even if a later roster has the id again."""


def request_removals(
    db: sqlite_utils.Database, student_ids: Iterable[str], at: datetime, *, bars_return: bool = True
) -> None:
    """Record the request to remove students. Call it before anything is erased.

    If a power cut interrupts the removal, the next start finishes it.

    Args:
        db: gallery.sqlite.
        student_ids: ids of the students.
        at: now.
        bars_return: True: the students stay removed even if a later roster has them. False for students who only left
            the roster.

    Raises:
        StoreError: the database can't be written; nothing was recorded.
    """
    with transaction(db):
        rows = [(student_id, stored(at), int(bars_return)) for student_id in student_ids]
        db.conn.executemany(
            "INSERT INTO removals (student_id, requested_at_utc, bars_return) VALUES (?, ?, ?)"
            " ON CONFLICT (student_id) DO UPDATE SET bars_return = max(bars_return, excluded.bars_return)",
            rows,
        )


def requested_removals(db: sqlite_utils.Database) -> list[RemovalRequest]:
    """Return the unfinished removals."""
    with faults(db):
        rows = db.execute(
            "SELECT student_id, requested_at_utc, bars_return FROM removals ORDER BY student_id"
        ).fetchall()
    return [RemovalRequest(str(row[0]), parsed(row[1]), bool(row[2])) for row in rows]


def forget_requests(db: sqlite_utils.Database, student_ids: Iterable[str]) -> None:
    """Delete the requests of finished removals, and overwrite their bytes on the disk."""
    with transaction(db):
        db.conn.executemany("DELETE FROM removals WHERE student_id = ?", [(one,) for one in student_ids])
    wipe_log(db)
