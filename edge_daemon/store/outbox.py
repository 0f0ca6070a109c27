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
from typing import Any, Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import is_delivery, transaction
from edge_daemon.store.destinations import (
    DestinationState,
    destination_state,
    may_try,
    set_destination,
)
from edge_daemon.store.outbox_decisions import (
    LOOK_AGAIN,
    change,
    put,
    put_missing_registers,
    reopen,
    resend,
    void_student,
)
from edge_daemon.store.outbox_items import (
    COMMITMENT,
    DOCUMENT_SHA256,
    GUARDIAN,
    GUARDIAN_CORRECTION,
    GUARDIAN_MONTH,
    GUARDIAN_WEEK,
    MONTH,
    OFFICE,
    OPEN,
    PERSONAL,
    RECORD_OF,
    REGISTER,
    STATES,
    STUDENT,
    STUDENT_CORRECTION,
    STUDENT_WEEK,
    TEACHER,
    WEEK,
    Item,
    State,
    counts,
    get,
    is_known,
    lessons_with_waiting_notices,
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
    "GUARDIAN_MONTH",
    "GUARDIAN_WEEK",
    "MONTH",
    "OFFICE",
    "OPEN",
    "PERSONAL",
    "RECORD_OF",
    "REGISTER",
    "STATES",
    "STUDENT",
    "STUDENT_CORRECTION",
    "STUDENT_WEEK",
    "TEACHER",
    "WEEK",
    "DestinationState",
    "Item",
    "State",
    "change",
    "claim",
    "counts",
    "destination_state",
    "get",
    "hasten",
    "is_known",
    "lessons_with_waiting_notices",
    "listed",
    "may_try",
    "newest_delivered",
    "of_lesson",
    "put",
    "put_back",
    "put_missing_registers",
    "release",
    "reopen",
    "resend",
    "send_missing",
    "set_destination",
    "settle",
    "void_student",
]

LEASE_S: Final = 300.0
_LONGEST_LEASE: Final = timedelta(hours=1)
_LONGEST_WAIT: Final = timedelta(days=8)
"""For a first try: `mail.hold_h` is a week at most."""


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
    return Delivery(row[0], destination, row[1], row[2], row[3], row[4], row[5], parsed(row[6]), parsed(row[7]))


def _oldest(
    db: sqlite_utils.Database, destination: Destination, now: datetime, due_by: datetime | None, *, tried: bool
) -> tuple[Any, ...] | None:
    """Return the oldest item that is due, among those that were tried before or those that never were."""
    row: tuple[Any, ...] | None = db.execute(
        "SELECT item_id, kind, ref, student_id, coalesce(lesson_id, ''), attempts, created_at_utc, next_attempt_utc"
        " FROM outbox WHERE destination = ? AND state IN ('waiting', 'held') AND next_attempt_utc <= ?"
        " AND (attempts > 0) = ? AND (lease_until_utc IS NULL OR lease_until_utc <= ? OR lease_until_utc > ?)"
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
        if (outcome.receiver_down and not outcome.is_doubtful) or outcome.name == "delivered":
            set_destination(db, delivery.destination, outcome, now, rng, settings_sha256)
        if not _counts(db, delivery, outcome):
            _forget_claim(db, delivery, outcome)
            return False
        tries = delivery.attempts + _is_try(outcome)
        if outcome.name == "retry" or outcome.receiver_down:
            # One for everybody was not this item's fault: due at once when its receiver takes something again.
            again = (
                _due_before(db, delivery, now)
                if outcome.receiver_down
                else next_try(now, tries, outcome.retry_after_s, rng)
            )
            _write(db, delivery, "waiting", outcome.answer, again, tries, None)
        elif outcome.name == "held":
            _write(db, delivery, "held", outcome.answer, now + LOOK_AGAIN, tries, None)
        else:
            _write(db, delivery, outcome.name, outcome.answer, now, tries, now)
            if outcome.name == "delivered" and delivery.destination == "upstream":
                db.execute(
                    f"UPDATE outbox SET receipt_sha256 = {DOCUMENT_SHA256} WHERE item_id = ?", (delivery.item_id,)
                )
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


def put_back(db: sqlite_utils.Database, item_ids: Iterable[int], now: datetime) -> None:
    """Let parked items wait again: it turned out that they were refused for their receiver's sake."""
    with transaction(db):
        for item_id in item_ids:
            db.execute(
                "UPDATE outbox SET state = 'waiting', next_attempt_utc = ?, settled_at_utc = NULL"
                " WHERE item_id = ? AND state = 'parked'",
                (stored(now), item_id),
            )


def newest_delivered(db: sqlite_utils.Database, count: int, up_to: int = 2**62) -> list[tuple[int, str, str]]:
    """Return item id, kind and ref of the documents that the office's server took last, the newest first.

    Args:
        db: delivery.sqlite.
        count: so many at most.
        up_to: no item with a higher id.
    """
    rows = db.execute(
        "SELECT item_id, kind, ref FROM outbox WHERE destination = 'upstream' AND state = 'delivered' AND item_id <= ?"
        " ORDER BY item_id DESC LIMIT ?",
        (up_to, count),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def send_missing(db: sqlite_utils.Database, item_ids: Iterable[int] | None, now: datetime) -> int:
    """Let documents wait again that are not on the office's server any more; return how many.

    Args:
        db: delivery.sqlite; no transaction may be open.
        item_ids: of the documents; None: all that were delivered.
        now: the time.
    """
    query = (
        "UPDATE outbox SET state = 'waiting', next_attempt_utc = min(?1, created_at_utc), settled_at_utc = NULL,"
        " receipt_sha256 = '' WHERE destination = 'upstream' AND state = 'delivered'"
    )
    with transaction(db):
        if item_ids is None:
            return db.conn.execute(query, (stored(now),)).rowcount
        return sum(db.conn.execute(f"{query} AND item_id = ?2", (stored(now), one)).rowcount for one in item_ids)


def hasten(db: sqlite_utils.Database, now: datetime) -> None:
    """Let everything be tried now that failed before and waits for its next try only."""
    with transaction(db):
        db.execute("UPDATE outbox SET next_attempt_utc = ? WHERE state = 'waiting' AND attempts > 0", (stored(now),))


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


def _due_before(db: sqlite_utils.Database, delivery: Delivery, now: datetime) -> datetime:
    """Return when an item was due that was given back untried.

    Not the time of the clock: where that was ahead for a moment, the item would wait until it has come. What waits
    for a person's correction (`mail.hold_h`) may have been claimed too early by such a clock: where waits are kept
    (`waits.py`) it is due when it was, and the clock that is right again says when that is.
    """
    if delivery.kind not in PERSONAL:
        return min(now, delivery.created_at)
    return delivery.due_at if delivery.due_at is not None and is_delivery(db) else now


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
