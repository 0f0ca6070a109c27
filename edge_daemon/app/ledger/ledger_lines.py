"""The way of every lesson of the timetable: promised, captured, finalised, acknowledged by the office, mailed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.attendance.commitment import read_commitment
from edge_daemon.attendance.document import from_json
from edge_daemon.errors import RegisterError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import ledger, outbox
from edge_daemon.store.commitments import commitments
from edge_daemon.store.ledger import Deliveries, LedgerLesson
from edge_daemon.store.registers import StoredRegister, latest_registers

GROUPS: Mapping[str, tuple[str, ...]] = {
    "upstream": (outbox.REGISTER,),
    "office": (outbox.OFFICE,),
    "students": (outbox.STUDENT, outbox.STUDENT_CORRECTION),
    "guardians": (outbox.GUARDIAN, outbox.GUARDIAN_CORRECTION),
}
"""Who is told, and by which items of the outbox."""


@dataclass(frozen=True, slots=True)
class DeliveryProgress:
    """How far one group of receivers knows of a lesson."""

    delivered: int
    waiting: int
    held: int
    parked: int
    void: int
    at: datetime | None
    """When the last one was delivered."""

    @property
    def wanted(self) -> int:
        """How many items are to arrive."""
        return self.delivered + self.waiting + self.held + self.parked


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One lesson."""

    lesson: LedgerLesson
    committed_at: datetime | None
    """When the last commitment before its begin was signed."""
    captures_taken: int
    register: StoredRegister | None
    """The highest revision."""
    progress: Mapping[str, DeliveryProgress]
    """By the keys of GROUPS."""

    def state_at(self, now: datetime) -> str:
        """Return the lesson's state at a time; `over`: it ended, and its register is not made yet."""
        return "over" if self.lesson.state == "running" and self.lesson.end <= now else self.lesson.state


def ledger_lines(db: sqlite_utils.Database, start: datetime | None, end: datetime | None) -> list[LedgerLine]:
    """Return a line for every lesson of the timetable that begins in [start, end), the earliest first."""
    promised = _committed(db)
    registers = {one.lesson_id: one for one in latest_registers(db, start, end)}
    items = ledger.deliveries(db)
    return [
        _line(lesson, promised, registers.get(lesson.lesson_id), items.get(lesson.lesson_id, ()))
        for lesson in ledger.ledger_lessons(db, start, end)
    ]


def _line(
    lesson: LedgerLesson,
    promised: Mapping[str, Sequence[datetime]],
    register: StoredRegister | None,
    items: Sequence[Deliveries],
) -> LedgerLine:
    in_time = [at for at in promised.get(lesson.lesson_id, ()) if at <= lesson.start]
    taken = lesson.captures_taken
    if register is not None:
        with contextlib.suppress(RegisterError):  # a document that can't be read is what `ledger verify` is for
            taken = from_json(register.document).register.captures_taken
    progress = {group: _progress([one for one in items if one.kind in kinds]) for group, kinds in GROUPS.items()}
    return LedgerLine(lesson, max(in_time, default=None), taken, register, progress)


def _progress(items: Sequence[Deliveries]) -> DeliveryProgress:
    counts = {state: sum(one.count for one in items if one.state == state) for state in outbox.STATES}
    delivered = [one.last_at for one in items if one.state == "delivered" and one.last_at]
    return DeliveryProgress(
        counts["delivered"],
        counts["waiting"],
        counts["held"],
        counts["parked"],
        counts["void"],
        max(delivered, default=None),
    )


def _committed(db: sqlite_utils.Database) -> Mapping[str, Sequence[datetime]]:
    found: dict[str, list[datetime]] = {}
    for stored in commitments(db):
        with contextlib.suppress(RegisterError):
            commitment = read_commitment(stored.document)
            for plan in commitment.plans_committed:
                found.setdefault(plan.lesson_id, []).append(commitment.at)
    return found
