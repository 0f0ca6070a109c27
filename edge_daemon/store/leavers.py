"""Students who left the roster: when they left, when their erasure was announced, and whose erasure is due."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, is_delivery, transaction
from edge_daemon.store.removal_requests import request_removals
from edge_daemon.timestamps import parsed, stored

WARN_BEFORE = timedelta(days=14)
"""Time between the announcement of an erasure, in `doctor` and heartbeat, and the erasure itself.

It is kept even if the settings change meanwhile.
"""


@dataclass(frozen=True, slots=True)
class ComingErasures:
    """How many students who left the roster are soon erased, and from which day on; it has no ids."""

    students: int
    first: date
    """The day (UTC) of the first erasure."""


def follow_leavers(db: sqlite_utils.Database, now: datetime, keep: timedelta) -> ComingErasures | None:
    """Record who left and who returned, and request the removal of leavers whose time is over.

    A student's time begins at the first call after the student left the roster. Days with an untrusted clock, and days
    before the update to this release, therefore do not count. A student is erased only if the erasure was announced
    14 days earlier (`WARN_BEFORE`).

    Args:
        db: gallery.sqlite.
        now: a time that can be trusted.
        keep: how long leavers are kept.

    Returns:
        The coming erasures that were announced; None if there are none.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "DELETE FROM leavers WHERE student_id IN (SELECT student_id FROM students WHERE position IS NOT NULL)"
        )
        db.execute(
            "INSERT OR IGNORE INTO leavers (student_id, left_at_utc) SELECT student_id, ?1 FROM students"
            " WHERE position IS NULL",
            (stored(now),),
        )
        # A clock that was ahead must not delay the erasure for years after it is corrected.
        db.execute("UPDATE leavers SET left_at_utc = ?1 WHERE left_at_utc > ?1", (stored(now),))
        db.execute("UPDATE leavers SET warned_at_utc = ?1 WHERE warned_at_utc > ?1", (stored(now),))
        db.execute(
            "UPDATE leavers SET warned_at_utc = ?1 WHERE warned_at_utc IS NULL AND left_at_utc <= ?2",
            (stored(now), stored(now - keep + WARN_BEFORE)),
        )
        rows = db.execute("SELECT student_id, left_at_utc, warned_at_utc FROM leavers").fetchall()
    days = {row[0]: max(parsed(row[1]) + keep, parsed(row[2]) + WARN_BEFORE) for row in rows if row[2] is not None}
    due = [student_id for student_id, day in days.items() if day <= now]
    if due:
        request_removals(db, due, now, bars_return=False)
    coming = [day for day in days.values() if day > now]
    return ComingErasures(len(coming), min(coming).date()) if coming else None


def write_coming(register_db: sqlite_utils.Database, coming: ComingErasures | None) -> None:
    """Store the announcement in register.sqlite for the process with network access, which can't open the gallery."""
    text = json.dumps({"students": coming.students, "first": coming.first.isoformat()}) if coming else ""
    with transaction(register_db):
        register_db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('coming_erasures', ?)", (text,))


def read_coming(register_db: sqlite_utils.Database) -> ComingErasures | None:
    """Return the last announcement; None if no erasure is coming."""
    with faults(register_db):
        meta = "register.meta" if is_delivery(register_db) else "meta"  # sync reads it as well
        row = register_db.execute(f"SELECT value FROM {meta} WHERE key = 'coming_erasures'").fetchone()
    if not row or not row[0]:
        return None
    fields = json.loads(row[0])
    return ComingErasures(int(fields["students"]), date.fromisoformat(fields["first"]))
