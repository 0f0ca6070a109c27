"""Sealed notes about corrections in gallery.sqlite. A note is deleted when its student is erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import parsed, stored


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A stored note."""

    student_id: str
    lesson_id: str
    at: datetime
    """Time of the correction that the note is about."""
    sealed: bytes


def put_note(db: sqlite_utils.Database, row: NoteRow) -> None:
    """Write a note, replacing an earlier one about the same correction.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT OR REPLACE INTO notes (student_id, lesson_id, at_utc, sealed) VALUES (?, ?, ?, ?)",
            (row.student_id, row.lesson_id, stored(row.at), row.sealed),
        )


def note_rows(db: sqlite_utils.Database, *, student_id: str = "", lesson_id: str = "") -> list[NoteRow]:
    """Return the notes about a student, about a lesson, or all notes, sorted by the time of the correction."""
    with faults(db):
        rows = db.execute(
            "SELECT student_id, lesson_id, at_utc, sealed FROM notes WHERE (?1 = '' OR student_id = ?1)"
            " AND (?2 = '' OR lesson_id = ?2) ORDER BY at_utc",
            (student_id, lesson_id),
        ).fetchall()
    return [NoteRow(row[0], row[1], parsed(row[2]), bytes(row[3])) for row in rows]
