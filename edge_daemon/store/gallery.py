"""Students, keys, templates and tombstones in gallery.sqlite. Everything personal is sealed before it comes here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, cast

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import stored
from edge_daemon.types import EnrolmentPeriod

Erased = Literal["student", "templates"]


@dataclass(frozen=True, slots=True)
class StudentRow:
    """A student as stored."""

    student_id: str
    position: int | None
    """Row in the roster; None: no longer on it."""
    courses: tuple[str, ...]
    consent: bool
    sealed: bytes
    wrapped_key: bytes
    periods: tuple[EnrolmentPeriod, ...] = ()
    """Of courses with dates."""


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """The template of one photograph as stored."""

    student_id: str
    photograph: str
    sealed: bytes
    model_sha256: str
    preprocessing: int


@dataclass(frozen=True, slots=True)
class Tombstone:
    """That a student, or only their templates, were erased, and under which key they had been sealed."""

    student_hash: str
    key_sha256: str
    erased: Erased
    erased_at: str
    """As `instants.stored` writes it."""


@dataclass(frozen=True, slots=True)
class LookAlike:
    """Two students whose faces a camera could take for one another, `a` < `b`."""

    a: str
    b: str
    similarity: float


@dataclass(frozen=True, slots=True)
class GalleryChange:
    """Everything that one import writes."""

    students: Sequence[StudentRow]
    """The whole roster: whoever is not among them leaves it."""
    templates: Sequence[TemplateRow]
    replaced: frozenset[str]
    """Students whose templates from before go."""
    look_alikes: Sequence[LookAlike]
    tombstones: Sequence[Tombstone]


def student_rows(db: sqlite_utils.Database) -> list[StudentRow]:
    """Return all students, those on the roster first and in its order."""
    with faults(db):
        rows = db.execute(
            "SELECT student_id, position, courses, consent, sealed, wrapped_key FROM students"
            " JOIN student_keys USING (student_id) ORDER BY position IS NULL, position, student_id"
        ).fetchall()
        dated = db.execute(
            "SELECT student_id, course, begins_on, ends_before FROM enrolment_periods ORDER BY rowid"
        ).fetchall()
    periods: dict[str, tuple[EnrolmentPeriod, ...]] = {}
    for student_id, course, begins_on, ends_before in dated:
        period = EnrolmentPeriod(course, _day(begins_on), _day(ends_before))
        periods[student_id] = (*periods.get(student_id, ()), period)
    return [
        StudentRow(r[0], r[1], tuple(json.loads(r[2])), bool(r[3]), bytes(r[4]), bytes(r[5]), periods.get(r[0], ()))
        for r in rows
    ]


def template_rows(db: sqlite_utils.Database) -> list[TemplateRow]:
    """Return the templates of all students on the roster who consent, in its order."""
    with faults(db):
        rows = db.execute(
            "SELECT student_id, photograph, templates.sealed, model_sha256, preprocessing FROM templates"
            " JOIN students USING (student_id) WHERE consent = 1 AND position IS NOT NULL"
            " ORDER BY position, template_id"
        ).fetchall()
    return [TemplateRow(r[0], r[1], bytes(r[2]), r[3], r[4]) for r in rows]


def template_counts(db: sqlite_utils.Database) -> dict[str, int]:
    """Return how many photographs of each student have a template; students without one are not in it."""
    with faults(db):
        return dict(db.execute("SELECT student_id, count(*) FROM templates GROUP BY student_id").fetchall())


def look_alikes(db: sqlite_utils.Database) -> list[LookAlike]:
    """Return the pairs of students who look alike."""
    with faults(db):
        return [LookAlike(*row) for row in db.execute("SELECT a, b, similarity FROM look_alikes ORDER BY a, b")]


def tombstones(db: sqlite_utils.Database) -> list[Tombstone]:
    """Return what was erased, the earliest first."""
    with faults(db):
        rows = db.execute(
            "SELECT student_hash, key_sha256, erased, erased_at_utc FROM tombstones ORDER BY erased_at_utc"
        ).fetchall()
    return [Tombstone(r[0], r[1], cast(Erased, r[2]), r[3]) for r in rows]


def replace_roster(db: sqlite_utils.Database, change: GalleryChange, expected_keys: Iterable[bytes]) -> bool:
    """Write one import, all or nothing.

    Args:
        db: gallery.sqlite.
        change: the new state.
        expected_keys: the wrapped keys that the import started from.

    Returns:
        False, with nothing written, where another command changed the students meanwhile.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        if {bytes(row[0]) for row in db.execute("SELECT wrapped_key FROM student_keys")} != set(expected_keys):
            return False
        db.execute("UPDATE students SET position = NULL")
        for student in change.students:
            _put_student(db, student)
        gone = {(student_id,) for student_id in change.replaced}
        db.conn.executemany("DELETE FROM templates WHERE student_id = ?", gone)
        db.conn.executemany(
            "INSERT INTO templates (student_id, photograph, sealed, model_sha256, preprocessing)"
            " VALUES (?, ?, ?, ?, ?)",
            [(t.student_id, t.photograph, t.sealed, t.model_sha256, t.preprocessing) for t in change.templates],
        )
        db.execute("DELETE FROM look_alikes")
        pairs = [(pair.a, pair.b, pair.similarity) for pair in change.look_alikes]
        db.conn.executemany("INSERT INTO look_alikes (a, b, similarity) VALUES (?, ?, ?)", pairs)
        _put_tombstones(db, change.tombstones)
    return True


