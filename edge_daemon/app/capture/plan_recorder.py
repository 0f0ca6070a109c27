"""Stores the plans of coming lessons before they begin, and records missed lessons with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from edge_daemon.app.capture import plan_trust
from edge_daemon.device.clock import Reading
from edge_daemon.device.plan_seeds import PlanSeeds
from edge_daemon.lesson.plan import make_plan
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lesson_events, lessons, plans, skipped
from edge_daemon.types import CapturePlan, Lesson

AHEAD = timedelta(hours=24)
"""How long before its lesson a plan is stored.

The next heartbeat carries the SHA-256 of the plan's seed to the office.
"""
LOOK_BACK = timedelta(days=60)
"""Age up to which a missed lesson is recorded.

A device that was stored away for a year does not record all lessons of that year.
"""


def plan_ahead(
    db: sqlite_utils.Database,
    coming: Sequence[Lesson],
    captures_wanted: int,
    now: datetime,
    seeds: PlanSeeds,
    later: Callable[[], Sequence[Lesson]] = lambda: (),
) -> int:
    """Store the plans of coming lessons, and drop those of lessons that the timetable no longer has.

    Args:
        db: register.sqlite.
        coming: every lesson that starts in [now, now + AHEAD).
        captures_wanted: the number of captures of a lesson.
        now: the time; it has to be trusted.
        seeds: seals seeds. A plan whose seed it can't open is replaced, and an alarm is raised.
        later: returns the lessons of the following weeks; called only if a lesson may have been moved there.

    Returns:
        How many plans are new, changed or dropped.
    """
    plan_trust.adopt_promised(db, now, seeds)
    on_record = {plan.lesson.lesson_id: plan for plan in plans.committed_plans(db, now, now + AHEAD)}
    changes, new = 0, list[Lesson]()
    for lesson in coming:
        known = on_record.pop(lesson.lesson_id, None)
        if known is None or known.lesson != lesson or plan_trust.seed_of(known, seeds) is None:
            _commit(db, lesson, captures_wanted, now, seeds)
            changes += 1
            new += [lesson] if known is None else []
    for lesson_id, plan in on_record.items():
        _note_moved(db, plan.lesson, new, later)
        plans.forget_plan(db, lesson_id)
        changes += 1
    plan_trust.clear_old_alarm(db, now)
    return changes


def _note_moved(
    db: sqlite_utils.Database, lesson: Lesson, new: Sequence[Lesson], later: Callable[[], Sequence[Lesson]]
) -> None:
    """Note the lesson that replaces one that left the timetable: the nearest new lesson of the same event."""
    event_id = lesson_events.event_of(db, lesson.lesson_id)
    found = [one for one in new if event_id and one.event_id == event_id]
    if event_id and not found:
        found = [one for one in later() if one.event_id == event_id]
        found = found if len(found) == 1 else []  # among the lessons of a repeating event no one can be chosen
    moved_to = min(found, key=lambda one: abs(one.start - lesson.start), default=None)
    if moved_to is not None:
        lesson_events.note_events(db, [moved_to])
    lesson_events.note_moved(db, lesson.lesson_id, moved_to.lesson_id if moved_to else "")


def begin(
    db: sqlite_utils.Database, lesson: Lesson, captures_wanted: int, reading: Reading, seeds: PlanSeeds | None
) -> lessons.StoredLesson:
    """Record that a lesson begins, with its plan. A lesson that has already begun is returned unchanged.

    If a stored lesson was begun with a seed that this device did not draw, it begins again and an alarm is raised.

    Args:
        db: register.sqlite.
        lesson: a lesson of the timetable.
        captures_wanted: the number of captures.
        reading: the clock.
        seeds: opens seeds; None without the device key. Then the lesson gets no picture, because no commitment
            contains its plan.
    """
    known = lessons.get_lesson(db, lesson.lesson_id)
    if known is not None:
        if known.state == "finalised" or seeds is None or plan_trust.is_own(db, known, seeds):
            return known
        plan_trust.alarm(db, lesson.lesson_id, "was begun with a seed that this device did not draw", reading.utc)
        lessons.discard_lesson(db, lesson.lesson_id)
    skipped.unskip(db, lesson.lesson_id)
    plan = _plan_to_begin(db, lesson, captures_wanted, reading.utc, seeds)
    return lessons.start_lesson(db, lesson, plan, reading.state, len(plan.offsets_s))


def plan_of(lesson: lessons.StoredLesson) -> CapturePlan:
    """Return the plan of a lesson that was begun, derived from its seed."""
    duration_s = (lesson.lesson.end - lesson.lesson.start).total_seconds()
    return make_plan(lesson.lesson.lesson_id, duration_s, max(lesson.captures_planned, 1), lesson.seed)


def account(db: sqlite_utils.Database, gone_by: Sequence[Lesson], reason: str, now: datetime) -> int:
    """Record the lessons that ended without having been begun; return how many were not recorded before."""
    return skipped.skip_lessons(db, (lesson for lesson in gone_by if lesson.end <= now), reason, now)


def account_since(db: sqlite_utils.Database, now: datetime) -> datetime:
    """Return the time from which missed lessons have to be recorded; for a new device this is now."""
    last = skipped.last_accounted(db, now)
    return max(last, now - LOOK_BACK) if last is not None else now


def _plan_to_begin(
    db: sqlite_utils.Database, lesson: Lesson, captures_wanted: int, now: datetime, seeds: PlanSeeds | None
) -> CapturePlan:
    duration_s = (lesson.end - lesson.start).total_seconds()
    if seeds is None:
        return make_plan(lesson.lesson_id, duration_s, captures_wanted)
    plan_trust.adopt_promised(db, lesson.start, seeds)
    plan = plans.get_plan(db, lesson.lesson_id)
    seed = plan_trust.seed_of(plan, seeds) if plan is not None else None
    if plan is None or seed is None or plan.lesson != lesson:
        # The lesson was not planned (the device was off until now), or was moved since. A stored seed is kept.
        return _commit(db, lesson, captures_wanted, now, seeds)
    return make_plan(lesson.lesson_id, duration_s, max(plan.captures_planned, 1), seed)


def _commit(
    db: sqlite_utils.Database, lesson: Lesson, captures_wanted: int, now: datetime, seeds: PlanSeeds
) -> CapturePlan:
    """Store and return the plan of a lesson. Its seed is the stored one if this device sealed it, else a new one."""
    known = plans.get_plan(db, lesson.lesson_id)
    seed = plan_trust.seed_of(known, seeds) if known is not None else None
    if known is not None and seed is None:
        plan_trust.alarm(db, lesson.lesson_id, "had a seed on record that this device did not draw", now)
        plans.forget_plan(db, lesson.lesson_id)
    duration_s = (lesson.end - lesson.start).total_seconds()
    plan = make_plan(lesson.lesson_id, duration_s, captures_wanted, seed)
    sealed = seeds.seal(lesson.lesson_id, plan.seed)
    plans.commit_plan(db, lesson, sealed, plan.seed_sha256, len(plan.offsets_s), now)
    return plan
