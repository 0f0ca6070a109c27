"""Lessons in register.sqlite. A lesson is started, gets its captures one by one, and is finalised once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from edge_daemon.errors import StoreError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import bring_in_log, faults, path_of, transaction
from edge_daemon.store.registers import OutboxWriter, StoredRegister, append, last_sha256
from edge_daemon.timestamps import parsed, stored
from edge_daemon.types import Box, CapturePlan, ClockState, Lesson, MissedCapture, Origin, Sighting

State = Literal["running", "finalised"]


@dataclass(frozen=True, slots=True)
class StoredLesson:
    """The stored data of a lesson. The capture times follow from the seed, the duration and the number of captures."""

    lesson: Lesson
    seed: bytes
    seed_sha256: str
    captures_planned: int
    clock: ClockState
    state: State


@dataclass(frozen=True, slots=True)
class Capture:
    """A picture that was taken."""

    slot: int
    name: str
    taken_at: datetime
    clock: ClockState | None = None
    """State of the clock when it gave `taken_at`; None in a rehearsal."""
    boot_id: str = ""
    boottime_s: float | None = None


def start_lesson(
    db: sqlite_utils.Database, lesson: Lesson, plan: CapturePlan, clock: ClockState, captures_planned: int | None = None
) -> StoredLesson:
    """Record a lesson before its first capture, and return it. If it is already recorded, return it unchanged.

    Args:
        db: register.sqlite.
        lesson: the lesson that is about to begin.
        plan: the lesson's capture plan. Its seed is stored, so that a restart continues the same plan.
        clock: how far the time can be trusted.
        captures_planned: number of slots; None: the number of times in `plan`.

    Raises:
        StoreError: the database can't be written.
    """
    planned = len(plan.offsets_s) if captures_planned is None else captures_planned
    with transaction(db):
        known = _lesson(db, lesson.lesson_id)
        if known is not None:
            return known
        db.execute(
            "INSERT INTO lessons (lesson_id, device, course, start_utc, end_utc, origin, seed, seed_sha256,"
            " captures_planned, clock) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(lesson.lesson_id, lesson.device, lesson.course, stored(lesson.start), stored(lesson.end)),
                *(lesson.origin, plan.seed, plan.seed_sha256, planned, clock),
            ),
        )
    return StoredLesson(lesson, plan.seed, plan.seed_sha256, planned, clock, "running")


def get_lesson(db: sqlite_utils.Database, lesson_id: str) -> StoredLesson | None:
    """Return a lesson; None if it was never started."""
    with faults(db):
        return _lesson(db, lesson_id)


def running_lessons(db: sqlite_utils.Database) -> list[StoredLesson]:
    """Return the lessons that were started and not finalised, earliest first. A restart continues them."""
    with faults(db):
        ids = db.execute("SELECT lesson_id FROM lessons WHERE state = 'running' ORDER BY start_utc").fetchall()
        found = [_lesson(db, str(row[0])) for row in ids]
    return [lesson for lesson in found if lesson is not None]


def discard_lesson(db: sqlite_utils.Database, lesson_id: str) -> None:
    """Delete a lesson that was not finalised, with its captures: an interrupted rehearsal."""
    with transaction(db):
        db.execute("DELETE FROM lessons WHERE lesson_id = ? AND state = 'running'", (lesson_id,))


def add_capture(db: sqlite_utils.Database, lesson_id: str, capture: Capture, view: bytes | None = None) -> None:
    """Record in one commit that a picture was taken. If the slot is already recorded, nothing changes.

    Args:
        db: register.sqlite.
        lesson_id: id of a running lesson.
        capture: when it was taken, and by which clock.
        view: its view of the room (`store/room_history.py`), written in the same commit.

    Raises:
        StoreError: the lesson is not running, or the database can't be written.
    """
    with transaction(db):
        _check_running(db, lesson_id)
        db.execute(
            "INSERT OR IGNORE INTO captures (lesson_id, slot, name, taken_at_utc, clock, boot_id, boottime_s)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(lesson_id, capture.slot, capture.name, stored(capture.taken_at)),
                *(capture.clock, capture.boot_id or None, capture.boottime_s),
            ),
        )
        db.execute("DELETE FROM missed WHERE lesson_id = ? AND slot = ?", (lesson_id, capture.slot))
        if view is not None:
            row = (lesson_id, capture.slot, view)
            db.execute("INSERT OR REPLACE INTO room_views (lesson_id, slot, view) VALUES (?, ?, ?)", row)


def add_missed(db: sqlite_utils.Database, lesson_id: str, missed: MissedCapture) -> None:
    """Record why a slot has no picture. If the slot has a picture, nothing changes.

    Raises:
        StoreError: as for `add_capture`.
    """
    with transaction(db):
        _check_running(db, lesson_id)
        db.execute(
            "INSERT OR IGNORE INTO missed (lesson_id, slot, reason) SELECT ?1, ?2, ?3"
            " WHERE NOT EXISTS (SELECT 1 FROM captures WHERE lesson_id = ?1 AND slot = ?2)",
            (lesson_id, missed.slot, missed.reason),
        )


def capture_to_missed(db: sqlite_utils.Database, lesson_id: str, missed: MissedCapture) -> None:
    """Turn a capture whose faces can't be read into a missed one, so that it makes nobody absent.

    Raises:
        StoreError: as for `add_capture`.
    """
    with transaction(db):
        _check_running(db, lesson_id)
        db.execute("DELETE FROM captures WHERE lesson_id = ? AND slot = ?", (lesson_id, missed.slot))
        db.execute(
            "INSERT OR REPLACE INTO missed (lesson_id, slot, reason) VALUES (?, ?, ?)",
            (lesson_id, missed.slot, missed.reason),
        )


def captures(db: sqlite_utils.Database, lesson_id: str) -> list[Capture]:
    """Return the pictures of a lesson in the order of their slots."""
    with faults(db):
        rows = db.execute(
            "SELECT slot, name, taken_at_utc, clock, boot_id, boottime_s FROM captures"
            " WHERE lesson_id = ? ORDER BY slot",
            (lesson_id,),
        ).fetchall()
    return [Capture(row[0], row[1], parsed(row[2]), row[3], row[4] or "", row[5]) for row in rows]


def missed_captures(db: sqlite_utils.Database, lesson_id: str) -> list[MissedCapture]:
    """Return the slots of a lesson without a picture, in order."""
    with faults(db):
        rows = db.execute("SELECT slot, reason FROM missed WHERE lesson_id = ? ORDER BY slot", (lesson_id,)).fetchall()
    return [MissedCapture(slot, reason) for slot, reason in rows]


def finalise(
    db: sqlite_utils.Database,
    lesson_id: str,
    sightings: Iterable[Sighting],
    render: Callable[[str | None], str],
    at: datetime,
    also: OutboxWriter | None = None,
) -> StoredRegister:
    """Write the sightings and the register of a lesson and mark it as finalised, in one transaction.

    The register has the number of unknown faces. Their positions and similarities are not written, because they are
    not needed any more.

    Args:
        db: register.sqlite.
        lesson_id: a running lesson; for a finalised one the function returns its first register, unchanged.
        sightings: sightings of students, which are written, and of unknown people (empty student id), which are not.
        render: makes the canonical document of revision 1 from the SHA-256 of the previous register, if there is one.
        at: now.
        also: writes further rows because of the register, such as its outbox items, in the same transaction.

    Raises:
        StoreError: the lesson does not exist, or the database can't be written.
    """
    with transaction(db):
        known = _lesson(db, lesson_id)
        if known is None:
            raise StoreError("was never started", f"lesson {lesson_id}", "start it first")
        if known.state == "running":
            db.conn.executemany(
                "INSERT INTO sightings (lesson_id, slot, student_id, similarity, attentive, x_px, y_px, w_px, h_px)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (_sighting_row(lesson_id, sighting) for sighting in sightings if sighting.student_id),
            )
            added = append(db, lesson_id, 1, render(last_sha256(db)), at)
            if also is not None:
                also(db, added)
            db.execute("UPDATE lessons SET state = 'finalised' WHERE lesson_id = ?", (lesson_id,))
        row = db.execute(
            "SELECT lesson_id, revision, document, sha256, created_at_utc FROM registers"
            " WHERE lesson_id = ? AND revision = 1",
            (lesson_id,),
        ).fetchone()
    bring_in_log(db)  # before the candidates are erased, so that a damaged log can't lose the register
    return StoredRegister(row[0], row[1], row[2], row[3], parsed(row[4]))


def sightings(db: sqlite_utils.Database, lesson_id: str) -> list[Sighting]:
    """Return the sightings of a finalised lesson by slot, then student.

    Sightings of unknown people are never stored.
    """
    with faults(db):
        rows = db.execute(
            "SELECT slot, student_id, similarity, attentive, x_px, y_px, w_px, h_px FROM sightings"
            " WHERE lesson_id = ? AND student_id IS NOT NULL ORDER BY slot, student_id",
            (lesson_id,),
        ).fetchall()
    return [Sighting(r[0], r[1], r[2], bool(r[3]), Box(r[4], r[5], r[6], r[7])) for r in rows]


def frame_counts(db: sqlite_utils.Database, lesson_id: str) -> Mapping[str, tuple[int, int]]:
    """Return two numbers of captures by student id: those with the student, and those with the student attentive.

    Students without a sighting are left out.
    """
    with faults(db):
        rows = db.execute(
            "SELECT student_id, count(*), sum(attentive) FROM sightings"
            " WHERE lesson_id = ? AND student_id IS NOT NULL GROUP BY student_id",
            (lesson_id,),
        ).fetchall()
    return {student_id: (seen, attentive) for student_id, seen, attentive in rows}


def erase_sightings(db: sqlite_utils.Database, student_id: str) -> int:
    """Delete every sighting and still face of a student and overwrite the bytes on the disk.

    Registers keep the student's id.

    Returns:
        The number of deleted sightings.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        count = db.conn.execute("DELETE FROM sightings WHERE student_id = ?", (student_id,)).rowcount
        db.execute("DELETE FROM still_faces WHERE student_id = ?", (student_id,))
    with faults(db):
        db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return count


