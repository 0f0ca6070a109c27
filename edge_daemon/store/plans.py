"""Capture plans in register.sqlite: put on record before their lessons, and never another seed for the same lesson."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import parsed, stored
from edge_daemon.types import Lesson


@dataclass(frozen=True, slots=True)
class CommittedPlan:
    """What was fixed about a lesson before it began; instants follow from seed, duration and number."""

    lesson: Lesson
    seed: bytes
    seed_sha256: str
    captures_planned: int
    committed_at: datetime


def commit_plan(
    db: sqlite_utils.Database, lesson: Lesson, seed: bytes, seed_sha256: str, captures_planned: int, at: datetime
) -> None:
    """Put a plan on record; a lesson that has one keeps its seed, and takes only new times from a changed timetable.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT INTO plans (lesson_id, device, course, start_utc, end_utc, seed, seed_sha256, captures_planned,"
            " committed_at_utc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lesson_id) DO UPDATE SET"
            " course = excluded.course, start_utc = excluded.start_utc, end_utc = excluded.end_utc,"
            " captures_planned = excluded.captures_planned",
            (
                *(lesson.lesson_id, lesson.device, lesson.course, stored(lesson.start), stored(lesson.end)),
                *(seed, seed_sha256, captures_planned, stored(at)),
            ),
        )


def get_plan(db: sqlite_utils.Database, lesson_id: str) -> CommittedPlan | None:
    """Return the plan of a lesson, None where none was put on record."""
    with faults(db):
        row = db.execute(f"{_SELECT} WHERE lesson_id = ?", (lesson_id,)).fetchone()
    return _plan(row) if row is not None else None


def committed_plans(db: sqlite_utils.Database, start: datetime, end: datetime) -> list[CommittedPlan]:
    """Return the plans of lessons that start in [start, end), the earliest first."""
    with faults(db):
        rows = db.execute(
            f"{_SELECT} WHERE start_utc >= ? AND start_utc < ? ORDER BY start_utc, lesson_id",
            (stored(start), stored(end)),
        ).fetchall()
    return [_plan(row) for row in rows]


def forget_plan(db: sqlite_utils.Database, lesson_id: str) -> None:
    """Take back the plan of a lesson that the timetable no longer has; one that was begun keeps its plan."""
    with transaction(db):
        db.execute(
            "DELETE FROM plans WHERE lesson_id = ?1 AND NOT EXISTS (SELECT 1 FROM lessons WHERE lesson_id = ?1)",
            (lesson_id,),
        )


_SELECT = (
    "SELECT lesson_id, device, course, start_utc, end_utc, seed, seed_sha256, captures_planned, committed_at_utc"
    " FROM plans"
)


def _plan(row: tuple[str, str, str, str, str, bytes, str, int, str]) -> CommittedPlan:
    lesson = Lesson(row[0], row[1], row[2], parsed(row[3]), parsed(row[4]), "timetable")
    return CommittedPlan(lesson, bytes(row[5]), row[6], row[7], parsed(row[8]))
