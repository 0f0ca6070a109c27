"""Capture plans for people: stored plans of coming lessons, and a past plan derived again from its seed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge_daemon.attendance.commitment import read_commitment
from edge_daemon.attendance.document import from_json
from edge_daemon.device.signing import is_signed_by
from edge_daemon.home import Home
from edge_daemon.lesson.plan import make_plan, seed_digest
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons, plans, registers
from edge_daemon.store.commitments import commitments
from edge_daemon.store.database import open_register
from edge_daemon.store.plans import CommittedPlan

__all__ = ["CommittedPlan", "PlanCheck", "PlannedSlot", "check_plan", "coming_plans"]

AHEAD = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    """An instant of a plan, and the capture at that instant."""

    slot: int
    planned: datetime
    taken: datetime | None
    missed: str


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """The result of deriving a plan again."""

    lesson_id: str
    seed: bytes
    findings: Mapping[str, bool]
    """Each requirement in words, and whether it is met; for a rehearsal no promise is required."""
    is_rehearsal: bool
    slots: Sequence[PlannedSlot]


def coming_plans(home: Home, now: datetime) -> list[CommittedPlan]:
    """Return the stored plans for lessons of the next days."""
    if not home.register_db_path.exists():
        home.check_folder()
        return []
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        return plans.committed_plans(db, now, now + AHEAD)


def check_plan(home: Home, register_id: str) -> PlanCheck:
    """Derive the plan of a register from the seed that it reveals, and compare it with the captures.

    Raises:
        RegisterError: there is no such register, or none at all yet.
    """
    home.check_registers()
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        lesson_id = registers.find_lesson(db, register_id)
        register = from_json(registers.revisions(db, lesson_id)[0].document).register
        taken = {c.slot: c.taken_at for c in lessons.captures(db, lesson_id)}
        on_record = plans.plan_on_record(db, lesson_id)
        committed = _committed_sha256(db, lesson_id, register.lesson.start)
    lesson, seed, missed = register.lesson, register.plan.seed, {m.slot: m.reason for m in register.missed}
    if lesson.origin == "rehearsal":
        agrees = {"seed agrees with its SHA-256": seed_digest(seed) == register.plan.seed_sha256}
        return PlanCheck(lesson_id, seed, agrees, True, ())
    derived = make_plan(lesson_id, (lesson.end - lesson.start).total_seconds(), max(register.captures_planned, 1), seed)
    slots = [
        PlannedSlot(slot, lesson.start + timedelta(seconds=offset_s), taken.get(slot), missed.get(slot, ""))
        for slot, offset_s in enumerate(derived.offsets_s)
    ]
    sha256 = register.plan.seed_sha256
    findings = {
        "seed agrees with its SHA-256": seed_digest(seed) == sha256,
        "same SHA-256 was on record": on_record is not None and on_record[0] == sha256,
        "on record before the lesson": on_record is not None and on_record[1] <= lesson.start,
    }
    if committed is not None:  # None means that the release made no promises
        findings["promised, signed, before the lesson"] = committed == sha256
    return PlanCheck(lesson_id, seed, findings, False, slots)


def _committed_sha256(db: sqlite_utils.Database, lesson_id: str, start: datetime) -> str | None:
    """Return the SHA-256 of the seed in the last promise before a lesson began.

    The result is empty if this device had made promises by then, but none for this lesson; None if it had made none.
    """
    found: str | None = None
    for stored in commitments(db):
        commitment = read_commitment(stored.document)
        if commitment.at > start or not is_signed_by(json.loads(stored.document), commitment.public_key):
            continue
        mine = [one.seed_sha256 for one in commitment.plans_committed if one.lesson_id == lesson_id]
        found = mine[-1] if mine else found or ""
    return found
