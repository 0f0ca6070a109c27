"""Reads the state of each lesson from register.sqlite: planned, captured, finalised, delivered, or skipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults
from edge_daemon.timestamps import parsed, stored

LessonState = Literal["planned", "running", "finalised", "skipped", "withdrawn"]


@dataclass(frozen=True, slots=True)
class LedgerLesson:
    """A lesson of the timetable."""

    lesson_id: str
    course: str
    start: datetime
    end: datetime
    state: LessonState
    planned_at: datetime | None
    """Time at which the lesson's capture plan was recorded; None if it had none."""
    captures_planned: int
    captures_taken: int
    reason: str
    """Why the lesson was skipped or its commitment was withdrawn; otherwise empty."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Number of one lesson's outbox items of one kind in one state."""

    kind: str
    state: str
    count: int
    last_at: datetime | None
    """Time at which the last of these items was settled; None if none was settled."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One revision of a register, as read from its table. Its hash and signature are not yet verified."""

    position: int
    lesson_id: str
    revision: int
    document: str
    sha256: str
    created_at: str


def ledger_lessons(db: sqlite_utils.Database, start: datetime | None, end: datetime | None) -> list[LedgerLesson]:
    """Return the timetable lessons that begin in [start, end), earliest first."""
    low, high = stored(start) if start else "", stored(end) if end else "~"
    with faults(db):
        rows = db.execute(_LESSONS, (low, high)).fetchall()
    return [
        LedgerLesson(
            *(row[0], row[1], parsed(row[2]), parsed(row[3]), cast(LessonState, row[4])),
            *(parsed(row[5]) if row[5] else None, row[6], row[7], row[8]),
        )
        for row in rows
    ]


def rehearsal_count(db: sqlite_utils.Database, start: datetime, end: datetime) -> int:
    """Return the number of rehearsals that begin in [start, end)."""
    with faults(db):
        row = db.execute(
            "SELECT count(*) FROM lessons WHERE origin = 'rehearsal' AND start_utc >= ? AND start_utc < ?",
            (stored(start), stored(end)),
        ).fetchone()
    return int(row[0])


def deliveries(db: sqlite_utils.Database) -> Mapping[str, Sequence[Deliveries]]:
    """Count each lesson's outbox items by kind and state; return the counts by lesson id."""
    with faults(db):
        rows = db.execute(
            "SELECT lesson_id, kind, state, count(*), max(settled_at_utc) FROM outbox WHERE lesson_id IS NOT NULL"
            " GROUP BY lesson_id, kind, state ORDER BY lesson_id, kind, state"
        ).fetchall()
    found: dict[str, list[Deliveries]] = {}
    for lesson_id, kind, state, count, last_at in rows:
        found.setdefault(lesson_id, []).append(Deliveries(kind, state, count, parsed(last_at) if last_at else None))
    return found


def ledger_rows(db: sqlite_utils.Database) -> Iterator[LedgerRow]:
    """Yield every revision of every register in the order in which the device made them, one in memory at a time."""
    with faults(db):
        for row in db.execute(
            "SELECT ledger_position, lesson_id, revision, document, sha256, created_at_utc FROM registers"
            " ORDER BY ledger_position"
        ):
            yield LedgerRow(*row)


_ROW = "SELECT ledger_position, lesson_id, revision, document, sha256, created_at_utc FROM registers"


def ledger_row(db: sqlite_utils.Database, lesson_id: str, revision: int) -> LedgerRow | None:
    """Return one revision of a lesson's register; None if it does not exist."""
    with faults(db):
        row = db.execute(f"{_ROW} WHERE lesson_id = ? AND revision = ?", (lesson_id, revision)).fetchone()
    return None if row is None else LedgerRow(*row)


