"""A line for every lesson of the timetable: promised, captured, finalised, acknowledged by the office, mailed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.attendance.commitment import read_commitment
from edge_daemon.attendance.document import from_json
from edge_daemon.errors import RegisterError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import ledger, outbox
from edge_daemon.store.commitments import commitments
from edge_daemon.store.ledger import Deliveries, LedgerLesson
from edge_daemon.store.lesson_events import LessonEvent, lesson_events
from edge_daemon.store.registers import StoredRegister, latest_registers

GROUPS: Mapping[str, tuple[str, ...]] = {
    "upstream": (outbox.REGISTER,),
    "office": (outbox.OFFICE,),
    "students": (outbox.STUDENT, outbox.STUDENT_CORRECTION),
    "guardians": (outbox.GUARDIAN, outbox.GUARDIAN_CORRECTION),
}
"""Groups of receivers, and the outbox kinds that go to each."""


@dataclass(frozen=True, slots=True)
class DeliveryProgress:
    """How many items about a lesson reached one group of receivers."""

    delivered: int
    waiting: int
    held: int
    parked: int
    void: int
    at: datetime | None
    """When the last item was delivered."""

    @property
    def wanted(self) -> int:
        """Number of items that have to arrive."""
        return self.delivered + self.waiting + self.held + self.parked


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """The line of one lesson."""

    lesson: LedgerLesson
    committed_at: datetime | None
    """When the last commitment before the lesson's start was signed."""
    captures_taken: int
    register: StoredRegister | None
    """The highest revision."""
    progress: Mapping[str, DeliveryProgress]
    """Progress by the keys of GROUPS."""
    moved_to: MovedTo | None = None
    """For a withdrawn promise: the lesson that replaces it."""

    def state_at(self, now: datetime) -> str:
        """Return the lesson's state at a time; `over` means that it ended but its register is not made yet."""
        return "over" if self.lesson.state == "running" and self.lesson.end <= now else self.lesson.state


@dataclass(frozen=True, slots=True)
class MovedTo:
    """The lesson that replaces another one."""

    lesson_id: str
    start: datetime


def ledger_lines(db: sqlite_utils.Database, start: datetime | None, end: datetime | None) -> list[LedgerLine]:
    """Return a line for every lesson of the timetable that begins in [start, end), the earliest first.

    A promise for a time at which the lesson no longer takes place has a line of its own.
    """
    promised = _committed(db)
    registers = {one.lesson_id: one for one in latest_registers(db, start, end)}
    items = ledger.deliveries(db)
    lines = [
        _line(lesson, promised, registers.get(lesson.lesson_id), items.get(lesson.lesson_id, ()))
        for lesson in ledger.ledger_lessons(db, start, end)
    ]
    withdrawn = [
        one
        for one in _withdrawn(db, promised)
        if (start is None or start <= one.lesson.start) and (end is None or one.lesson.start < end)
    ]
    return sorted([*lines, *withdrawn], key=lambda line: (line.lesson.start, line.lesson.lesson_id))


def _withdrawn(db: sqlite_utils.Database, promised: Mapping[str, Sequence[_Promise]]) -> Iterator[LedgerLine]:
    """Yield a line for each promise that is no longer valid."""
    on_record = {one.lesson_id: one for one in ledger.ledger_lessons(db, None, None)}
    events = lesson_events(db)
    for lesson_id, promises in promised.items():
        now = on_record.get(lesson_id)
        last = {one.times: one for one in promises}
        for times, one in last.items():
            if now is not None and (now.start, now.end) == times:
                continue
            event = events.get(lesson_id)
            moved_to = _moved_to(lesson_id if now else event.moved_to if event else "", on_record, events)
            course = now.course if now else event.course if event else ""
            why = "it was moved" if moved_to else "the timetable no longer has it"
            lesson = LedgerLesson(lesson_id, course, *times, "withdrawn", None, one.captures_planned, 0, why)
            nothing = {group: _progress(()) for group in GROUPS}
            yield LedgerLine(lesson, one.at, 0, None, nothing, moved_to)


def _moved_to(
    lesson_id: str, on_record: Mapping[str, LedgerLesson], events: Mapping[str, LessonEvent]
) -> MovedTo | None:
    if lesson_id in on_record:
        return MovedTo(lesson_id, on_record[lesson_id].start)
    return MovedTo(lesson_id, events[lesson_id].start) if lesson_id in events else None


def _line(
    lesson: LedgerLesson,
    promised: Mapping[str, Sequence[_Promise]],
    register: StoredRegister | None,
    items: Sequence[Deliveries],
) -> LedgerLine:
    in_time = [one.at for one in promised.get(lesson.lesson_id, ()) if one.at <= lesson.start]
    taken = lesson.captures_taken
    if register is not None:
        with contextlib.suppress(RegisterError):  # `ledger verify` reports unreadable documents
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


@dataclass(frozen=True, slots=True)
class _Promise:
    """The plan of one lesson, as one commitment promises it."""

    at: datetime
    times: tuple[datetime, datetime]
    captures_planned: int


def _committed(db: sqlite_utils.Database) -> Mapping[str, Sequence[_Promise]]:
    found: dict[str, list[_Promise]] = {}
    for stored in commitments(db):
        with contextlib.suppress(RegisterError):
            commitment = read_commitment(stored.document)
            for plan in commitment.plans_committed:
                promise = _Promise(commitment.at, (plan.start, plan.end), plan.captures_planned)
                found.setdefault(plan.lesson_id, []).append(promise)
    return found