def _lesson(db: sqlite_utils.Database, lesson_id: str) -> StoredLesson | None:
    row = db.execute(
        "SELECT lesson_id, device, course, start_utc, end_utc, origin, seed, seed_sha256, captures_planned, clock,"
        " state FROM lessons WHERE lesson_id = ?",
        (lesson_id,),
    ).fetchone()
    if row is None:
        return None
    lesson = Lesson(row[0], row[1], row[2], parsed(row[3]), parsed(row[4]), cast(Origin, row[5]))
    return StoredLesson(lesson, bytes(row[6]), row[7], row[8], cast(ClockState, row[9]), cast(State, row[10]))


def _check_running(db: sqlite_utils.Database, lesson_id: str) -> None:
    row = db.execute("SELECT state FROM lessons WHERE lesson_id = ?", (lesson_id,)).fetchone()
    if row is None or row[0] != "running":
        what = "was never started" if row is None else "is finalised already"
        raise StoreError(f"lesson {lesson_id} {what}", path_of(db), "start the lesson again")


def _sighting_row(lesson_id: str, sighting: Sighting) -> tuple[str | int | float | None, ...]:
    box = sighting.box
    return (
        *(lesson_id, sighting.slot, sighting.student_id, float(sighting.similarity), int(sighting.attentive)),
        *(float(box.x), float(box.y), float(box.w), float(box.h)),
    )
