"""The report of the delivery process to the service: a small file, which the service reads as untrusted input.

The report has the items whose state differs between register.sqlite and delivery.sqlite, the state of each receiver,
and the versions of the office's documents. A state that the service has already stored is not reported again, so the
file stays small.

The service checks all that it can. A document counts as delivered only if the report has the document's SHA-256. An
item changes only if it is in register.sqlite or follows from an item there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from edge_daemon.errors import StoreError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.alarms import OF_DELIVERY, Alarm, alarms
from edge_daemon.store.database import faults, shared_mode
from edge_daemon.timestamps import parsed, stored
from edge_daemon.whole_file import replace_file

FILE: Final = "report.json"
_FORMAT: Final = 1
_MOST_ITEMS: Final = 20_000
_LONGEST_TEXT: Final = 2_000
_MAX_BYTES: Final = 32 << 20
_MOST_TRIES: Final = 10_000_000
_FARTHEST: Final = timedelta(days=9)
"""How far in the future a time in a report may be; no item ever waits longer (`outbox.py`)."""
_STATES: Final = frozenset({"waiting", "held", "parked", "delivered", "void"})
_RECEIVER_STATES: Final = frozenset({"open", "waiting", "parked"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SHA256: Final = re.compile(r"(?:[0-9a-f]{64})?")
_OFFICE_DOCUMENT: Final = re.compile(r"[a-z]{1,40}\.(?:csv|json|ics)")


@dataclass(frozen=True, slots=True)
class ReportedItem:
    """One item with its state in delivery.sqlite."""

    destination: str
    kind: str
    ref: str
    student_id: str
    lesson_id: str
    state: str
    created_at: datetime
    next_attempt: datetime
    attempts: int
    answer: str
    settled_at: datetime | None
    decision: int
    """Number of the last decision about the item that the delivery process knew."""
    receipt_sha256: str


@dataclass(frozen=True, slots=True)
class ReportedReceiver:
    """The state of one receiver as a whole."""

    destination: str
    state: str
    answer: str
    since: datetime
    attempts: int
    next_attempt: datetime
    settings_sha256: str


@dataclass(frozen=True, slots=True)
class ReportedVersion:
    """The last seen version of a document of the office."""

    name: str
    sha256: str
    fetched_at: datetime
    problem: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The contents of one report file."""

    items: Sequence[ReportedItem]
    receivers: Sequence[ReportedReceiver]
    versions: Sequence[ReportedVersion]
    alarms: Sequence[Alarm] = ()


def write_report(db: sqlite_utils.Database, folder: Path) -> None:
    """Replace the report in a folder by the current one.

    Args:
        db: the connection from `delivery_file.open_delivery`.
        folder: folder of delivery.sqlite.

    Raises:
        StoreError: a database can't be read, or the folder can't be written.
    """
    with faults(db):
        items = db.execute(_TO_REPORT, (_MOST_ITEMS,)).fetchall()
        receivers = db.execute(
            "SELECT destination, state, answer, since_utc, attempts, next_attempt_utc, settings_sha256"
            " FROM main.destinations"
        ).fetchall()
        versions = db.execute(
            "SELECT name, sha256, fetched_at_utc, problem FROM main.pulled WHERE fetched_at_utc IS NOT NULL"
        ).fetchall()
    standing = [[one.name, stored(one.at), one.what] for one in alarms(db) if one.name in OF_DELIVERY]
    document = {
        "format": _FORMAT,
        "items": items,
        "receivers": receivers,
        "versions": versions,
        "alarms": standing,
    }
    path = folder / FILE
    try:
        # Not synced to the card: an older one, or none, is followed by the next run's.
        replace_file(path, json.dumps(document, ensure_ascii=False).encode(), mode=shared_mode(folder))
    except OSError as error:
        raise StoreError(f"can't be written: {error.strerror}", str(path), "check the folder and the disk") from error


def read_report(folder: Path, now: datetime) -> DeliveryReport | None:
    """Return the report in a folder; None if there is none.

    Args:
        folder: folder of the delivery process, which may have written anything there.
        now: the current time; the report may not postpone an item by more than nine days from it.

    Raises:
        StoreError: the file is not a valid report; `what` gives the reason and quotes nothing from the file.
    """
    path = folder / FILE
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"can't be read: {error.strerror}", str(path), "check its owner and the disk") from error
    try:
        if len(data) > _MAX_BYTES:
            raise ValueError("too large")
        return _report(json.loads(data, parse_int=_short_number), now)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        what = f"is not a delivery report ({type(error).__name__})"
        raise StoreError(what, str(path), "the next sync replaces it; otherwise find out who changed it") from error


