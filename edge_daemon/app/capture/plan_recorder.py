"""Plans of the coming lessons, put on record before they begin; and lessons that went by, each with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from edge_daemon.device.clock import Reading
from edge_daemon.lesson.plan import make_plan
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons, plans, skipped
from edge_daemon.types import CapturePlan, Lesson

AHEAD = timedelta(hours=24)
"""How long before its lesson a plan is put on record: the next heartbeat carries its SHA-256 to the office."""
LOOK_BACK = timedelta(days=60)
"""Lessons longer ago are not named: a device that lay in a cupboard for a year has not missed a year of lessons."""


def plan_ahead(db: sqlite_utils.Database, coming: Sequence[Lesson], captures_wanted: int, now: datetime) -> int:
    """Put the plans of coming lessons on record, and take back those of lessons that the timetable no longer has.

    Args:
        db: register.sqlite.
        coming: every lesson that starts in [now, now + AHEAD).
        captures_wanted: of a lesson.
        now: the time, trusted.

    Returns:
        How many plans are new, changed or taken back.
    """
    on_record = {plan.lesson.lesson_id: plan for plan in plans.committed_plans(db, now, now + AHEAD)}
    changes = 0
    for lesson in coming:
        known = on_record.pop(lesson.lesson_id, None)
        if known is None or known.lesson != lesson:
            _commit(db, lesson, captures_wanted, now)
            changes += 1
    for lesson_id in on_record:
        plans.forget_plan(db, lesson_id)
        changes += 1
    return changes


def begin(db: sqlite_utils.Database, lesson: Lesson, captures_wanted: int, reading: Reading) -> lessons.StoredLesson:
    """Record that a lesson begins, with its plan; one that was begun before is given back as it was."""
    known = lessons.get_lesson(db, lesson.lesson_id)
    if known is not None:
        return known
    plan = plans.get_plan(db, lesson.lesson_id)
    if plan is None or plan.lesson != lesson:
        # Not seen coming (the device was off until now), or moved since: a seed that is on record stays.
        plan = _commit(db, lesson, captures_wanted, reading.utc)
    skipped.unskip(db, lesson.lesson_id)
    derived = _derived(plan)
    return lessons.start_lesson(db, lesson, derived, reading.state, len(derived.offsets_s))


def plan_of(lesson: lessons.StoredLesson) -> CapturePlan:
    """Return the plan of a lesson that was begun, derived again from its seed."""
    duration_s = (lesson.lesson.end - lesson.lesson.start).total_seconds()
    return make_plan(lesson.lesson.lesson_id, duration_s, max(lesson.captures_planned, 1), lesson.seed)


def account(db: sqlite_utils.Database, gone_by: Sequence[Lesson], reason: str, now: datetime) -> int:
    """Name the lessons that ended without having been begun; return how many are new."""
    return skipped.skip_lessons(db, (lesson for lesson in gone_by if lesson.end <= now), reason, now)


def account_since(db: sqlite_utils.Database, now: datetime) -> datetime:
    """Return from when on lessons may have gone by unnamed; a new device begins today."""
    last = skipped.last_accounted(db, now)
    return max(last, now - LOOK_BACK) if last is not None else now


def _commit(db: sqlite_utils.Database, lesson: Lesson, captures_wanted: int, now: datetime) -> plans.CommittedPlan:
    known = plans.get_plan(db, lesson.lesson_id)
    duration_s = (lesson.end - lesson.start).total_seconds()
    plan = make_plan(lesson.lesson_id, duration_s, captures_wanted, known.seed if known else None)
    plans.commit_plan(db, lesson, plan.seed, plan.seed_sha256, len(plan.offsets_s), now)
    committed = plans.get_plan(db, lesson.lesson_id)
    assert committed is not None  # it was written just now
    return committed


def _derived(plan: plans.CommittedPlan) -> CapturePlan:
    duration_s = (plan.lesson.end - plan.lesson.start).total_seconds()
    return make_plan(plan.lesson.lesson_id, duration_s, max(plan.captures_planned, 1), plan.seed)
