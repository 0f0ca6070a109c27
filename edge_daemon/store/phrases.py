"""Sealed spoken phrases of students in gallery.sqlite, and the times of failed check-in attempts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.store.gallery import StudentRow
from edge_daemon.timestamps import stored


@dataclass(frozen=True, slots=True)
class PhraseRow:
    """The stored phrase of one student."""

    student_id: str
    sealed: bytes
    features: int
    model_sha256: str
    preprocessing: int
    enrolled_at: str
    """Time of the enrolment, in the form of `timestamps.stored`."""


def phrase_row(db: sqlite_utils.Database, student_id: str) -> PhraseRow | None:
    """Return the phrase of a student; None if there is none."""
    with faults(db):
        row = db.execute(
            "SELECT student_id, sealed, features, model_sha256, preprocessing, enrolled_at_utc FROM phrases"
            " WHERE student_id = ?",
            (student_id,),
        ).fetchone()
    return PhraseRow(row[0], bytes(row[1]), row[2], row[3], row[4], row[5]) if row else None


def put_phrase(db: sqlite_utils.Database, student: StudentRow, row: PhraseRow) -> bool:
    """Write a phrase in place of the previous one.

    Returns:
        False, with nothing written, if the student was removed, left the roster or withdrew consent meanwhile.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        there = db.execute(
            "SELECT count(*) FROM students JOIN student_keys USING (student_id)"
            " WHERE student_id = ? AND wrapped_key = ? AND consent = 1 AND position IS NOT NULL",
            (student.student_id, student.wrapped_key),
        ).fetchone()[0]
        if there:
            db.execute(
                "INSERT OR REPLACE INTO phrases (student_id, sealed, features, model_sha256, preprocessing,"
                " enrolled_at_utc) VALUES (?, ?, ?, ?, ?, ?)",
                (row.student_id, row.sealed, row.features, row.model_sha256, row.preprocessing, row.enrolled_at),
            )
            db.execute("DELETE FROM phrase_failures WHERE student_id = ?", (row.student_id,))
    return bool(there)


def drop_phrases(db: sqlite_utils.Database, keep: Collection[str]) -> int:
    """Delete the phrases of all students except those in `keep`; return how many were deleted.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        ids = [str(row[0]) for row in db.execute("SELECT student_id FROM phrases").fetchall()]
        gone = [(student_id,) for student_id in ids if student_id not in keep]
        db.conn.executemany("DELETE FROM phrases WHERE student_id = ?", gone)
    return len(gone)


def failures_since(db: sqlite_utils.Database, student_id: str, since: datetime) -> int:
    """Return how many attempts of a student failed since a time, and delete earlier failed attempts.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute("DELETE FROM phrase_failures WHERE at_utc < ?", (stored(since),))
        found = db.execute("SELECT count(*) FROM phrase_failures WHERE student_id = ?", (student_id,)).fetchone()[0]
    return int(found)


def note_attempt(db: sqlite_utils.Database, student_id: str, at: datetime, *, passed: bool) -> None:
    """Record an attempt. A successful attempt deletes the student's earlier failures.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        if passed:
            db.execute("DELETE FROM phrase_failures WHERE student_id = ?", (student_id,))
        else:
            db.execute("INSERT INTO phrase_failures (student_id, at_utc) VALUES (?, ?)", (student_id, stored(at)))