def _report(document: Any, now: datetime) -> DeliveryReport:
    if document["format"] != _FORMAT:
        raise ValueError("another format")
    return DeliveryReport(
        [_item(row, now) for row in _rows(document["items"], _MOST_ITEMS)],
        [_receiver(row, now) for row in _rows(document["receivers"], 10)],
        [_version(row) for row in _rows(document["versions"], 20)],
        [_alarm(row, now) for row in _rows(document.get("alarms", []), 10)],  # an older release writes none
    )


def _rows(value: Any, most: int) -> Sequence[Sequence[Any]]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(row, list) for row in value):
        raise ValueError("not a list of rows")
    return value


def _item(row: Sequence[Any], now: datetime) -> ReportedItem:
    (
        destination,
        kind,
        ref,
        student_id,
        lesson_id,
        state,
        created,
        again,
        attempts,
        answer,
        settled,
        decision,
        receipt,
    ) = row
    return ReportedItem(
        _one_of(destination, {"upstream", "mail"}),
        *(_text(kind), _text(ref), _text(student_id), _text(lesson_id)),
        _one_of(state, _STATES),
        _time(created),
        min(_time(again), now + _FARTHEST),
        _number(attempts, _MOST_TRIES),
        _text(answer),
        None if settled is None else _time(settled),
        _number(decision, 2**62),
        _matching(receipt, _SHA256),
    )


def _receiver(row: Sequence[Any], now: datetime) -> ReportedReceiver:
    destination, state, answer, since, attempts, again, settings = row
    return ReportedReceiver(
        _one_of(destination, {"upstream", "mail"}),
        _one_of(state, _RECEIVER_STATES),
        _text(answer),
        _time(since),
        _number(attempts, _MOST_TRIES),
        min(_time(again), now + _FARTHEST),
        _text(settings),
    )


def _version(row: Sequence[Any]) -> ReportedVersion:
    name, sha256, fetched, problem = row
    return ReportedVersion(
        _matching(name, _OFFICE_DOCUMENT), _matching(sha256, _SHA256), _time(fetched), _text(problem)
    )


def _alarm(row: Sequence[Any], now: datetime) -> Alarm:
    name, at, what = row
    return Alarm(_one_of(name, set(OF_DELIVERY)), min(_time(at), now), _text(what))


def _text(value: Any) -> str:
    """Return a value of the report as text that is safe to show in a terminal and a log."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return _CONTROL.sub(" ", value[:_LONGEST_TEXT])


def _one_of(value: Any, known: Set[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise ValueError("not a known word")
    return value


def _matching(value: Any, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError("not of the form")
    return value


def _number(value: Any, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError("not a number that can be")
    return value


def _short_number(digits: str) -> int:
    if len(digits) > 20:  # parsing time grows with the square of the length
        raise ValueError("not a number that can be")
    return int(digits)


def _time(value: Any) -> datetime:
    at = parsed(value)
    if at.tzinfo is None or not 2000 <= at.year <= 2200:
        raise ValueError("not a time that can be")
    return at


_TO_REPORT: Final = """
SELECT ours.destination, ours.kind, ours.ref, ours.student_id, coalesce(ours.lesson_id, ''), ours.state,
    ours.created_at_utc, ours.next_attempt_utc, ours.attempts, ours.answer, ours.settled_at_utc, ours.decision,
    ours.receipt_sha256
FROM main.outbox AS ours LEFT JOIN register.outbox AS theirs USING (destination, kind, ref, student_id)
WHERE theirs.item_id IS NULL OR ours.state <> theirs.state OR ours.attempts <> theirs.attempts
    OR ours.answer <> theirs.answer OR ours.next_attempt_utc <> theirs.next_attempt_utc
    OR ours.settled_at_utc IS NOT theirs.settled_at_utc
ORDER BY ours.state = 'delivered' DESC, ours.item_id LIMIT ?"""
