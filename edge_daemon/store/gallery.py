"""Students, keys, templates and tombstones in gallery.sqlite. The caller seals personal data before it is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, cast

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import stored
from edge_daemon.types import EnrolmentPeriod

Erased = Literal["student", "templates"]
Renewal = Literal["due", "wrapped"]
"""State of the slot key's renewal.

`due`: something was erased since the last renewal. `wrapped`: the data keys are wrapped under the new slot key, and the
old slot key still exists.
"""

SLOTS_FILE = "gallery.keys"
"""Name of the file with the slot key, in the folder of gallery.sqlite."""
SLOT_KEY_SCHEMA = 3
"""Schema version of the first release that uses slot keys."""
CAPTURED: Final = "capture:"
"""Prefix of the name of a template that was made at a camera, and can't be made again from a photograph."""


@dataclass(frozen=True, slots=True)
class StudentRow:
    """The stored row of one student."""

    student_id: str
    position: int | None
    """Position in the roster; None if the student is no longer on it."""
    courses: tuple[str, ...]
    consent: bool
    sealed: bytes
    wrapped_key: bytes
    periods: tuple[EnrolmentPeriod, ...] = ()
    """The periods of the courses that have dates."""


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """The stored template of one photograph."""

    student_id: str
    photograph: str
    sealed: bytes
    model_sha256: str
    preprocessing: int
    details: bytes = b""
    """Time of the import and quality of the photograph, sealed. Empty if a release that stored neither made the row."""
    covered: bytes = b""
    """Templates with a mask and with sunglasses, sealed. Empty if a release that made none wrote the row."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Records that a student or the student's templates were erased, and which key sealed the erased data."""

    student_hash: str
    key_sha256: str
    erased: Erased
    erased_at: str
    """Time of the erasure, in the form of `timestamps.stored`."""


@dataclass(frozen=True, slots=True)
class LookAlike:
    """The ids of two students whom the matcher could confuse, sorted: `a` < `b`."""

    a: str
    b: str
    similarity: float


@dataclass(frozen=True, slots=True)
class GalleryChange:
    """Everything that one import writes."""

    students: Sequence[StudentRow]
    """All students of the roster. A stored student who is missing here counts as having left the roster."""
    templates: Sequence[TemplateRow]
    replaced: frozenset[str]
    """Ids of students whose earlier templates are deleted. Templates from a camera stay while the student consents."""
    look_alikes: Sequence[LookAlike]
    tombstones: Sequence[Tombstone]
    embedder: tuple[str, int] | None = None
    """SHA-256 of the current face model, and version of its preprocessing.

    Templates that were made with another model or preprocessing are deleted. If None, they all stay.
    """


def student_rows(db: sqlite_utils.Database) -> list[StudentRow]:
    """Return all students: first those on the roster, in its order."""
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
    """Return the templates of all consenting students on the roster, in its order."""
    with faults(db):
        covered = "coalesce(covered, x'')" if "covered" in _columns(db) else "x''"
        rows = db.execute(
            f"SELECT student_id, photograph, templates.sealed, model_sha256, preprocessing, {covered} FROM templates"
            " JOIN students USING (student_id) WHERE consent = 1 AND position IS NOT NULL"
            " ORDER BY position, template_id"
        ).fetchall()
    return [TemplateRow(r[0], r[1], bytes(r[2]), r[3], r[4], covered=bytes(r[5])) for r in rows]


def templates_of(db: sqlite_utils.Database, student_id: str) -> list[TemplateRow]:
    """Return the templates of one student."""
    with faults(db):
        details = "coalesce(details, x'')" if "details" in _columns(db) else "x''"
        rows = db.execute(
            f"SELECT student_id, photograph, sealed, model_sha256, preprocessing, {details} FROM templates"
            " WHERE student_id = ? ORDER BY template_id",
            (student_id,),
        ).fetchall()
    return [TemplateRow(r[0], r[1], bytes(r[2]), r[3], r[4], bytes(r[5])) for r in rows]


def template_counts(db: sqlite_utils.Database) -> dict[str, int]:
    """Return the number of photographs with a template by student id; students without any are left out."""
    with faults(db):
        return dict(db.execute("SELECT student_id, count(*) FROM templates GROUP BY student_id").fetchall())


def look_alikes(db: sqlite_utils.Database) -> list[LookAlike]:
    """Return the pairs of students who look alike."""
    with faults(db):
        return [LookAlike(*row) for row in db.execute("SELECT a, b, similarity FROM look_alikes ORDER BY a, b")]


