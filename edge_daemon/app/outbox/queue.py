"""The outbox for a person: what waits and why, and how to retry what was refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from edge_daemon.app.notices.handover import hand_over_leniently
from edge_daemon.errors import DeliveryError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons, outbox
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.destinations import open_destinations
from edge_daemon.store.outbox import DestinationState, Item
from edge_daemon.types import Destination, Lesson

if TYPE_CHECKING:
    from edge_daemon.app.sync.office_copy import CopyResult

__all__ = [
    "STATES",
    "WORDS",
    "DestinationState",
    "Item",
    "QueuedItem",
    "copy_documents",
    "list_queue",
    "read_item",
    "resend_documents",
    "retry_items",
]

STATES = outbox.STATES
WORDS = {
    outbox.REGISTER: "register",
    outbox.COMMITMENT: "plans promised",
    outbox.OFFICE: "office",
    outbox.STUDENT: "student, absence",
    outbox.GUARDIAN: "guardian, absence",
    outbox.STUDENT_CORRECTION: "student, taken back",
    outbox.GUARDIAN_CORRECTION: "guardian, taken back",
    outbox.STUDENT_WEEK: "student, own week",
    outbox.TEACHER: "teacher",
    outbox.GUARDIAN_WEEK: "guardian, child's week",
    outbox.GUARDIAN_MONTH: "guardian, child's month",
    outbox.WEEK: "week's sheet",
    outbox.MONTH: "month's sheet",
}
"""The kind of an item, in words for a person."""


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """One item with its lesson and the state of its receiver."""

    item: Item
    lesson: Lesson | None
    """The lesson; None if the item is not about a single lesson."""
    destination: DestinationState


def list_queue(home: Home, state: str | None) -> tuple[list[Item], list[DestinationState]]:
    """Return items, the oldest first, and the state of each receiver.

    Args:
        home: the installation.
        state: only items in this state; `all` for every item; None for every undelivered item.
    """
    if not home.register_db_path.exists():
        home.check_folder()
        return [], []
    states = outbox.OPEN if state is None else tuple(one for one in STATES if state in {one, "all"})
    with _opened(home) as db:
        destinations = [outbox.destination_state(db, one) for one in get_args(Destination)]
        return outbox.listed(db, states), destinations


def read_item(home: Home, item_id: int) -> QueuedItem:
    """Return one item.

    Raises:
        DeliveryError: there is no such item.
    """
    with _opened(home) as db:
        item = _item(db, item_id)
        stored = lessons.get_lesson(db, item.lesson_id) if item.lesson_id else None
        return QueuedItem(item, stored.lesson if stored else None, outbox.destination_state(db, item.destination))


def retry_items(home: Home, item_ids: Sequence[int], now: datetime) -> int:
    """Make items and their receivers due at the next sync.

    Args:
        home: the installation.
        item_ids: the items; empty for everything that was refused and everything that waits for its next attempt.
        now: the time.

    Returns:
        How many of the given items are due now; without given items, how many of the refused ones.

    Raises:
        DeliveryError: an item can't be retried.
    """
    hold = timedelta(hours=home.config.mail.hold_h)
    with _opened(home) as db:
        if not item_ids:
            item_ids = [item.item_id for item in outbox.listed(db, ("parked",))]
            outbox.reopen(db, _sendable_now(db, now, hold), now)
            with transaction(db):
                open_destinations(db, set(get_args(Destination)), now)
        else:
            for item_id in item_ids:
                _check_retriable(_item(db, item_id), now, hold)
        return outbox.reopen(db, item_ids, now)


def _sendable_now(db: sqlite_utils.Database, now: datetime, hold: timedelta) -> list[int]:
    """Return the ids of the waiting items that may be sent at once, and shorten holds that a wrong clock made too long.

    A notice about a register that a teacher may still correct is not among them.
    """
    found = []
    for item in outbox.listed(db, ("waiting",)):
        if item.attempts or (until := _held_until(item, now, hold)) is None or until <= now:
            found.append(item.item_id)
        elif until < item.next_attempt:  # postponed by a clock that was ahead
            with transaction(db):
                outbox.change(db, item.item_id, "waiting", not_before=until, answer=item.answer, at=now)
    return found


def _held_until(item: Item, now: datetime, hold: timedelta) -> datetime | None:
    """Return the time until which a notice waits so that a teacher can correct the register.

    The result is None if the item is no notice to a student or guardian, or was tried before.

    If the next attempt is later than `hold` from now, the clock was ahead when the attempt was set. The hold then
    counts from the creation of the item.
    """
    if item.kind not in outbox.PERSONAL or item.attempts:
        return None
    return item.next_attempt if item.next_attempt - now <= hold else min(item.created_at, now) + hold


def resend_documents(home: Home, since: datetime, now: datetime) -> int:
    """Queue all documents since a time again for the office's server; return how many there are.

    Raises:
        StoreError: the database can't be used.
    """
    with _opened(home) as db:
        with transaction(db):
            open_destinations(db, {"upstream"}, now)
        return outbox.resend(db, since, now)


def copy_documents(home: Home, folder: Path, now: datetime) -> CopyResult:
    """Copy all documents for the office into a folder; nothing counts as delivered by this."""
    from edge_daemon.app.sync.office_copy import copy_all

    with _opened(home) as db:
        return copy_all(home, db, folder, now)


@contextmanager
def _opened(home: Home) -> Iterator[sqlite_utils.Database]:
    """Open the outbox after taking over what the delivering process has reported so far."""
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        hand_over_leniently(home, db, datetime.now(timezone.utc))
        yield db


def _item(db: sqlite_utils.Database, item_id: int) -> Item:
    item = outbox.get(db, item_id)
    if item is None:
        raise DeliveryError("there is no such item", f"outbox {item_id}", "see `edge-daemon outbox list --state all`")
    return item


def _check_retriable(item: Item, now: datetime, hold: timedelta) -> None:
    where = f"outbox {item.item_id}"
    if item.state == "held":
        raise DeliveryError(f"is held: {item.answer}", where, "no message is sent before that")
    until = _held_until(item, now, hold) if item.state == "waiting" else None
    if until is not None and until > now:
        what = "waits until the teacher's time to correct is over (mail.hold_h)"
        raise DeliveryError(what, where, "then it is sent automatically; `register correct` withdraws it")
    if item.state in {"delivered", "void"}:
        what = "was delivered" if item.state == "delivered" else f"is not needed any more: {item.answer}"
        again = item.state == "delivered" and item.destination == "upstream"
        hint = "there is nothing to retry"
        more = "; where the server lost it: `edge-daemon outbox resend --since DAY`"
        raise DeliveryError(what, where, hint + more if again else hint)
