"""Capture plans in register.sqlite, recorded before their lessons. A lesson never gets another seed.

Seeds are sealed (`edge_daemon/device/plan_seeds.py`); a reader without the key gets only their SHA-256. An older
release wrote the table `plans`, with seeds in clear text. Anybody with write access could have added its rows, so they
prove nothing.
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
    """The capture plan of a lesson, fixed before it began.

    The capture times follow from the seed, the duration and the number of captures.
    """

    lesson: Lesson
    sealed_seed: bytes
    seed_sha256: str
    captures_planned: int
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class UnsealedPlan:
    """A plan with its seed in clear text. An older release, or anybody with write access, wrote it."""

    lesson: Lesson
    seed: bytes
    seed_sha256: str
    captures_planned: int
    committed_at: datetime


def commit_plan(
    db: sqlite_utils.Database, lesson: Lesson, sealed_seed: bytes, seed_sha256: str, captures_planned: int, at: datetime
) -> None:
    """Record the plan of a lesson.

    If the lesson already has one, its seed stays; its times, course and number of captures are updated.

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
    """Return the plan of a lesson; None if none was recorded."""
    with faults(db):
        row = db.execute(f"{_SEALED} WHERE lesson_id = ?", (lesson_id,)).fetchone()
    return CommittedPlan(_lesson(row), *_rest(row)) if row is not None else None


def committed_plans(db: sqlite_utils.Database, start: datetime, end: datetime) -> list[CommittedPlan]:
    """Return the plans of lessons that start in [start, end), earliest first."""
    with faults(db):
        rows = db.execute(
            f"{_SEALED} WHERE start_utc >= ? AND start_utc < ? ORDER BY start_utc, lesson_id",
            (stored(start), stored(end)),
        ).fetchall()
    return [CommittedPlan(_lesson(row), *_rest(row)) for row in rows]


def plan_on_record(db: sqlite_utils.Database, lesson_id: str) -> tuple[str, datetime] | None:
    """Return the SHA-256 of a lesson's seed, and the time when this or an older release recorded the seed.

    The result is None if no plan was recorded.
    """
    with faults(db):
        row = db.execute(
            "SELECT seed_sha256, committed_at_utc FROM plans_on_record WHERE lesson_id = ?", (lesson_id,)
        ).fetchone()
    return (row[0], parsed(row[1])) if row is not None else None


def unsealed_plans(db: sqlite_utils.Database, start: datetime) -> Mapping[str, UnsealedPlan]:
    """Return the plans with seeds in clear text, by lesson id.

    Only lessons that start at `start` or later and have not begun are included.
    """
    with faults(db):
        rows = db.execute(
            f"{_UNSEALED} WHERE start_utc >= ? AND lesson_id NOT IN (SELECT lesson_id FROM lessons)", (stored(start),)
        ).fetchall()
    return {row[0]: UnsealedPlan(_lesson(row), *_rest(row)) for row in rows}


def forget_unsealed_plans(db: sqlite_utils.Database, start: datetime) -> None:
    """Delete the plans that `unsealed_plans` returns, so that no coming lesson's seed stays in clear text."""
    with transaction(db):
        db.execute(
            "DELETE FROM plans WHERE start_utc >= ? AND lesson_id NOT IN (SELECT lesson_id FROM lessons)",
            (stored(start),),
        )


def forget_plan(db: sqlite_utils.Database, lesson_id: str) -> None:
    """Delete the plan of a lesson that is no longer in the timetable. A lesson that has begun keeps its plan."""
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
