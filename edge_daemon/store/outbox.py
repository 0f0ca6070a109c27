"""What is still to be delivered: rows that are written with what they are about, claimed for a while, and settled.

A row is never deleted and never given up. Whoever delivers claims the oldest row that is due; the claim is a lease, so
that a process that was killed holds up nothing for long, and it counts as a try at once with its own next attempt, so
that an item which kills whoever touches it holds up no other. A settled claim is told apart from an older one of the
same row by its number of tries. Age is the order in which rows were written: no clock that jumps can change it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import transaction
from edge_daemon.store.destinations import (
    DestinationState,
    destination_state,
    may_try,
    open_destinations,
    set_destination,
)
from edge_daemon.store.outbox_items import (
    COMMITMENT,
    GUARDIAN,
    GUARDIAN_CORRECTION,
    MONTH,
    OFFICE,
    OPEN,
    PERSONAL,
    REGISTER,
    STATES,
    STUDENT,
    STUDENT_CORRECTION,
    STUDENT_WEEK,
    WEEK,
    Item,
    State,
    counts,
    get,
    is_known,
    listed,
    of_lesson,
)
from edge_daemon.store.retries import LONGEST_ASKED_S, SLACK, ceiling_s, next_try
from edge_daemon.timestamps import parsed, stored
from edge_daemon.types import Delivery, Destination, Outcome

__all__ = [
    "COMMITMENT",
    "GUARDIAN",
    "GUARDIAN_CORRECTION",
    "MONTH",
    "OFFICE",
    "OPEN",
    "PERSONAL",
    "REGISTER",
    "STATES",
    "STUDENT",
    "STUDENT_CORRECTION",
    "STUDENT_WEEK",
    "WEEK",
    "DestinationState",
    "Item",
    "State",
    "change",
    "claim",
    "counts",
    "destination_state",
    "get",
    "is_known",
    "listed",
    "may_try",
    "of_lesson",
    "put",
    "put_missing_registers",
    "release",
    "reopen",
    "set_destination",
    "settle",
    "void_student",
]

LEASE_S: Final = 300.0
_LONGEST_LEASE: Final = timedelta(hours=1)
_LONGEST_WAIT: Final = timedelta(days=8)
"""For a first try: `mail.hold_h` is a week at most."""
_LOOK_AGAIN: Final = timedelta(days=1)
"""What is held is looked at again after it, though no correction came."""


def put(
    db: sqlite_utils.Database,
    *,
    destination: Destination,
    kind: str,
    ref: str,
    student_id: str = "",
    lesson_id: str = "",
    not_before: datetime,
    at: datetime,
    state: Literal["waiting", "held"] = "waiting",
    answer: str = "",
) -> bool:
    """Add an item, within the caller's transaction: it is there if and only if what it is about is.

    Args:
        db: register.sqlite.
        destination: who shall have it.
        kind: one of the constants of this file.
        ref: what it is about; with destination, kind and student the item's name.
        student_id: whom it is about.
        lesson_id: the one lesson that it is about.
        not_before: when it may be tried first.
        at: now.
        state: `held`: not allowed yet.
        answer: why it is held.

    Returns:
        Whether it is new; an item of the same name stays as it is.
    """
    cursor = db.conn.execute(
        "INSERT OR IGNORE INTO outbox (destination, kind, ref, student_id, lesson_id, state, created_at_utc,"
        " next_attempt_utc, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(destination, kind, ref, student_id, lesson_id or None, state, stored(at)),
            *(stored(max(not_before, at + _LOOK_AGAIN) if state == "held" else not_before), answer),
        ),
    )
    return cursor.rowcount == 1


def put_missing_registers(db: sqlite_utils.Database, at: datetime) -> int:
    """Add every revision that should be upstream and has no item, within the caller's transaction; return how many.

    Rehearsals stay, unless an earlier revision was delivered.
    """
    return db.conn.execute(
        "INSERT OR IGNORE INTO outbox (destination, kind, ref, lesson_id, created_at_utc, next_attempt_utc)"
        " SELECT 'upstream', ?1, lesson_id || '/' || revision, lesson_id, ?2, ?2 FROM registers AS made"
        " JOIN lessons USING (lesson_id) WHERE (origin = 'timetable' OR EXISTS"
        " (SELECT 1 FROM outbox WHERE outbox.lesson_id = made.lesson_id)) AND NOT EXISTS (SELECT 1 FROM outbox"
        " WHERE destination = 'upstream' AND kind = ?1 AND ref = made.lesson_id || '/' || made.revision)"
        " ORDER BY ledger_position",
        (REGISTER, stored(at)),
    ).rowcount


def claim(
    db: sqlite_utils.Database,
    destination: Destination,
    now: datetime,
    owner: str,
    lease_s: float = LEASE_S,
    *,
    due_by: datetime | None = None,
) -> Delivery | None:
    """Claim the oldest item that is due; nobody else is given it until it is settled or the lease ends.

    What was never tried comes before what failed: some items that always fail would else be the only ones that are
    ever tried, where a receiver that fails several times in a row is left alone for a while.

    Args:
        db: register.sqlite; no transaction may be open.
        destination: for whom.
        now: by the clock; it may have jumped in either direction since the last claim.
        owner: who claims, for people who look.
        lease_s: seconds until somebody else may claim it; an hour at most.
        due_by: only what was due then: a run that always names its begin tries nothing twice, and so comes to an end.

    Raises:
        StoreError: the database can't be written.
    """
    lease = min(timedelta(seconds=lease_s), _LONGEST_LEASE)
    with transaction(db):
        _mend_times(db, now)
        row = _oldest(db, destination, now, due_by, tried=False) or _oldest(db, destination, now, due_by, tried=True)
        if row is None:
            return None
        db.execute(
            "UPDATE outbox SET attempts = attempts + 1, lease_owner = ?, lease_until_utc = ?, next_attempt_utc = ?"
            " WHERE item_id = ?",
            (owner, stored(now + lease), stored(now + timedelta(seconds=ceiling_s(row[5] + 1))), row[0]),
        )
    return Delivery(row[0], destination, row[1], row[2], row[3], row[4], row[5], parsed(row[6]))


def _oldest(
    db: sqlite_utils.Database, destination: Destination, now: datetime, due_by: datetime | None, *, tried: bool
) -> tuple[Any, ...] | None:
    """Return the oldest item that is due, among those that were tried before or those that never were."""
    row: tuple[Any, ...] | None = db.execute(
        "SELECT item_id, kind, ref, student_id, coalesce(lesson_id, ''), attempts, created_at_utc FROM outbox"
        " WHERE destination = ? AND state IN ('waiting', 'held') AND next_attempt_utc <= ? AND (attempts > 0) = ?"
        " AND (lease_until_utc IS NULL OR lease_until_utc <= ? OR lease_until_utc > ?)"
        " ORDER BY item_id LIMIT 1",
        (destination, stored(min(now, due_by or now)), tried, stored(now), stored(now + _LONGEST_LEASE)),
    ).fetchone()
    return row


def settle(
    db: sqlite_utils.Database,
    delivery: Delivery,
    outcome: Outcome,
    now: datetime,
    rng: random.Random,
    settings_sha256: str = "",
) -> bool:
    """Write down what became of a claimed item, and of its receiver where the answer is for everybody.

    What was delivered is delivered, whoever says so, however late. Any other outcome counts only while the claim is
    the row's last one, and the row was not settled by a correction meanwhile.

    Args:
        db: register.sqlite; no transaction may be open.
        delivery: what `claim` gave.
        outcome: of the try; one for `everybody` leaves the item as if it was not tried, and lets its receiver wait.
        now: by the clock.
        rng: source of the jitter.
        settings_sha256: of the receiver's settings, for `set_destination`.

    Returns:
        Whether it counted.

    Raises:
        StoreError: the database can't be written; the item is tried again when the lease has ended.
    """
    with transaction(db):
        if outcome.receiver_down or outcome.name == "delivered":
            set_destination(db, delivery.destination, outcome, now, rng, settings_sha256)
        if not _counts(db, delivery, outcome):
            _forget_claim(db, delivery, outcome)
            return False
        tries = delivery.attempts + _is_try(outcome)
        if outcome.name == "retry" or outcome.receiver_down:
            # One for everybody was not this item's fault: due at once when its receiver takes something again.
            again = (
                _due_before(delivery, now)
                if outcome.receiver_down
                else next_try(now, tries, outcome.retry_after_s, rng)
            )
            _write(db, delivery, "waiting", outcome.answer, again, tries, None)
        elif outcome.name == "held":
            _write(db, delivery, "held", outcome.answer, now + _LOOK_AGAIN, tries, None)
        else:
            _write(db, delivery, outcome.name, outcome.answer, now, tries, now)
    return True


def release(db: sqlite_utils.Database, destination: Destination | None = None) -> int:
    """End all leases: only for who knows that nobody else delivers (the lock of `sync`).

    Returns:
        How many items a killed process had claimed; each is due when its next attempt is.
    """
    with transaction(db):
        return db.conn.execute(
            "UPDATE outbox SET lease_owner = NULL, lease_until_utc = NULL"
            " WHERE lease_until_utc IS NOT NULL AND (?1 IS NULL OR destination = ?1)",
            (destination,),
        ).rowcount


def reopen(db: sqlite_utils.Database, item_ids: Iterable[int], now: datetime) -> int:
    """Let parked and waiting items be tried at once, and their receivers as well; what else is named stays.

    Returns:
        How many there were.
    """
    count, destinations = 0, set[Destination]()
    with transaction(db):
        for item_id in item_ids:
            row = db.execute(
                "UPDATE outbox SET state = 'waiting', next_attempt_utc = ?, settled_at_utc = NULL"
                " WHERE item_id = ? AND state IN ('parked', 'waiting') RETURNING destination",
                (stored(now), item_id),
            ).fetchone()
            if row is not None:
                count += 1
                destinations.add(cast(Destination, row[0]))
        open_destinations(db, destinations, now)
    return count


def change(
    db: sqlite_utils.Database,
    item_id: int,
    state: Literal["waiting", "held", "void"],
    *,
    not_before: datetime,
    answer: str,
    at: datetime,
) -> None:
    """Change what was decided about an item that is not delivered, within the caller's transaction."""
    next_attempt = max(not_before, at + _LOOK_AGAIN) if state == "held" else not_before
    db.execute(
        "UPDATE outbox SET state = ?, next_attempt_utc = ?, answer = ?, settled_at_utc = ?"
        " WHERE item_id = ? AND state IN ('waiting', 'held', 'parked')",
        (state, stored(next_attempt), answer, stored(at) if state == "void" else None, item_id),
    )


