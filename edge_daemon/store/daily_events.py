"""What happened to the device, day by day, in register.sqlite: a few fixed words each (`device/events.py`).

The service writes here, and who fetches or applies what the office has. What other tables know already (captures that
were missed, lessons that went by, items that were refused) is not written again, it is counted when a day is asked for:
a card wears by what is written.
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
"""Events are kept for so many days, and sent to a server that does not know this device yet."""


@dataclass(frozen=True, slots=True)
class DailyEvent:
    """Something that happened."""

    at: datetime
    event: str
    """One of the log's fixed words."""
    fields: Mapping[str, str | int | float] = field(default_factory=dict)
    """Fixed fields of the log, and `times` where it happened again and again."""


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
    """What the other tables know of a stretch of time."""

    held: int
    captures_planned: int
    captures_taken: int
    missed: Mapping[str, int]
    """Reason to captures."""
    not_held: Mapping[str, int]
    """Reason to lessons."""
    refused: tuple[ParkedItem, ...]


def add_events(db: sqlite_utils.Database, events: Iterable[DailyEvent]) -> None:
    """Write down what happened, in one commit.

    Raises:
        StoreError: the database can't be written.
    """
    rows = [(stored(e.at), e.event, json.dumps(dict(e.fields), ensure_ascii=False)) for e in events]
    with transaction(db):
        db.conn.executemany("INSERT INTO events (at_utc, event, fields) VALUES (?, ?, ?)", rows)


def events(db: sqlite_utils.Database, start: datetime, end: datetime) -> list[DailyEvent]:
    """Return what happened in [start, end), the earliest first."""
    with faults(db):
        rows = db.execute(
            "SELECT at_utc, event, fields FROM events WHERE at_utc >= ? AND at_utc < ? ORDER BY at_utc, event_id",
            (stored(start), stored(end)),
        ).fetchall()
    return [DailyEvent(parsed(row[0]), row[1], json.loads(row[2])) for row in rows]


def figures(db: sqlite_utils.Database, start: datetime, end: datetime) -> DayFigures:
    """Return what is known of the lessons that began in [start, end), and what was refused then."""
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
    """Return the time of the oldest thing that there is to tell, None where there is none."""
    with faults(db):
        row = db.execute(
            "SELECT min(at) FROM (SELECT min(at_utc) AS at FROM events UNION ALL SELECT min(start_utc) FROM lessons"
            " WHERE origin = 'timetable' UNION ALL SELECT min(start_utc) FROM skipped)"
        ).fetchone()
    return parsed(row[0]) if row[0] else None


def forget_events_before(db: sqlite_utils.Database, before: datetime) -> int:
    """Delete what is over its time; return how many there were.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        return int(db.conn.execute("DELETE FROM events WHERE at_utc < ?", (stored(before),)).rowcount)
