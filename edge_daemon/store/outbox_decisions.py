"""Decisions of the service about outbox items in register.sqlite: to add, give up, hold, release or send again.

Every decision has its own number, by which the delivery process finds new ones (`delivery_file.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal, cast

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import transaction
from edge_daemon.store.destinations import open_destinations
from edge_daemon.store.outbox_items import REGISTER
from edge_daemon.timestamps import stored
from edge_daemon.types import Destination

LOOK_AGAIN: Final = timedelta(days=1)
"""Time after which a held item is tried again, even if no correction arrived."""


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
    """Add an item within the caller's transaction, so that it exists if and only if its subject does.

    Args:
        db: register.sqlite.
        destination: the receiver.
        kind: one of the constants of `outbox_items.py`.
        ref: id of its subject; together with destination, kind and student it identifies the item.
        student_id: id of the student whom it concerns; empty: no single student.
        lesson_id: id of the lesson that it concerns; empty: no single lesson.
        not_before: earliest time of the first attempt.
        at: now.
        state: `held` if the item must not be sent yet.
        answer: why it is held; otherwise empty.

    Returns:
        Whether it is new; an existing item with the same identity stays unchanged.
    """
    cursor = db.conn.execute(
        "INSERT OR IGNORE INTO outbox (destination, kind, ref, student_id, lesson_id, state, created_at_utc,"
        " next_attempt_utc, answer, decision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " (SELECT coalesce(max(decision), 0) + 1 FROM outbox))",
        (
            *(destination, kind, ref, student_id, lesson_id or None, state, stored(at)),
            *(stored(max(not_before, at + LOOK_AGAIN) if state == "held" else not_before), answer),
        ),
    )
    return cursor.rowcount == 1


def put_missing_registers(db: sqlite_utils.Database, at: datetime) -> int:
    """Add an upstream item for every register revision that has none, within the caller's transaction.

    Revisions of a rehearsal are left out, unless an item about the same rehearsal exists. Return the number of items.
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


def reopen(db: sqlite_utils.Database, item_ids: Iterable[int], now: datetime) -> int:
    """Make parked and waiting items due at once, and reopen their receivers. Other items stay unchanged.

    Returns:
        The number of items that are now due.
    """
    count, destinations = 0, set[Destination]()
    with transaction(db):
        for item_id in item_ids:
            row = db.execute(
                "UPDATE outbox SET state = 'waiting', next_attempt_utc = ?1, settled_at_utc = NULL,"
                " reopened_at_utc = ?1, decision = (SELECT max(decision) + 1 FROM outbox)"
                " WHERE item_id = ?2 AND state IN ('parked', 'waiting') RETURNING destination",
                (stored(now), item_id),
            ).fetchone()
            if row is not None:
                count += 1
                destinations.add(cast(Destination, row[0]))
        open_destinations(db, destinations, now)
    return count


def resend(db: sqlite_utils.Database, since: datetime, now: datetime) -> int:
    """Make every delivered document since a time wait again; return how many.

    If the office's server still has a document, sending it again changes nothing there.

    Args:
        db: register.sqlite; no transaction may be open.
        since: earliest start of the document's lesson, or earliest creation time of an item without a lesson.
        now: the current time.
    """
    with transaction(db):
        return db.conn.execute(
            "UPDATE outbox SET state = 'waiting', next_attempt_utc = ?1, settled_at_utc = NULL, reopened_at_utc = ?1,"
            " decision = (SELECT max(decision) + 1 FROM outbox)"
            " WHERE destination = 'upstream' AND state = 'delivered' AND coalesce((SELECT start_utc FROM lessons"
            " WHERE lessons.lesson_id = outbox.lesson_id), created_at_utc) >= ?2",
            (stored(now), stored(since)),
        ).rowcount


def change(
    db: sqlite_utils.Database,
    item_id: int,
    state: Literal["waiting", "held", "void"],
    *,
    not_before: datetime,
    answer: str,
    at: datetime,
) -> None:
    """Change the decision about an undelivered item, within the caller's transaction."""
    next_attempt = max(not_before, at + LOOK_AGAIN) if state == "held" else not_before
    db.execute(
        "UPDATE outbox SET state = ?, next_attempt_utc = ?, answer = ?, settled_at_utc = ?,"
        " decision = (SELECT max(decision) + 1 FROM outbox)"
        " WHERE item_id = ? AND state IN ('waiting', 'held', 'parked')",
        (state, stored(next_attempt), answer, stored(at) if state == "void" else None, item_id),
    )


def void_student(db: sqlite_utils.Database, student_id: str, at: datetime) -> int:
    """Give up all undelivered items to and about a removed student; return how many."""
    with transaction(db):
        return db.conn.execute(
            "UPDATE outbox SET state = 'void', answer = 'the student was removed', settled_at_utc = ?,"
            " decision = (SELECT max(decision) + 1 FROM outbox)"
            " WHERE student_id = ? AND state IN ('waiting', 'held', 'parked')",
            (stored(at), student_id),
        ).rowcount
