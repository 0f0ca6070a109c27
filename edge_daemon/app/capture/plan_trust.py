"""Decides which stored seeds are trusted: those that this device sealed, and those that it promised to the office.

Without these checks, an attacker who can write to register.sqlite but lacks the key could store a chosen seed there.
The device would commit to it and follow it (`tests/app/capture/test_plan_trust.py`).

An older release stored seeds in the clear. Such a seed is adopted if a commitment that this device signed before the
lesson has its SHA-256. All others are drawn again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from edge_daemon.attendance.proof import prove_commitment
from edge_daemon.device.plan_seeds import PlanSeeds
from edge_daemon.errors import KeyFileError, RegisterError
from edge_daemon.lesson.plan import SEED_BYTES, seed_digest
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import alarms, plans
from edge_daemon.store.commitments import commitments
from edge_daemon.store.lessons import StoredLesson
from edge_daemon.store.plans import CommittedPlan

_LOOK_BACK: Final = 100
"""How many of the newest commitments are searched for a promise; a day has a few."""
_SHOWN: Final = timedelta(days=7)
"""How long an alarm is shown. It then ends by itself, because nobody can confirm that it was seen."""


def seed_of(plan: CommittedPlan, seeds: PlanSeeds) -> bytes | None:
    """Return the seed of a plan, None if this device did not seal it for this lesson."""
    try:
        seed = seeds.open(plan.lesson.lesson_id, plan.sealed_seed)
    except KeyFileError:
        return None
    return seed if len(seed) == SEED_BYTES and seed_digest(seed) == plan.seed_sha256 else None


def is_own(db: sqlite_utils.Database, lesson: StoredLesson, seeds: PlanSeeds) -> bool:
    """Return whether this device drew the seed with which a lesson was begun."""
    lesson_id = lesson.lesson.lesson_id
    plan = plans.get_plan(db, lesson_id)
    if plan is not None and seed_of(plan, seeds) == lesson.seed:
        return lesson.seed_sha256 == plan.seed_sha256
    sha256 = seed_digest(lesson.seed)
    return sha256 == lesson.seed_sha256 == _promised(db, lesson_id, lesson.lesson.start, seeds.public_key)


def adopt_promised(db: sqlite_utils.Database, start: datetime, seeds: PlanSeeds) -> None:
    """Seal the seeds that an older release stored and promised, and delete its other unsealed seeds.

    Args:
        db: register.sqlite.
        start: start of the first lesson to look at; lessons that were begun are not looked at.
        seeds: seals the seeds.

    Raises:
        StoreError: the database can't be written.
    """
    unsealed = plans.unsealed_plans(db, start)
    for lesson_id, old in unsealed.items():
        if seed_digest(old.seed) == old.seed_sha256 == _promised(db, lesson_id, old.lesson.start, seeds.public_key):
            known = plans.get_plan(db, lesson_id)
            if known is not None and known.seed_sha256 != old.seed_sha256:  # the older release promised another seed
                plans.forget_plan(db, lesson_id)
            sealed = seeds.seal(lesson_id, old.seed)
            plans.commit_plan(db, old.lesson, sealed, old.seed_sha256, old.captures_planned, old.committed_at)
    if unsealed:
        plans.forget_unsealed_plans(db, start)


def alarm(db: sqlite_utils.Database, lesson_id: str, what: str, now: datetime) -> None:
    """Raise the alarm about capture plans; it contains no personal data."""
    alarms.raise_alarm(db, alarms.PLAN, f"lesson {lesson_id} {what}", now)


def clear_old_alarm(db: sqlite_utils.Database, now: datetime) -> None:
    """Clear the alarm about capture plans a week after it was last raised."""
    if any(one.name == alarms.PLAN for one in alarms.alarms(db)):
        alarms.clear_unseen(db, alarms.PLAN, _SHOWN, now)


def _promised(db: sqlite_utils.Database, lesson_id: str, start: datetime, public_key: str) -> str | None:
    """Return the last SHA-256 that this device promised before a lesson began, None if it promised none."""
    for stored in reversed(commitments(db, newest=_LOOK_BACK)):
        try:
            commitment = prove_commitment(stored.document, public_key)
        except RegisterError:
            continue
        mine = [one.seed_sha256 for one in commitment.plans_committed if one.lesson_id == lesson_id]
        if mine and commitment.at <= start:
            return mine[-1]
    return None
