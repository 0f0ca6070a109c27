"""The calendar event of each lesson, and which lesson replaces another when its event is moved.

The id of a lesson depends on its start, so a single event that is moved becomes another lesson. The id of the event
comes from its UID only, so both lessons have the same event id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import parsed, stored
from edge_daemon.types import Lesson


@dataclass(frozen=True, slots=True)
class LessonEvent:
    """The stored event of one lesson."""

    lesson_id: str
    event_id: str
    course: str
    start: datetime
    """Start of the lesson when it was first recorded, before its event was moved."""
    moved_to: str
    """Id of the lesson that replaced this one when its event was moved before it began.

    Empty: the event was not moved, or the new lesson is unknown.
    """


def note_events(db: sqlite_utils.Database, lessons: Iterable[Lesson]) -> None:
    """Record the events of lessons. A recorded event stays unchanged.

    Raises:
        StoreError: the database can't be written.
    """
    rows = [(x.lesson_id, x.event_id, x.course, stored(x.start)) for x in lessons if x.event_id]
    with faults(db):
        first = min((row[3] for row in rows), default="~")
        known = {
            str(row[0]) for row in db.execute("SELECT lesson_id FROM lesson_events WHERE start_utc >= ?", (first,))
        }
    new = [row for row in rows if row[0] not in known]
    if new:
        with transaction(db):
            db.conn.executemany(
                "INSERT OR IGNORE INTO lesson_events (lesson_id, event_id, course, start_utc) VALUES (?, ?, ?, ?)", new
            )


def lesson_events(db: sqlite_utils.Database) -> Mapping[str, LessonEvent]:
    """Return all recorded events, by lesson id."""
    with faults(db):
        rows = db.execute(
            "SELECT lesson_id, event_id, course, start_utc, coalesce(moved_to, '') FROM lesson_events"
        ).fetchall()
    return {row[0]: LessonEvent(row[0], row[1], row[2], parsed(row[3]), row[4]) for row in rows}


def event_of(db: sqlite_utils.Database, lesson_id: str) -> str:
    """Return the id of a lesson's event; empty if it is unknown, as for lessons that an older release recorded."""
    with faults(db):
        row = db.execute("SELECT event_id FROM lesson_events WHERE lesson_id = ?", (lesson_id,)).fetchone()
    return str(row[0]) if row else ""


def hold_as(db: sqlite_utils.Database, moved: Lesson, lesson_id: str) -> None:
    """Record that a moved lesson was already held under another id, because it had begun before its event was moved.

    Args:
        db: register.sqlite.
        moved: the lesson in the new timetable.
        lesson_id: id of the lesson that had begun.

    Raises:
        StoreError: the database can't be written.
    """
    note_events(db, [moved])
    with transaction(db):
        db.execute("UPDATE lesson_events SET held_as = ? WHERE lesson_id = ?", (lesson_id, moved.lesson_id))


def held_as(db: sqlite_utils.Database) -> Mapping[str, str]:
    """Return the lessons recorded by `hold_as`: the id of the lesson that had begun, by id of the timetable lesson."""
    with faults(db):
        rows = db.execute("SELECT lesson_id, held_as FROM lesson_events WHERE held_as IS NOT NULL").fetchall()
    return dict(rows)


def note_moved(db: sqlite_utils.Database, lesson_id: str, moved_to: str) -> None:
    """Record which lesson replaced a lesson whose plan was withdrawn; `moved_to` is empty if none is known.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute("UPDATE lesson_events SET moved_to = ? WHERE lesson_id = ?", (moved_to or None, lesson_id))
