"""Reads the items of the outbox, each with its subject and its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast, get_args

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults
from edge_daemon.timestamps import parsed
from edge_daemon.types import Destination

State = Literal["waiting", "held", "parked", "delivered", "void"]
STATES: Final[tuple[State, ...]] = get_args(State)
OPEN: Final[tuple[State, ...]] = ("waiting", "held", "parked")
"""States of items that were not delivered but still may be."""

REGISTER: Final = "register"
"""Document for the office's server with one revision of a register; its ref is `lesson_id/revision`."""
COMMITMENT: Final = "commitment"
"""Document for the office's server with a commitment to plans; its ref is that of the table `commitments`."""
OFFICE: Final = "office"
"""Mail to the office with one revision; its ref is `lesson_id/revision`, plus `#2`, `#3` for further addresses."""
STUDENT: Final = "student"
"""Mail to a student about an absence; its ref is `lesson_id`, or `lesson_id/revision` after the first revision."""
GUARDIAN: Final = "guardian"
"""Mail to a guardian about an absence; its ref is like that of `student`."""
STUDENT_CORRECTION: Final = "student-correction"
"""Mail to a student about the correction of an absence; its ref is `lesson_id/revision`."""
GUARDIAN_CORRECTION: Final = "guardian-correction"
"""Mail to a guardian about the correction of an absence; its ref is `lesson_id/revision`."""
WEEK: Final = "week"
"""Mail to the office with a weekly sheet; its ref is `2026-W47`, plus `#2`, `#3` for further addresses."""
MONTH: Final = "month"
"""Mail to the office with a monthly sheet; its ref is `2026-11`, plus `#2`, `#3` for further addresses."""
STUDENT_WEEK: Final = "student-week"
"""Mail to a student with their own weekly record, made after the item `week` and with its ref."""
GUARDIAN_WEEK: Final = "guardian-week"
"""Mail to a guardian with their child's weekly record, made after the item `week` and with its ref."""
GUARDIAN_MONTH: Final = "guardian-month"
"""Mail to a guardian with their child's monthly record, made after the item `month` and with its ref."""
TEACHER: Final = "teacher"
"""Mail to a lesson's teacher with one revision; its ref is like that of `office`."""
RECORD_OF: Final = {STUDENT_WEEK: WEEK, GUARDIAN_WEEK: WEEK, GUARDIAN_MONTH: MONTH}
"""Kinds that are one student's weekly or monthly record, and the office's kind from which each follows."""
DOCUMENT_SHA256: Final = (
    "coalesce((SELECT sha256 FROM registers WHERE registers.lesson_id = outbox.lesson_id"
    " AND outbox.kind = 'register' AND outbox.ref = registers.lesson_id || '/' || registers.revision),"
    " (SELECT sha256 FROM commitments WHERE outbox.kind = 'commitment' AND commitments.ref = outbox.ref), '')"
)
"""SQL expression for statements on `outbox`: the SHA-256 of the document of a row; empty if it has none."""
PERSONAL: Final = frozenset({STUDENT, GUARDIAN, STUDENT_CORRECTION, GUARDIAN_CORRECTION})
"""Kinds that concern one student."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the outbox."""

    item_id: int
    destination: Destination
    kind: str
    ref: str
    student_id: str
    lesson_id: str
    state: State
    created_at: datetime
    next_attempt: datetime
    attempts: int
    answer: str
    settled_at: datetime | None
    claimed: bool
    """True: a process claimed the item and has not settled it. That process may have been killed."""


_COLUMNS = (
    "SELECT item_id, destination, kind, ref, student_id, coalesce(lesson_id, ''), state, created_at_utc,"
    " next_attempt_utc, attempts, answer, settled_at_utc, lease_until_utc IS NOT NULL FROM outbox"
)


def listed(
    db: sqlite_utils.Database,
    states: Sequence[State] = OPEN,
    *,
    destination: Destination | None = None,
    limit: int = -1,
    after: int = 0,
) -> list[Item]:
    """Return the items in some states, oldest first.

    Args:
        db: register.sqlite.
        states: states of the items.
        destination: return only items for this receiver; None: for all receivers.
        limit: the largest number of items; -1: all.
        after: return only items with a higher id, to continue after an earlier call.
    """
    marks = ", ".join("?" * len(states))
    with faults(db):
        rows = db.execute(
            f"{_COLUMNS} WHERE state IN ({marks}) AND item_id > ? AND (? IS NULL OR destination = ?)"
            " ORDER BY item_id LIMIT ?",
            (*states, after, destination, destination, limit),
        ).fetchall()
    return [_item(row) for row in rows]


def of_lesson(db: sqlite_utils.Database, lesson_id: str) -> list[Item]:
    """Return all items of one lesson, oldest first."""
    with faults(db):
        return [_item(row) for row in db.execute(f"{_COLUMNS} WHERE lesson_id = ? ORDER BY item_id", (lesson_id,))]


def lessons_with_waiting_notices(db: sqlite_utils.Database) -> list[str]:
    """Return the ids of lessons with a waiting notice to a student or guardian."""
    with faults(db):
        rows = db.execute(
            "SELECT DISTINCT lesson_id FROM outbox WHERE state = 'waiting' AND kind IN (?, ?)"
            " AND lesson_id IS NOT NULL",
            (STUDENT, GUARDIAN),
        ).fetchall()
    return [str(row[0]) for row in rows]


def get(db: sqlite_utils.Database, item_id: int) -> Item | None:
    """Return the item with an id; None if there is none."""
    with faults(db):
        row = db.execute(f"{_COLUMNS} WHERE item_id = ?", (item_id,)).fetchone()
    return None if row is None else _item(row)


def is_known(db: sqlite_utils.Database, kinds: Set[str]) -> bool:
    """Return whether the outbox has an item of one of these kinds."""
    with faults(db):
        return any(row[0] in kinds for row in db.execute("SELECT DISTINCT kind FROM outbox"))


def counts(db: sqlite_utils.Database) -> Mapping[tuple[Destination, State], int]:
    """Return the number of items by receiver and state; a pair without items is left out."""
    with faults(db):
        rows = db.execute("SELECT destination, state, count(*) FROM outbox GROUP BY destination, state").fetchall()
    return {(cast(Destination, row[0]), cast(State, row[1])): row[2] for row in rows}


def _item(row: Sequence[Any]) -> Item:
    return Item(
        item_id=row[0],
        destination=row[1],
        kind=row[2],
        ref=row[3],
        student_id=row[4],
        lesson_id=row[5],
        state=row[6],
        created_at=parsed(row[7]),
        next_attempt=parsed(row[8]),
        attempts=row[9],
        answer=row[10],
        settled_at=parsed(row[11]) if row[11] else None,
        claimed=bool(row[12]),
    )
