"""The state of a receiver as a whole. If a receiver refuses everything, this is recorded once and not in each item."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.store.retries import LONGEST_ASKED_S, SLACK, next_try
from edge_daemon.timestamps import parsed, stored
from edge_daemon.types import Destination, Outcome

State = Literal["open", "waiting", "parked"]


@dataclass(frozen=True, slots=True)
class DestinationState:
    """Whether a receiver accepts items now."""

    destination: Destination
    state: State
    """Whether the receiver accepts items.

    `open`: it does. `waiting`: it is tried again soon. `parked`: a person must fix something, and the receiver is tried
    only once a day.
    """
    answer: str
    since: datetime | None
    """When the receiver entered this state; None if the receiver never failed."""
    attempts: int
    next_attempt: datetime | None
    settings_sha256: str
    """SHA-256 of the settings of the last attempt."""


def destination_state(db: sqlite_utils.Database, destination: Destination) -> DestinationState:
    """Return the state of a receiver; `open` if none is recorded."""
    with faults(db):
        row = db.execute(
            "SELECT state, answer, since_utc, attempts, next_attempt_utc, settings_sha256 FROM destinations"
            " WHERE destination = ?",
            (destination,),
        ).fetchone()
    if row is None:
        return DestinationState(destination, "open", "", None, 0, None, "")
    return DestinationState(destination, cast(State, row[0]), row[1], parsed(row[2]), row[3], parsed(row[4]), row[5])


def may_try(db: sqlite_utils.Database, destination: Destination, now: datetime, settings_sha256: str) -> bool:
    """Return whether a receiver may be tried now: it works, or its wait is over, or its settings changed.

    A parked receiver needs a person, but it is tried once a day: somebody may have fixed the cause for all devices.
    """
    known = destination_state(db, destination)
    if known.state == "open" or known.settings_sha256 != settings_sha256 or known.next_attempt is None:
        return True
    too_far = now + timedelta(seconds=LONGEST_ASKED_S) + SLACK  # later times come from a clock that was ahead
    return not now < known.next_attempt <= too_far


def set_destination(
    db: sqlite_utils.Database,
    destination: Destination,
    outcome: Outcome,
    now: datetime,
    rng: random.Random,
    settings_sha256: str = "",
) -> None:
    """Record an outcome that concerns the receiver as a whole.

    `delivered` reopens the receiver, `parked` parks it, and any other outcome makes it wait.

    Args:
        db: delivery.sqlite or register.sqlite; the function begins a transaction unless one is open.
        destination: the receiver.
        outcome: outcome of the last request to the receiver.
        now: the current time.
        rng: source of the jitter.
        settings_sha256: SHA-256 of the settings of the attempt; other settings reopen the receiver (`may_try`).

    Raises:
        StoreError: the database can't be written.
    """
    if not db.conn.in_transaction:
        with transaction(db):
            set_destination(db, destination, outcome, now, rng, settings_sha256)
        return
    known = destination_state(db, destination)
    state: State = {"delivered": "open", "parked": "parked"}.get(outcome.name, "waiting")  # type: ignore[assignment]
    if state == "open" and known.state == "open":
        return
    attempts = 0 if state == "open" else known.attempts + 1
    since = known.since if known.state == state and known.since is not None else now
    retry_after_s = LONGEST_ASKED_S if state == "parked" else outcome.retry_after_s
    next_attempt = now if state == "open" else next_try(now, attempts, retry_after_s, rng)
    db.execute(
        "INSERT OR REPLACE INTO destinations (destination, state, answer, since_utc, attempts, next_attempt_utc,"
        " settings_sha256) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(destination, state, "" if state == "open" else outcome.answer, stored(since), attempts),
            *(stored(next_attempt), settings_sha256),
        ),
    )


def open_destinations(db: sqlite_utils.Database, destinations: set[Destination], now: datetime) -> None:
    """Reopen receivers at once because a person asked for it, within the caller's transaction."""
    for destination in sorted(destinations):
        db.execute(
            "UPDATE destinations SET state = 'open', answer = '', attempts = 0, since_utc = ?2, next_attempt_utc = ?2"
            " WHERE destination = ?1 AND state <> 'open'",
            (destination, stored(now)),
        )
