"""What the capture side decides about the outbox, in register.sqlite: which items there are, what is given up or freed.

Every decision has a number of its own, by which the process that delivers finds it (`delivery_file.py`).
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
        " next_attempt_utc, answer, decision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " (SELECT coalesce(max(decision), 0) + 1 FROM outbox))",
        (
            *(destination, kind, ref, student_id, lesson_id or None, state, stored(at)),
            *(stored(max(not_before, at + LOOK_AGAIN) if state == "held" else not_before), answer),
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


def reopen(db: sqlite_utils.Database, item_ids: Iterable[int], now: datetime) -> int:
    """Let parked and waiting items be tried at once, and their receivers as well; what else is named stays.

    Returns:
        How many there were.
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
    """Have every document since a time sent again that the office's server is said to have; return how many.

    What the server has already is not changed there by that.

    Args:
        db: register.sqlite; no transaction may be open.
        since: of the lesson's begin, or, where there is none, of the item.
        now: the time.
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
    """Change what was decided about an item that is not delivered, within the caller's transaction."""
    next_attempt = max(not_before, at + LOOK_AGAIN) if state == "held" else not_before
    db.execute(
        "UPDATE outbox SET state = ?, next_attempt_utc = ?, answer = ?, settled_at_utc = ?,"
        " decision = (SELECT max(decision) + 1 FROM outbox)"
        " WHERE item_id = ? AND state IN ('waiting', 'held', 'parked')",
        (state, stored(next_attempt), answer, stored(at) if state == "void" else None, item_id),
    )


def void_student(db: sqlite_utils.Database, student_id: str, at: datetime) -> int:
    """Give up everything that is still to be said to and about a student who was removed; return how many items."""
    with transaction(db):
        return db.conn.execute(
            "UPDATE outbox SET state = 'void', answer = 'the student was removed', settled_at_utc = ?,"
            " decision = (SELECT max(decision) + 1 FROM outbox)"
            " WHERE student_id = ? AND state IN ('waiting', 'held', 'parked')",
            (stored(at), student_id),
        ).rowcount