def tombstones(db: sqlite_utils.Database) -> list[Tombstone]:
    """Return the tombstones, earliest first."""
    with faults(db):
        rows = db.execute(
            "SELECT student_hash, key_sha256, erased, erased_at_utc FROM tombstones ORDER BY erased_at_utc"
        ).fetchall()
    return [Tombstone(r[0], r[1], cast(Erased, r[2]), r[3]) for r in rows]


def key_generation(db: sqlite_utils.Database) -> int:
    """Return the generation of the slot key that wraps all data keys; 0 if only the device key wraps them."""
    with faults(db):
        row = db.execute("SELECT value FROM meta WHERE key = 'key_generation'").fetchone()
    return int(row[0]) if row else 0


def renewal(db: sqlite_utils.Database) -> Renewal | None:
    """Return the state of the slot key's renewal; None if nothing was erased since the last renewal."""
    with faults(db):
        row = db.execute("SELECT value FROM meta WHERE key = 'renewal'").fetchone()
    return cast(Renewal, str(row[0])) if row else None


def note_renewed(db: sqlite_utils.Database) -> None:
    """Record that the old slot key is destroyed. If something was erased since the rewrapping, a renewal stays due."""
    with transaction(db):
        db.execute("DELETE FROM meta WHERE key = 'renewal' AND value = 'wrapped'")


def rewrap_keys(
    db: sqlite_utils.Database,
    generation: int,
    rewrap: Callable[[str, bytes], bytes],
    hash_again: Callable[[str], str],
) -> int:
    """Wrap all data keys under another slot key, in one transaction.

    After this change the previous release, which knows no slot keys, refuses to open the gallery.

    Args:
        db: gallery.sqlite.
        generation: generation of the new slot key.
        rewrap: returns a data key wrapped under the new slot key, given the student id and the old wrapped key.
        hash_again: returns the keyed hash that replaces a tombstone's hash.

    Returns:
        The number of data keys.

    Raises:
        StoreError: the database can't be written; nothing was changed.
    """
    with transaction(db):
        rows = db.execute("SELECT student_id, wrapped_key FROM student_keys").fetchall()
        wrapped = [(rewrap(row[0], bytes(row[1])), row[0]) for row in rows]
        db.conn.executemany("UPDATE student_keys SET wrapped_key = ? WHERE student_id = ?", wrapped)
        hashes = {str(row[0]) for row in db.execute("SELECT student_hash FROM tombstones").fetchall()}
        again = [(hash_again(old), old) for old in hashes if hash_again(old) != old]
        db.conn.executemany("UPDATE OR REPLACE tombstones SET student_hash = ? WHERE student_hash = ?", again)
        values = [("key_generation", str(generation)), ("renewal", "wrapped")]
        db.conn.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", values)
        db.execute(
            "UPDATE meta SET value = ? WHERE key = 'readable_from' AND CAST(value AS INTEGER) < ?",
            (str(SLOT_KEY_SCHEMA), SLOT_KEY_SCHEMA),
        )
    return len(wrapped)


def replace_roster(db: sqlite_utils.Database, change: GalleryChange, expected_keys: Iterable[bytes]) -> bool:
    """Write one import, completely or not at all.

    Args:
        db: gallery.sqlite.
        change: the new state.
        expected_keys: the wrapped keys at the start of the import.

    Returns:
        False, with nothing written, if another command changed the students meanwhile.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        return put_roster(db, change, expected_keys)


def put_roster(db: sqlite_utils.Database, change: GalleryChange, expected_keys: Iterable[bytes]) -> bool:
    """Do what `replace_roster` does, within the caller's transaction."""
    if {bytes(row[0]) for row in db.execute("SELECT wrapped_key FROM student_keys")} != set(expected_keys):
        return False
    db.execute("UPDATE students SET position = NULL")
    for student in change.students:
        _put_student(db, student)
    db.execute("DELETE FROM leavers WHERE student_id IN (SELECT student_id FROM students WHERE position IS NOT NULL)")
    gone = {(student_id,) for student_id in change.replaced}
    db.conn.executemany(
        "DELETE FROM templates WHERE student_id = ? AND (substr(photograph, 1, 8) != 'capture:' OR"
        " (SELECT consent FROM students WHERE students.student_id = templates.student_id) = 0)",
        gone,
    )
    if change.embedder is not None:
        db.execute("DELETE FROM templates WHERE model_sha256 != ? OR preprocessing != ?", change.embedder)
    put_templates(db, change.templates)
    db.execute("DELETE FROM look_alikes")
    pairs = [(pair.a, pair.b, pair.similarity) for pair in change.look_alikes]
    db.conn.executemany("INSERT INTO look_alikes (a, b, similarity) VALUES (?, ?, ?)", pairs)
    _put_tombstones(db, change.tombstones)
    return True


