"""Templates in gallery.sqlite that were made at a camera. They can't be made again, because no picture is kept."""

from __future__ import annotations

from collections.abc import Sequence

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.store.gallery import CAPTURED, LookAlike, StudentRow, TemplateRow, put_templates


def replace_captured(
    db: sqlite_utils.Database, student: StudentRow, templates: Sequence[TemplateRow], pairs: Sequence[LookAlike]
) -> bool:
    """Replace all templates of one student that were made at a camera.

    Args:
        db: gallery.sqlite.
        student: the student's row at the time when the templates were sealed.
        templates: the new ones; their names begin with `CAPTURED`.
        pairs: this student with each student who looks alike.

    Returns:
        False, with nothing written, if the student was removed, left the roster or withdrew consent meanwhile.

    Raises:
        StoreError: the database can't be written.
    """
    student_id = student.student_id
    with transaction(db):
        there = db.execute(
            "SELECT count(*) FROM students JOIN student_keys USING (student_id)"
            " WHERE student_id = ? AND wrapped_key = ? AND consent = 1 AND position IS NOT NULL",
            (student_id, student.wrapped_key),
        ).fetchone()[0]
        if not there:
            return False
        db.execute(
            "DELETE FROM templates WHERE student_id = ? AND substr(photograph, 1, 8) = ?", (student_id, CAPTURED)
        )
        put_templates(db, templates)
        db.execute("DELETE FROM look_alikes WHERE a = ? OR b = ?", (student_id, student_id))
        rows = [(pair.a, pair.b, pair.similarity) for pair in pairs]
        db.conn.executemany("INSERT INTO look_alikes (a, b, similarity) VALUES (?, ?, ?)", rows)
    return True


def captured_students(db: sqlite_utils.Database) -> frozenset[str]:
    """Return the ids of students with templates that were made at a camera."""
    with faults(db):
        rows = db.execute("SELECT DISTINCT student_id FROM templates WHERE substr(photograph, 1, 8) = ?", (CAPTURED,))
        return frozenset(str(row[0]) for row in rows)