def erase(
    db: sqlite_utils.Database, marks: Sequence[Tombstone], students: Iterable[str], templates_of: Iterable[str]
) -> None:
    """Destroy the keys and everything else of some students, and only the templates of others.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        _put_tombstones(db, marks)
        for student_id in students:
            # Keys and templates go with the student (ON DELETE CASCADE).
            db.execute("DELETE FROM students WHERE student_id = ?", (student_id,))
            db.execute("DELETE FROM look_alikes WHERE a = ? OR b = ?", (student_id, student_id))
        for student_id in templates_of:
            db.execute("DELETE FROM templates WHERE student_id = ?", (student_id,))
            db.execute("UPDATE students SET consent = 0 WHERE student_id = ?", (student_id,))
            db.execute("DELETE FROM look_alikes WHERE a = ? OR b = ?", (student_id, student_id))


def wipe_log(db: sqlite_utils.Database) -> bool:
    """Empty the write-ahead log, which still holds what was deleted; False where another process keeps it open."""
    with faults(db):
        busy, _, _ = db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def erase_sightings_before(db: sqlite_utils.Database, erased: Sequence[tuple[str, datetime]]) -> int:
    """Delete the sightings of removed students in lessons that began before the removal (register.sqlite).

    Args:
        db: register.sqlite.
        erased: student ids, and when each was removed.

    Returns:
        How many there were.
    """
    count = 0
    with transaction(db):
        for student_id, at in erased:
            count += db.conn.execute(
                "DELETE FROM sightings WHERE student_id = ? AND lesson_id IN"
                " (SELECT lesson_id FROM lessons WHERE start_utc < ?)",
                (student_id, stored(at)),
            ).rowcount
    wipe_log(db)
    return count


def sighted_students(db: sqlite_utils.Database) -> list[str]:
    """Return the ids of all students with sightings in register.sqlite."""
    with faults(db):
        rows = db.execute("SELECT DISTINCT student_id FROM sightings WHERE student_id IS NOT NULL").fetchall()
    return [str(row[0]) for row in rows]


def _put_student(db: sqlite_utils.Database, student: StudentRow) -> None:
    courses = json.dumps(student.courses, ensure_ascii=False)
    db.execute(
        "INSERT INTO students (student_id, position, courses, consent, sealed) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (student_id) DO UPDATE SET position = excluded.position, courses = excluded.courses,"
        " consent = excluded.consent, sealed = excluded.sealed",
        (student.student_id, student.position, courses, int(student.consent), student.sealed),
    )
    # After the courses, for writing these takes the dates of before away (`migrations.py`).
    db.conn.executemany(
        "INSERT INTO enrolment_periods (student_id, course, begins_on, ends_before) VALUES (?, ?, ?, ?)",
        [(student.student_id, one.course, _text(one.begin), _text(one.end)) for one in student.periods],
    )
    db.execute(
        "INSERT INTO student_keys (student_id, wrapped_key) VALUES (?, ?)"
        " ON CONFLICT (student_id) DO UPDATE SET wrapped_key = excluded.wrapped_key",
        (student.student_id, student.wrapped_key),
    )


def _put_tombstones(db: sqlite_utils.Database, marks: Iterable[Tombstone]) -> None:
    db.conn.executemany(
        "INSERT OR REPLACE INTO tombstones (student_hash, key_sha256, erased, erased_at_utc) VALUES (?, ?, ?, ?)",
        [(mark.student_hash, mark.key_sha256, mark.erased, mark.erased_at) for mark in marks],
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
