"""Numbers of captures of recent lessons in register.sqlite, for `status`. Reading them needs no key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults
from edge_daemon.store.lessons import StoredLesson, get_lesson
from edge_daemon.timestamps import stored
from edge_daemon.types import Origin


@dataclass(frozen=True, slots=True)
class LessonCounts:
    """A lesson and the numbers of its captures."""

    stored: StoredLesson
    taken: int
    missed: int


def last_finalised(db: sqlite_utils.Database, now: datetime, origin: Origin | None = None) -> LessonCounts | None:
    """Return the finalised lesson that ended last; None if there is none.

    Args:
        db: register.sqlite.
        now: the current time. A lesson that begins after it (the clock was ahead, or a person named a future time) is
            returned only if there is no other.
        origin: only lessons of this origin; None: any.
    """
    where = "state = 'finalised'" + (" AND origin = ?" if origin else "")
    order = "start_utc > ?, end_utc DESC, lesson_id"
    found = _counts(db, f"WHERE {where} ORDER BY {order} LIMIT 1", *([origin] if origin else []), stored(now))
    return found[0] if found else None


def unfinished(db: sqlite_utils.Database) -> list[LessonCounts]:
    """Return the lessons that began and have no register yet, earliest first."""
    return _counts(db, "WHERE state = 'running' ORDER BY start_utc, lesson_id")


_SELECT = (
    "SELECT lesson_id, (SELECT count(*) FROM captures WHERE captures.lesson_id = lessons.lesson_id),"
    " (SELECT count(*) FROM missed WHERE missed.lesson_id = lessons.lesson_id) FROM lessons"
)


def _counts(db: sqlite_utils.Database, which: str, *values: str) -> list[LessonCounts]:
    with faults(db):
        rows = db.execute(f"{_SELECT} {which}", values).fetchall()
    return list(_with_lessons(db, rows))


def _with_lessons(db: sqlite_utils.Database, rows: Iterable[tuple[str, int, int]]) -> Iterable[LessonCounts]:
    for lesson_id, taken, missed in rows:
        lesson = get_lesson(db, lesson_id)
        if lesson is not None:
            yield LessonCounts(lesson, taken, missed)