def void_student(db: sqlite_utils.Database, student_id: str, at: datetime) -> int:
    """Give up everything that is still to be said to and about a student who was removed; return how many items."""
    with transaction(db):
        return db.conn.execute(
            "UPDATE outbox SET state = 'void', answer = 'the student was removed', settled_at_utc = ?"
            " WHERE student_id = ? AND state IN ('waiting', 'held', 'parked')",
            (stored(at), student_id),
        ).rowcount


def _mend_times(db: sqlite_utils.Database, now: datetime) -> None:
    """Bring back what a clock that was ahead put off: no retry waits longer than a day, nothing first longer than set.

    What was never tried keeps the wait that it was given (a teacher's time to correct), from now on.
    """
    db.execute(
        "UPDATE outbox SET next_attempt_utc = CASE WHEN attempts > 0 THEN ?1 ELSE strftime('%Y-%m-%dT%H:%M:%f000Z',"
        " julianday(?1) + max(0, julianday(next_attempt_utc) - julianday(created_at_utc))) END"
        " WHERE state IN ('waiting', 'held') AND next_attempt_utc > ?2 AND julianday(next_attempt_utc) - julianday(?1)"
        " > ?3 + CASE WHEN attempts > 0 THEN ?4 ELSE julianday(next_attempt_utc) - julianday(created_at_utc) END",
        (
            *(stored(now), stored(now + timedelta(seconds=LONGEST_ASKED_S) + SLACK)),
            *(SLACK / timedelta(days=1), LONGEST_ASKED_S / 86400),
        ),
    )
    # Nothing is ever given a longer wait: what has one was given back by a clock that was ahead.
    db.execute(
        "UPDATE outbox SET next_attempt_utc = ?1 WHERE state = 'waiting' AND next_attempt_utc > ?2"
        " AND julianday(next_attempt_utc) - julianday(created_at_utc) > ?3",
        (stored(now), stored(now + _LONGEST_WAIT), _LONGEST_WAIT / timedelta(days=1)),
    )


