"""Recent lessons of a room: the camera's view of it, and the seats of a course's students."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import stored
from edge_daemon.types import Lesson, Sighting

LESSONS: Final = 5
"""Number of past lessons used, because classes change seats and cameras are moved."""


@dataclass(frozen=True, slots=True)
class PastLesson:
    """An earlier lesson of this room without irregularities."""

    scene: bytes
    sightings: tuple[Sighting, ...]
    """Empty for a lesson of another course than the requested one, and after the retention of sightings."""


def room_views(db: sqlite_utils.Database, lesson_id: str) -> dict[int, bytes]:
    """Return the views of the room from the captures of a running lesson, by slot."""
    with faults(db):
        return dict(db.execute("SELECT slot, view FROM room_views WHERE lesson_id = ?", (lesson_id,)).fetchall())


def keep_scene(db: sqlite_utils.Database, lesson_id: str, scene: bytes | None) -> None:
    """Store the scene for comparison with later lessons, and delete the views of a finalised lesson.

    Args:
        db: register.sqlite.
        lesson_id: id of the lesson.
        scene: 256 bytes; None: the lesson has no usable view.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute("DELETE FROM room_views WHERE lesson_id = ?", (lesson_id,))
        if scene is not None:
            db.execute("INSERT OR REPLACE INTO scenes (lesson_id, scene) VALUES (?, ?)", (lesson_id, scene))


def past_lessons(db: sqlite_utils.Database, lesson: Lesson) -> list[PastLesson]:
    """Return the last lessons before one in the same room, and the last ones of its course, newest first.

    Rehearsals are compared only with rehearsals, and lessons only with lessons.
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
