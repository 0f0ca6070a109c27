"""Events of the device in register.sqlite, for the daily event log. Their words are fixed (`device/events.py`).

The service writes them, and so do the processes that fetch or apply the office's documents. Missed captures, lessons
that were not held and refused items are in other tables. They are counted when a day is requested, and not stored here
again, because each write wears the card.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import parsed, stored

KEPT_DAYS: Final = 400
"""Number of days for which events are stored. A server that has no day of this device gets this many days."""


@dataclass(frozen=True, slots=True)
class DailyEvent:
    """One event."""

    at: datetime
    event: str
    """Name of the event, a fixed wording of the log."""
    fields: Mapping[str, str | int | float] = field(default_factory=dict)
    """Values by name of the log's field; `times` counts the repetitions of an event."""


@dataclass(frozen=True, slots=True)
class ParkedItem:
    """An outbox item that was refused for good."""

    at: datetime
    destination: str
    kind: str
    lesson_id: str
    answer: str


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Figures about a period, read from other tables than that of the events."""

    held: int
    captures_planned: int
    captures_taken: int
    missed: Mapping[str, int]
    """Number of missed captures by reason."""
    not_held: Mapping[str, int]
    """Number of lessons that were not held, by reason."""
    refused: tuple[ParkedItem, ...]


def add_events(db: sqlite_utils.Database, events: Iterable[DailyEvent]) -> None:
    """Record events in one commit.

    Raises:
        StoreError: the database can't be written.
    """
    rows = [(stored(e.at), e.event, json.dumps(dict(e.fields), ensure_ascii=False)) for e in events]
    with transaction(db):
        db.conn.executemany("INSERT INTO events (at_utc, event, fields) VALUES (?, ?, ?)", rows)


def events(db: sqlite_utils.Database, start: datetime, end: datetime) -> list[DailyEvent]:
    """Return the events in [start, end), earliest first."""
    with faults(db):
        rows = db.execute(
            "SELECT at_utc, event, fields FROM events WHERE at_utc >= ? AND at_utc < ? ORDER BY at_utc, event_id",
            (stored(start), stored(end)),
        ).fetchall()
    return [DailyEvent(parsed(row[0]), row[1], json.loads(row[2])) for row in rows]


def figures(db: sqlite_utils.Database, start: datetime, end: datetime) -> DayFigures:
    """Return the figures about the lessons that began in [start, end) and the items refused in that period."""
    window = (stored(start), stored(end))
    with faults(db):
        held, planned = db.execute(
            "SELECT count(*), coalesce(sum(captures_planned), 0) FROM lessons"
            " WHERE origin = 'timetable' AND start_utc >= ? AND start_utc < ?",
            window,
        ).fetchone()
        (taken,) = db.execute(
            "SELECT count(*) FROM captures JOIN lessons USING (lesson_id)"
            " WHERE origin = 'timetable' AND start_utc >= ? AND start_utc < ?",
            window,
        ).fetchone()
        missed = db.execute(
            "SELECT reason, count(*) FROM missed JOIN lessons USING (lesson_id)"
            " WHERE origin = 'timetable' AND start_utc >= ? AND start_utc < ? GROUP BY reason",
            window,
        ).fetchall()
        not_held = db.execute(
            "SELECT reason, count(*) FROM skipped WHERE start_utc >= ? AND start_utc < ? GROUP BY reason", window
        ).fetchall()
        refused = db.execute(
            "SELECT settled_at_utc, destination, kind, coalesce(lesson_id, ''), answer FROM outbox"
            " WHERE state = 'parked' AND settled_at_utc >= ? AND settled_at_utc < ? ORDER BY settled_at_utc, item_id",
            window,
        ).fetchall()
    return DayFigures(
        *(held, planned, taken, dict(missed), dict(not_held)),
        tuple(ParkedItem(parsed(row[0]), *row[1:]) for row in refused),
    )


def first_day(db: sqlite_utils.Database) -> datetime | None:
    """Return the time of the oldest event or lesson; None if there is none."""
    with faults(db):
        row = db.execute(
            "SELECT min(at) FROM (SELECT min(at_utc) AS at FROM events UNION ALL SELECT min(start_utc) FROM lessons"
            " WHERE origin = 'timetable' UNION ALL SELECT min(start_utc) FROM skipped)"
        ).fetchone()
    return parsed(row[0]) if row[0] else None


def forget_events_before(db: sqlite_utils.Database, before: datetime) -> int:
    """Delete the events before a time; return how many were deleted.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        return int(db.conn.execute("DELETE FROM events WHERE at_utc < ?", (stored(before),)).rowcount)
