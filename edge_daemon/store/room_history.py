"""Recent lessons in a room, each with the camera's view of the room and the sightings of its students."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import stored
from edge_daemon.types import Lesson, Sighting

LESSONS: Final = 5
"""Largest number of past lessons that are used: few, because classes change seats and cameras are moved."""


@dataclass(frozen=True, slots=True)
class PastLesson:
    """An earlier lesson in the same room, whose view of the room was stored."""

    scene: bytes
    sightings: tuple[Sighting, ...]
    """Sightings of the lesson; empty if it was of another course, or if they were deleted after their retention."""


def room_views(db: sqlite_utils.Database, lesson_id: str) -> dict[int, bytes]:
    """Return the views of the room from the captures of a running lesson, by slot."""
    with faults(db):
        return dict(db.execute("SELECT slot, view FROM room_views WHERE lesson_id = ?", (lesson_id,)).fetchall())


def keep_scene(db: sqlite_utils.Database, lesson_id: str, scene: bytes | None) -> None:
    """Store the view of a finalised lesson for later comparisons, and delete the views of its single captures.

    Args:
        db: register.sqlite.
        lesson_id: id of the lesson.
        scene: the lesson's view of the room, 256 bytes; None: it has no usable view.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute("DELETE FROM room_views WHERE lesson_id = ?", (lesson_id,))
        if scene is not None:
            db.execute("INSERT OR REPLACE INTO scenes (lesson_id, scene) VALUES (?, ?)", (lesson_id, scene))


def past_lessons(db: sqlite_utils.Database, lesson: Lesson) -> list[PastLesson]:
    """Return the last five lessons in the room before `lesson`, then the last five of its course there, each once.

    Each group is sorted, newest first. Only lessons of the same origin (rehearsal or timetable) with a stored view of
    the room are returned. Lessons of other courses come without sightings.
    """
    before = (lesson.device, lesson.origin, stored(lesson.start))
    query = (
        "SELECT lesson_id, scene, course FROM lessons JOIN scenes USING (lesson_id)"
        " WHERE device = ? AND origin = ? AND start_utc < ? {} ORDER BY start_utc DESC LIMIT ?"
    )
    with faults(db):
        room = db.execute(query.format(""), (*before, LESSONS)).fetchall()
        course = db.execute(query.format("AND course = ?"), (*before, lesson.course, LESSONS)).fetchall()
    found = {row[0]: row for row in (*room, *course)}
    return [
        PastLesson(bytes(scene), tuple(lessons.sightings(db, lesson_id)) if of == lesson.course else ())
        for lesson_id, scene, of in found.values()
    ]
