"""The last lessons of a room: what the camera saw of it, and where the students of a course sat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import stored
from edge_daemon.types import Lesson, Sighting

LESSONS: Final = 5
"""So many lessons back: a class changes its seats now and then, and a camera is moved."""


@dataclass(frozen=True, slots=True)
class PastLesson:
    """A lesson of this room that was as usual."""

    scene: bytes
    sightings: tuple[Sighting, ...]
    """Empty for a lesson of another course than the one asked for, and after their retention."""


def room_views(db: sqlite_utils.Database, lesson_id: str) -> dict[int, bytes]:
    """Return what the captures of a running lesson show of the room, by slot."""
    with faults(db):
        return dict(db.execute("SELECT slot, view FROM room_views WHERE lesson_id = ?", (lesson_id,)).fetchall())


def keep_scene(db: sqlite_utils.Database, lesson_id: str, scene: bytes | None) -> None:
    """Keep what later lessons are compared with, and forget the views of a lesson that is finalised.

    Args:
        db: register.sqlite.
        lesson_id: of the lesson.
        scene: 256 bytes; None: the lesson shows nothing to compare with.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute("DELETE FROM room_views WHERE lesson_id = ?", (lesson_id,))
        if scene is not None:
            db.execute("INSERT OR REPLACE INTO scenes (lesson_id, scene) VALUES (?, ?)", (lesson_id, scene))


def past_lessons(db: sqlite_utils.Database, lesson: Lesson) -> list[PastLesson]:
    """Return the last lessons before one in the same room, and the last ones of its course, the newest first.

    Rehearsals are compared with rehearsals, lessons with lessons.
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