def _due_before(delivery: Delivery, now: datetime) -> datetime:
    """Return when an item was due that was given back untried.

    Not the time of the clock: where that was ahead for a moment, the item would wait until it has come. What waits
    for a person's correction (`mail.hold_h`) may have been claimed too early by such a clock, and waits on.
    """
    return now if delivery.kind in PERSONAL else min(now, delivery.created_at)


def _counts(db: sqlite_utils.Database, delivery: Delivery, outcome: Outcome) -> bool:
    """Return whether an outcome changes the row: that it is delivered always, else that of its last claim only."""
    row = db.execute("SELECT state, attempts FROM outbox WHERE item_id = ?", (delivery.item_id,)).fetchone()
    if row is None:
        return False
    if outcome.name == "delivered":
        return bool(row[0] != "delivered")
    return row[0] in {"waiting", "held"} and row[1] == delivery.attempts + 1


def _is_try(outcome: Outcome) -> bool:
    """Return whether something may have reached the receiver: a try, as its answer has it."""
    return outcome.name not in {"held", "void"} and not outcome.receiver_down


def _forget_claim(db: sqlite_utils.Database, delivery: Delivery, outcome: Outcome) -> None:
    """End the last claim of an item that was settled meanwhile, by a correction."""
    db.execute(
        "UPDATE outbox SET attempts = ?1 + ?2, lease_owner = NULL, lease_until_utc = NULL"
        " WHERE item_id = ?3 AND attempts = ?1 + 1",
        (delivery.attempts, int(_is_try(outcome)), delivery.item_id),
    )


def _write(
    db: sqlite_utils.Database,
    delivery: Delivery,
    state: State,
    answer: str,
    next_attempt: datetime,
    attempts: int,
    settled_at: datetime | None,
) -> None:
    db.execute(
        "UPDATE outbox SET state = ?, answer = ?, next_attempt_utc = ?, attempts = ?, settled_at_utc = ?,"
        " lease_owner = NULL, lease_until_utc = NULL WHERE item_id = ?",
        (
            *(state, answer, stored(next_attempt), attempts, stored(settled_at) if settled_at else None),
            delivery.item_id,
        ),
    )
