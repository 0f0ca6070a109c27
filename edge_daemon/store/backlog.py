"""Figures about the outbox for heartbeat, `status`, metrics and `doctor`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox
from edge_daemon.store.database import faults
from edge_daemon.store.destinations import State, destination_state
from edge_daemon.timestamps import parsed, stored
from edge_daemon.types import Destination

DESTINATIONS: tuple[Destination, ...] = ("upstream", "mail")


@dataclass(frozen=True, slots=True)
class Backlog:
    """The state of delivery to one receiver."""

    state: State
    since: datetime | None
    answer: str
    waiting: int
    held: int
    parked: int
    delivered: int
    oldest: datetime | None
    """Creation time of the oldest item with state `waiting`; held items do not count, because they wait on purpose."""


@dataclass(frozen=True, slots=True)
class LastRegister:
    """The newest register of a timetable lesson in the ledger."""

    lesson_id: str
    revision: int
    sha256: str
    end: datetime
    captures_planned: int
    captures_taken: int
    models: Mapping[str, str]
    public_key: str | None


def backlogs(db: sqlite_utils.Database) -> Mapping[Destination, Backlog]:
    """Return the state of every receiver."""
    counts = outbox.counts(db)
    found: dict[Destination, Backlog] = {}
    for destination in DESTINATIONS:
        known = destination_state(db, destination)
        with faults(db):
            (oldest,) = db.execute(
                "SELECT min(created_at_utc) FROM outbox WHERE destination = ? AND state = 'waiting'", (destination,)
            ).fetchone()
        found[destination] = Backlog(
            *(known.state, known.since, known.answer),
            waiting=counts.get((destination, "waiting"), 0),
            held=counts.get((destination, "held"), 0),
            parked=counts.get((destination, "parked"), 0),
            delivered=counts.get((destination, "delivered"), 0),
            oldest=parsed(oldest) if oldest else None,
        )
    return found


def open_items(db: sqlite_utils.Database) -> Mapping[tuple[Destination, str], tuple[int, datetime]]:
    """Return the number of undelivered items and the creation time of the oldest, by receiver and state.

    An index keeps this query fast in a long table.
    """
    with faults(db):
        rows = db.execute(
            "SELECT destination, state, count(*), min(created_at_utc) FROM outbox"
            " WHERE state IN ('waiting', 'held', 'parked') GROUP BY destination, state"
        ).fetchall()
    return {(row[0], row[1]): (row[2], parsed(row[3])) for row in rows}


def last_register(db: sqlite_utils.Database) -> LastRegister | None:
    """Return the newest register of a timetable lesson; None if there is none."""
    with faults(db):
        row = db.execute(
            "SELECT lesson_id, revision, sha256, end_utc, captures_planned, document FROM registers"
            " JOIN lessons USING (lesson_id) WHERE origin = 'timetable' ORDER BY ledger_position DESC LIMIT 1"
        ).fetchone()
    if row is None:
        return None
    document = json.loads(row[5])
    return LastRegister(
        *(row[0], row[1], row[2], parsed(row[3]), row[4], document["captures_taken"]),
        document["models"],
        document.get("public_key"),
    )


def count_registers(db: sqlite_utils.Database) -> int:
    """Return how many register revisions this device has made, including those removed after their retention."""
    query = "SELECT (SELECT count(*) FROM registers) + (SELECT count(*) FROM removed_registers)"
    with faults(db):
        return int(db.execute(query).fetchone()[0])


def count_due(db: sqlite_utils.Database, destination: Destination, by: datetime) -> int:
    """Return how many items for a receiver are due at the time `by`."""
    with faults(db):
        return int(
            db.execute(
                "SELECT count(*) FROM outbox WHERE destination = ? AND state IN ('waiting', 'held')"
                " AND next_attempt_utc <= ?",
                (destination, stored(by)),
            ).fetchone()[0]
        )


def document_of(db: sqlite_utils.Database, kind: str, ref: str) -> str | None:
    """Return the document of an upstream item, byte for byte as it was made; None if there is none."""
    with faults(db):
        if kind == outbox.REGISTER:
            lesson_id, _, revision = ref.rpartition("/")
            query = "SELECT document FROM registers WHERE lesson_id = ? AND revision = ?"
            row = db.execute(query, (lesson_id, revision)).fetchone()
        else:
            row = db.execute("SELECT document FROM commitments WHERE ref = ?", (ref,)).fetchone()
    return None if row is None else str(row[0])