def erase(
    db: sqlite_utils.Database, marks: Sequence[Tombstone], students: Iterable[str], templates_of: Iterable[str]
) -> None:
    """Delete the data keys of two groups of students, and record the tombstones.

    The first group loses all data. The second group loses the templates, and its consent ends.

    Args:
        db: gallery.sqlite.
        marks: a tombstone for each student of both groups.
        students: ids of the students whose data is all deleted.
        templates_of: ids of the students who stay without templates and consent.

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
    """Empty the write-ahead log, which still has deleted data. Return False if another process still uses the log."""
    with faults(db):
        busy, _, _ = db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def erase_sightings_before(db: sqlite_utils.Database, erased: Sequence[tuple[str, datetime]]) -> int:
    """Delete sightings, still faces and check-ins of removed students in lessons that began before the removal.

    Args:
        db: register.sqlite.
        erased: id of each removed student, and the time of the removal.

    Returns:
        The number of deleted sightings.
    """
    count = 0
    with transaction(db):
        for student_id, at in erased:
            earlier = "student_id = ? AND lesson_id IN (SELECT lesson_id FROM lessons WHERE start_utc < ?)"
            count += db.conn.execute(f"DELETE FROM sightings WHERE {earlier}", (student_id, stored(at))).rowcount
            db.execute(f"DELETE FROM still_faces WHERE {earlier}", (student_id, stored(at)))
            db.execute("DELETE FROM check_ins WHERE student_id = ? AND at_utc < ?", (student_id, stored(at)))
    wipe_log(db)
    return count


def sighted_students(db: sqlite_utils.Database) -> list[str]:
    """Return the ids of all students with sightings, check-ins or static faces (`still_faces`) in register.sqlite."""
    with faults(db):
        rows = db.execute(
            "SELECT student_id FROM sightings WHERE student_id IS NOT NULL UNION SELECT student_id FROM check_ins"
            " UNION SELECT student_id FROM still_faces"
        ).fetchall()
    return [str(row[0]) for row in rows]


def _put_student(db: sqlite_utils.Database, student: StudentRow) -> None:
    courses = json.dumps(student.courses, ensure_ascii=False)
    db.execute(
        "INSERT INTO students (student_id, position, courses, consent, sealed) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (student_id) DO UPDATE SET position = excluded.position, courses = excluded.courses,"
        " consent = excluded.consent, sealed = excluded.sealed",
        (student.student_id, student.position, courses, int(student.consent), student.sealed),
    )
    # After the courses, because a trigger on these deletes the earlier dates (`migrations.py`).
    db.conn.executemany(
        "INSERT INTO enrolment_periods (student_id, course, begins_on, ends_before) VALUES (?, ?, ?, ?)",
        [(student.student_id, one.course, _text(one.begin), _text(one.end)) for one in student.periods],
    )
    # Notes under another key can't be opened any more, because consent was withdrawn.
    db.execute(
        "DELETE FROM notes WHERE student_id = ?1 AND EXISTS"
        " (SELECT 1 FROM student_keys WHERE student_id = ?1 AND wrapped_key <> ?2)",
        (student.student_id, student.wrapped_key),
    )
    db.execute(
        "INSERT INTO student_keys (student_id, wrapped_key) VALUES (?, ?)"
        " ON CONFLICT (student_id) DO UPDATE SET wrapped_key = excluded.wrapped_key",
        (student.student_id, student.wrapped_key),
    )


def put_templates(db: sqlite_utils.Database, templates: Iterable[TemplateRow]) -> None:
    """Add templates within the caller's transaction. A column that the file's older schema lacks is left out."""
    there = _columns(db)
    optional = ("details", "covered")
    columns = ["student_id", "photograph", "sealed", "model_sha256", "preprocessing"]
    columns += [name for name in optional if name in there]
    db.conn.executemany(
        f"INSERT INTO templates ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
        [tuple(getattr(t, n) or None if n in optional else getattr(t, n) for n in columns) for t in templates],
    )


def _columns(db: sqlite_utils.Database) -> set[str]:
    """Return the column names of the table `templates`. A gallery that was not yet upgraded has fewer."""
    return {row[1] for row in db.execute("PRAGMA table_info(templates)")}


def _put_tombstones(db: sqlite_utils.Database, marks: Sequence[Tombstone]) -> None:
    """Write tombstones, and record in the same transaction that the slot key must be renewed."""
    if marks:
        db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('renewal', 'due')")
    db.conn.executemany(
        "INSERT OR REPLACE INTO tombstones (student_hash, key_sha256, erased, erased_at_utc) VALUES (?, ?, ?, ?)",
        [(mark.student_hash, mark.key_sha256, mark.erased, mark.erased_at) for mark in marks],
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
