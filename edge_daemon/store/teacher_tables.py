"""Teachers' mail addresses from calendars, by lesson, in register.sqlite; the roster's are in `contacts.py`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.store.gallery import wipe_log
from edge_daemon.timestamps import stored


@dataclass(frozen=True, slots=True)
class LessonTeachersRow:
    """The stored teachers of one lesson."""

    lesson_id: str
    sealed: bytes
    """Mail addresses of the teachers, sealed under the contact key."""


def lesson_teacher_rows(db: sqlite_utils.Database, lesson_id: str | None = None) -> list[LessonTeachersRow]:
    """Return the row of one lesson, or the rows of all lessons if `lesson_id` is None."""
    with faults(db):
        rows = db.execute(
            "SELECT lesson_id, sealed FROM lesson_teachers WHERE ?1 IS NULL OR lesson_id = ?1 ORDER BY lesson_id",
            (lesson_id,),
        ).fetchall()
    return [LessonTeachersRow(row[0], bytes(row[1])) for row in rows]


def put_lesson_teachers(db: sqlite_utils.Database, row: LessonTeachersRow, kept_until: datetime) -> None:
    """Write the teachers of a lesson that has none yet.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT OR IGNORE INTO lesson_teachers (lesson_id, sealed, kept_until_utc) VALUES (?, ?, ?)",
            (row.lesson_id, row.sealed, stored(kept_until)),
        )


def reseal_lesson_teachers(db: sqlite_utils.Database, put: Iterable[LessonTeachersRow], gone: Iterable[str]) -> None:
    """Replace the sealed addresses of some lessons and delete those of other lessons, in one transaction."""
    with transaction(db):
        db.conn.executemany("DELETE FROM lesson_teachers WHERE lesson_id = ?", [(one,) for one in gone])
        rows = [(row.sealed, row.lesson_id) for row in put]
        db.conn.executemany("UPDATE lesson_teachers SET sealed = ? WHERE lesson_id = ?", rows)
    wipe_log(db)


def forget_lesson_teachers(db: sqlite_utils.Database, now: datetime) -> int:
    """Delete the teachers of lessons about which no more mail is sent; return the number of lessons."""
    with transaction(db):
        count = db.conn.execute("DELETE FROM lesson_teachers WHERE kept_until_utc <= ?", (stored(now),)).rowcount
    if count:
        wipe_log(db)
    return count
