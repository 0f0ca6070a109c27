"""The outbox. Each item is written together with its subject, claimed for a limited time, and settled.

An item is tried until it is delivered, a person decides, or it is no longer needed. A delivery run claims the oldest
due item with a lease, so a killed process blocks no item for long. The claim counts as an attempt at once and sets the
time of the next attempt. An item that crashes its process therefore delays no other item. The number of attempts
distinguishes a claim from earlier claims of the same item. Items are ordered by their numbers, not by times, so that no
clock jump changes the order.
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
"""Longest time from an item's creation to its next attempt: `mail.hold_h` is at most a week.

A longer wait was set while the clock was ahead.
"""


def claim(
    db: sqlite_utils.Database,
    destination: Destination,
    now: datetime,
    owner: str,
    lease_s: float = LEASE_S,
    *,
    due_by: datetime | None = None,
) -> Delivery | None:
    """Claim the oldest due item. No other process gets it until it is settled or the lease ends.

    Items that were never tried come before items that failed. A receiver is paused after several failures in a row, so
    a few items that always fail would otherwise be the only ones that are tried.

    Args:
        db: delivery.sqlite; no transaction may be open.
        destination: the receiver.
        now: the current time; the clock may have jumped in either direction since the last claim.
        owner: name of the claiming process, for information only.
        lease_s: seconds until another process may claim the item; at most an hour.
        due_by: claim only an item that was due at this time; None: at `now`. A run that always passes its start time
            tries no item twice, and therefore ends.

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
    """Return the oldest due item that was tried before, or with `tried` False the oldest one that was never tried."""
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
    """Store the outcome of a claimed item, and the state of its receiver if the outcome concerns all items.

    `delivered` always counts, however late it comes. Any other outcome counts only if nobody claimed the item again and
    no correction settled it meanwhile.

    Args:
        db: delivery.sqlite; no transaction may be open.
        delivery: the value that `claim` returned.
        outcome: outcome of the attempt. If `outcome.receiver_down` is True, the attempt does not count for the item;
            unless `outcome.is_doubtful` is also True, nothing goes to this receiver for a while.
        now: the current time.
        rng: source of the jitter.
        settings_sha256: SHA-256 of the receiver's settings, for `set_destination`.

    Returns:
        Whether the outcome counted.

    Raises:
        StoreError: the database can't be written; the item is tried again after the lease ends.
    """
    with transaction(db):
        if (outcome.receiver_down and not outcome.is_doubtful) or outcome.name == "delivered":
            set_destination(db, delivery.destination, outcome, now, rng, settings_sha256)
        if not _counts(db, delivery, outcome):
            _forget_claim(db, delivery, outcome)
            return False
        tries = delivery.attempts + _is_try(outcome)
        if outcome.name == "retry" or outcome.receiver_down:
            # A general answer was not this item's fault: it is due at once when its receiver accepts items again.
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
    """End the leases that killed processes left. Call it only while holding the delivery lock of `sync`.

    Returns:
        The number of released items. Each keeps the time already set for its next attempt.
    """
    with transaction(db):
        return db.conn.execute(
            "UPDATE outbox SET lease_owner = NULL, lease_until_utc = NULL"
            " WHERE lease_until_utc IS NOT NULL AND (?1 IS NULL OR destination = ?1)",
            (destination,),
        ).rowcount


def put_back(db: sqlite_utils.Database, item_ids: Iterable[int], now: datetime) -> None:
    """Make parked items wait again after it turned out that the receiver had refused all items, not only these."""
    with transaction(db):
        for item_id in item_ids:
            db.execute(
                "UPDATE outbox SET state = 'waiting', next_attempt_utc = ?, settled_at_utc = NULL"
                " WHERE item_id = ? AND state = 'parked'",
                (stored(now), item_id),
            )


def newest_delivered(db: sqlite_utils.Database, count: int, up_to: int = 2**62) -> list[tuple[int, str, str]]:
    """Return item id, kind and ref of the newest documents that the office's server accepted, highest item id first.

    Args:
        db: delivery.sqlite.
        count: the largest number of documents.
        up_to: the highest item id.
    """
    rows = db.execute(
        "SELECT item_id, kind, ref FROM outbox WHERE destination = 'upstream' AND state = 'delivered' AND item_id <= ?"
        " ORDER BY item_id DESC LIMIT ?",
        (up_to, count),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def send_missing(db: sqlite_utils.Database, item_ids: Iterable[int] | None, now: datetime) -> int:
    """Make delivered documents wait again, because they are no longer on the office's server; return how many.

    Args:
        db: delivery.sqlite; no transaction may be open.
        item_ids: item ids of the documents; None: all delivered documents.
        now: the current time.
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
    """Make items due now if they failed before and wait for their next attempt."""
    with transaction(db):
        db.execute("UPDATE outbox SET next_attempt_utc = ? WHERE state = 'waiting' AND attempts > 0", (stored(now),))


def _mend_times(db: sqlite_utils.Database, now: datetime) -> None:
    """Shorten waits that are too long because the clock was ahead when they were set.

    An item that was tried before becomes due now if its wait exceeds a day. An item that was never tried keeps the
    length of its wait (a teacher's time to correct), counted from now.
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
    # No wait is ever longer; a longer one was set by a clock that was ahead when the item was returned.
    db.execute(
        "UPDATE outbox SET next_attempt_utc = ?1 WHERE state = 'waiting' AND next_attempt_utc > ?2"
        " AND julianday(next_attempt_utc) - julianday(created_at_utc) > ?3",
        (stored(now), stored(now + _LONGEST_WAIT), _LONGEST_WAIT / timedelta(days=1)),
    )


def _due_before(db: sqlite_utils.Database, delivery: Delivery, now: datetime) -> datetime:
    """Return the next due time of an item that was not tried, because its receiver accepts nothing at present.

    A document or a message to staff is due from its creation time, or from `now` if that is earlier. If `now` were used
    while the clock is ahead, the item would wait until the true time reaches it.

    A message to students or guardians in delivery.sqlite keeps its due time, because it has to wait for corrections
    (`mail.hold_h`). If the clock was ahead, `waits.py` corrects that time. In register.sqlite the message is due `now`.
    """
    if delivery.kind not in PERSONAL:
        return min(now, delivery.created_at)
    return delivery.due_at if delivery.due_at is not None and is_delivery(db) else now


def _counts(db: sqlite_utils.Database, delivery: Delivery, outcome: Outcome) -> bool:
    """Return whether an outcome changes the item.

    The outcome `delivered` changes an item once. Any other outcome changes the item only while it is `waiting` or
    `held`, and only if the outcome is that of the latest claim.
    """
    row = db.execute("SELECT state, attempts FROM outbox WHERE item_id = ?", (delivery.item_id,)).fetchone()
    if row is None:
        return False
    if outcome.name == "delivered":
        return bool(row[0] != "delivered")
    return row[0] in {"waiting", "held"} and row[1] == delivery.attempts + 1


def _is_try(outcome: Outcome) -> bool:
    """Return whether an outcome counts as an attempt, because the message or document may have reached the receiver."""
    return outcome.name not in {"held", "void"} and not outcome.receiver_down


def _forget_claim(db: sqlite_utils.Database, delivery: Delivery, outcome: Outcome) -> None:
    """End the claim of an item whose outcome does not count, if nobody claimed the item again."""
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
