"""Timetable lessons that were not captured, each with the reason, so that every lesson is accounted for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import parsed, stored
from edge_daemon.types import Lesson


@dataclass(frozen=True, slots=True)
class SkippedLesson:
    """A lesson that was not captured, and why."""

    lesson_id: str
    course: str
    start: datetime
    end: datetime
    reason: str


def skip_lessons(db: sqlite_utils.Database, lessons: Iterable[Lesson], reason: str, at: datetime) -> int:
    """Record lessons that were not captured. Lessons that began or are already recorded are ignored.

    A lesson with the same course and times as a begun lesson is ignored too, because some programs export the same
    lesson with a new UID.

    Returns:
        The number of newly recorded lessons.

    Raises:
        StoreError: the database can't be written.
    """
    count = 0
    with transaction(db):
        for lesson in lessons:
            count += db.conn.execute(
                "INSERT OR IGNORE INTO skipped (lesson_id, course, start_utc, end_utc, reason, noted_at_utc)"
                " SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM lessons WHERE lesson_id = ?1"
                " OR (course, start_utc, end_utc, origin) = (?2, ?3, ?4, 'timetable'))",
                (lesson.lesson_id, lesson.course, stored(lesson.start), stored(lesson.end), reason, stored(at)),
            ).rowcount
    return count


def unskip(db: sqlite_utils.Database, lesson_id: str) -> None:
    """Delete the record that a lesson was skipped, because the clock was wrong and the lesson takes place."""
    with transaction(db):
        db.execute("DELETE FROM skipped WHERE lesson_id = ?", (lesson_id,))


def skipped_lessons(db: sqlite_utils.Database, since: datetime | None = None) -> list[SkippedLesson]:
    """Return the skipped lessons, earliest first."""
    with faults(db):
        rows = db.execute(
            "SELECT lesson_id, course, start_utc, end_utc, reason FROM skipped WHERE start_utc >= ?"
            " ORDER BY start_utc, lesson_id",
            (stored(since) if since else "",),
        ).fetchall()
    return [SkippedLesson(row[0], row[1], parsed(row[2]), parsed(row[3]), row[4]) for row in rows]


def last_accounted(db: sqlite_utils.Database, now: datetime) -> datetime | None:
    """Return the latest start of a begun or skipped lesson, up to `now`.

    If there is none, return the start of the first recorded plan, or None without a plan. Starts after `now` are
    ignored: they may have been recorded while the clock was a year ahead, and the lessons of that year would then never
    be accounted for.
    """
    with faults(db):
        row = db.execute(
            "SELECT coalesce(max(start_utc), (SELECT min(start_utc) FROM plans_on_record WHERE start_utc <= ?1)) FROM ("
            "SELECT start_utc FROM skipped UNION ALL SELECT start_utc FROM lessons WHERE origin = 'timetable'"
            " AND clock <> 'unsynchronised') WHERE start_utc <= ?1",
            (stored(now),),
        ).fetchone()
    return parsed(row[0]) if row[0] else None
