"""Capture plans in register.sqlite: put on record before their lessons, and never another seed for the same lesson.

Seeds are sealed (`edge_daemon/device/plan_seeds.py`); whoever reads a plan without the key has the SHA-256 alone. The
table `plans` is that of an older release, whose seeds are in the clear: nothing of it is believed by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    sealed_seed: bytes
    seed_sha256: str
    captures_planned: int
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class UnsealedPlan:
    """A plan as an older release, or whoever could write here, put it down."""

    lesson: Lesson
    seed: bytes
    seed_sha256: str
    captures_planned: int
    committed_at: datetime


def commit_plan(
    db: sqlite_utils.Database, lesson: Lesson, sealed_seed: bytes, seed_sha256: str, captures_planned: int, at: datetime
) -> None:
    """Put a plan on record; a lesson that has one keeps its seed, and takes only new times from a changed timetable.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT INTO sealed_plans (lesson_id, device, course, start_utc, end_utc, sealed_seed, seed_sha256,"
            " captures_planned, committed_at_utc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lesson_id) DO UPDATE"
            " SET course = excluded.course, start_utc = excluded.start_utc, end_utc = excluded.end_utc,"
            " captures_planned = excluded.captures_planned",
            (
                *(lesson.lesson_id, lesson.device, lesson.course, stored(lesson.start), stored(lesson.end)),
                *(sealed_seed, seed_sha256, captures_planned, stored(at)),
            ),
        )


def get_plan(db: sqlite_utils.Database, lesson_id: str) -> CommittedPlan | None:
    """Return the plan of a lesson, None where none was put on record."""
    with faults(db):
        row = db.execute(f"{_SEALED} WHERE lesson_id = ?", (lesson_id,)).fetchone()
    return CommittedPlan(_lesson(row), *_rest(row)) if row is not None else None


def committed_plans(db: sqlite_utils.Database, start: datetime, end: datetime) -> list[CommittedPlan]:
    """Return the plans of lessons that start in [start, end), the earliest first."""
    with faults(db):
        rows = db.execute(
            f"{_SEALED} WHERE start_utc >= ? AND start_utc < ? ORDER BY start_utc, lesson_id",
            (stored(start), stored(end)),
        ).fetchall()
    return [CommittedPlan(_lesson(row), *_rest(row)) for row in rows]


def plan_on_record(db: sqlite_utils.Database, lesson_id: str) -> tuple[str, datetime] | None:
    """Return the SHA-256 of a lesson's seed and when it was put on record, by this release or an older one."""
    with faults(db):
        row = db.execute(
            "SELECT seed_sha256, committed_at_utc FROM plans_on_record WHERE lesson_id = ?", (lesson_id,)
        ).fetchone()
    return (row[0], parsed(row[1])) if row is not None else None


def unsealed_plans(db: sqlite_utils.Database, start: datetime) -> Mapping[str, UnsealedPlan]:
    """Return plans with seeds in the clear, by lesson, of lessons that start from then on and were not begun."""
    with faults(db):
        rows = db.execute(
            f"{_UNSEALED} WHERE start_utc >= ? AND lesson_id NOT IN (SELECT lesson_id FROM lessons)", (stored(start),)
        ).fetchall()
    return {row[0]: UnsealedPlan(_lesson(row), *_rest(row)) for row in rows}


def forget_unsealed_plans(db: sqlite_utils.Database, start: datetime) -> None:
    """Remove what `unsealed_plans` returns: seeds of coming lessons do not lie in the clear."""
    with transaction(db):
        db.execute(
            "DELETE FROM plans WHERE start_utc >= ? AND lesson_id NOT IN (SELECT lesson_id FROM lessons)",
            (stored(start),),
        )


def forget_plan(db: sqlite_utils.Database, lesson_id: str) -> None:
    """Take back the plan of a lesson that the timetable no longer has; one that was begun keeps its plan."""
    with transaction(db):
        db.execute(
            "DELETE FROM sealed_plans WHERE lesson_id = ?1 AND NOT EXISTS (SELECT 1 FROM lessons WHERE lesson_id = ?1)",
            (lesson_id,),
        )


_FORM = (
    "SELECT lesson_id, device, course, start_utc, end_utc, {}, seed_sha256, captures_planned, committed_at_utc FROM {}"
)
_SEALED = _FORM.format("sealed_seed", "sealed_plans")
_UNSEALED = _FORM.format("seed", "plans")
_Row = tuple[str, str, str, str, str, bytes, str, int, str]


def _lesson(row: _Row) -> Lesson:
    return Lesson(row[0], row[1], row[2], parsed(row[3]), parsed(row[4]), "timetable")


def _rest(row: _Row) -> tuple[bytes, str, int, datetime]:
    return bytes(row[5]), row[6], row[7], parsed(row[8])