def row_before(db: sqlite_utils.Database, row: LedgerRow) -> LedgerRow | None:
    """Return the row before a revision, whose document the revision refers to; None if that row is not stored.

    It is the lesson's previous revision. For a first revision it is the previous row of the whole ledger.
    """
    if row.revision > 1:
        return ledger_row(db, row.lesson_id, row.revision - 1)
    with faults(db):
        found = db.execute(
            f"{_ROW} WHERE ledger_position < ? ORDER BY ledger_position DESC LIMIT 1", (row.position,)
        ).fetchone()
    return None if found is None else LedgerRow(*found)


def newest_rows(db: sqlite_utils.Database, count: int) -> list[LedgerRow]:
    """Return the last `count` revisions of registers that the device made, newest first."""
    with faults(db):
        rows = db.execute(f"{_ROW} ORDER BY ledger_position DESC LIMIT ?", (count,)).fetchall()
    return [LedgerRow(*row) for row in rows]


def any_signed_before(db: sqlite_utils.Database, row: LedgerRow) -> bool:
    """Return whether a revision with an earlier position in the ledger has a signature, or was removed."""
    with faults(db):
        found = db.execute(
            'SELECT 1 FROM registers WHERE ledger_position < ?1 AND document LIKE \'%"signature":"%\''
            " UNION ALL SELECT 1 FROM removed_registers WHERE ledger_position < ?1 LIMIT 1",
            (row.position,),
        ).fetchone()
    return found is not None


def seeds_on_record(db: sqlite_utils.Database) -> Mapping[str, tuple[str, str]]:
    """Return the SHA-256 of two seeds of each begun lesson, by lesson id.

    The first is of the seed with which the lesson began, the second of the seed in its recorded plan ("" without one).
    """
    with faults(db):
        rows = db.execute(
            "SELECT lesson_id, lessons.seed_sha256, coalesce(plans_on_record.seed_sha256, '') FROM lessons"
            " LEFT JOIN plans_on_record USING (lesson_id)"
        ).fetchall()
    return {lesson_id: (begun, planned) for lesson_id, begun, planned in rows}


def finalised_lessons(db: sqlite_utils.Database) -> set[str]:
    """Return the ids of lessons whose state is finalised."""
    with faults(db):
        rows = db.execute("SELECT lesson_id FROM lessons WHERE state = 'finalised'").fetchall()
    return {str(row[0]) for row in rows}


def refs_of_outbox(db: sqlite_utils.Database, kind: str) -> set[str]:
    """Return the refs of all upstream items of one kind."""
    with faults(db):
        rows = db.execute("SELECT ref FROM outbox WHERE destination = 'upstream' AND kind = ?", (kind,)).fetchall()
    return {str(row[0]) for row in rows}


_LESSONS = """
SELECT lesson_id, course, start_utc, end_utc, state,
    (SELECT committed_at_utc FROM plans_on_record AS p WHERE p.lesson_id = lessons.lesson_id), captures_planned,
    (SELECT count(*) FROM captures WHERE captures.lesson_id = lessons.lesson_id), ''
FROM lessons WHERE origin = 'timetable' AND start_utc >= ?1 AND start_utc < ?2
UNION ALL
SELECT lesson_id, course, start_utc, end_utc, 'skipped',
    (SELECT committed_at_utc FROM plans_on_record AS p WHERE p.lesson_id = skipped.lesson_id),
    coalesce((SELECT captures_planned FROM plans_on_record AS p WHERE p.lesson_id = skipped.lesson_id), 0), 0,
    reason
FROM skipped WHERE lesson_id NOT IN (SELECT lesson_id FROM lessons) AND start_utc >= ?1 AND start_utc < ?2
UNION ALL
SELECT lesson_id, course, start_utc, end_utc, 'planned', committed_at_utc, captures_planned, 0, ''
FROM plans_on_record WHERE lesson_id NOT IN (SELECT lesson_id FROM lessons UNION SELECT lesson_id FROM skipped)
    AND start_utc >= ?1 AND start_utc < ?2
ORDER BY 3, 1"""
