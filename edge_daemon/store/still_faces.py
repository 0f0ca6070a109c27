"""Faces that kept their place for a whole lesson, in register.sqlite: box, lesson and student id, nothing else.

Every function that erases a student's sightings also erases these faces. A trigger does so for a release that does not
know the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import stored
from edge_daemon.types import Box, Lesson

LESSONS: Final = 30
"""Largest number of earlier lessons that are compared: older ones are useless if pictures or cameras were moved."""


def keep_still_faces(db: sqlite_utils.Database, lesson_id: str, faces: Iterable[tuple[str, Box]]) -> None:
    """Store the still faces of a finalised lesson; those that are stored for it already are replaced.

    Args:
        db: register.sqlite.
        lesson_id: id of the lesson.
        faces: the student id and the place of each face.

    Raises:
        StoreError: the database can't be written.
    """
    rows = [(lesson_id, student_id, *map(float, (box.x, box.y, box.w, box.h))) for student_id, box in faces]
    with transaction(db):
        db.execute("DELETE FROM still_faces WHERE lesson_id = ?", (lesson_id,))
        db.conn.executemany(
            "INSERT INTO still_faces (lesson_id, student_id, x_px, y_px, w_px, h_px) VALUES (?, ?, ?, ?, ?, ?)", rows
        )


def earlier_still_faces(db: sqlite_utils.Database, lesson: Lesson) -> list[list[tuple[str, Box]]]:
    """Return the still faces (student id, place) of each of the last 30 lessons that had any, newest first.

    Only timetable lessons in the same room are read. The result for a rehearsal is empty: several rehearsals may use
    the same pictures, and then living people keep their places, too.

    Raises:
        StoreError: the database can't be read.
    """
    if lesson.origin == "rehearsal":
        return []
    with faults(db):
        rows = db.execute(
            "SELECT lesson_id, student_id, x_px, y_px, w_px, h_px FROM still_faces JOIN lessons USING (lesson_id)"
            " WHERE device = ? AND origin = 'timetable' AND start_utc < ? ORDER BY start_utc DESC, lesson_id",
            (lesson.device, stored(lesson.start)),
        ).fetchall()
    found: dict[str, list[tuple[str, Box]]] = {}
    for lesson_id, student_id, *box in rows:
        found.setdefault(str(lesson_id), []).append((str(student_id), Box(*box)))
    return list(found.values())[:LESSONS]


def still_faces_of(db: sqlite_utils.Database, lesson_id: str, student_id: str) -> list[Box]:
    """Return the boxes of a student's still faces in a lesson.

    Raises:
        StoreError: the database can't be read.
    """
    with faults(db):
        rows = db.execute(
            "SELECT x_px, y_px, w_px, h_px FROM still_faces WHERE lesson_id = ? AND student_id = ? ORDER BY rowid",
            (lesson_id, student_id),
        ).fetchall()
    return [Box(*row) for row in rows]
