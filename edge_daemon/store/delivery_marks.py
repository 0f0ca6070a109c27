"""Applies a report of the delivery process to register.sqlite, as marks for display and for mail.

A mark records a claim of that process. A mark on a message prevents a second sending, even by an older release after a
rollback. A mark on a document is no proof: `delivery_file.py` never accepts it as a delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.alarms import copy_reported
from edge_daemon.store.database import transaction
from edge_daemon.store.delivery_report import DeliveryReport, ReportedItem, ReportedVersion
from edge_daemon.store.outbox_items import DOCUMENT_SHA256, OFFICE, PERSONAL, RECORD_OF, TEACHER
from edge_daemon.timestamps import stored

_ADDRESS_MARK: Final = "#"
"""Sign in the ref of a mail to the office, before the number of a further address: `#2`, `#3`."""
_NAME: Final = "destination = ? AND kind = ? AND ref = ? AND student_id = ?"


@dataclass(frozen=True, slots=True)
class TakenReport:
    """The result of applying a report."""

    changed: int
    """Number of items in register.sqlite that the report changed or added."""
    unproven: int
    """Number of items reported as delivered without the SHA-256 of their document."""
    unknown: int
    """Number of reported items that neither are in this database nor follow from an item in it."""
    tried_lessons: Sequence[str]
    """Ids of lessons about which a student or guardian may have been notified. A correction then needs a message."""
    problems: Sequence[ReportedVersion]
    """Versions of the office's documents that have a problem which the last report did not mention."""


def take_report(db: sqlite_utils.Database, report: DeliveryReport) -> TakenReport:
    """Apply a report in one transaction.

    Args:
        db: register.sqlite; no transaction may be open.
        report: the report from `read_report`.

    Raises:
        StoreError: the database can't be written.
    """
    changed = unproven = unknown = 0
    lessons: dict[str, None] = {}
    problems = []
    with transaction(db):
        for item in report.items:
            row = _row(db, item)
            if row is None:
                added = _add(db, item)
                changed, unknown = changed + added, unknown + (not added)
            elif item.state == "delivered" and item.destination == "upstream" and row.document != item.receipt_sha256:
                unproven += 1
            else:
                changed += _mark(db, row, item)
                if item.kind in PERSONAL and item.attempts and item.lesson_id:
                    lessons[item.lesson_id] = None
        for one in report.receivers:
            db.execute(
                "INSERT OR REPLACE INTO destinations (destination, state, answer, since_utc, attempts,"
                " next_attempt_utc, settings_sha256) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(one.destination, one.state, one.answer, stored(one.since), one.attempts),
                    *(stored(one.next_attempt), one.settings_sha256),
                ),
            )
        copy_reported(db, report.alarms)
        for version in report.versions:
            if _note_version(db, version) and version.problem:
                problems.append(version)
    return TakenReport(changed, unproven, unknown, tuple(lessons), tuple(problems))


@dataclass(frozen=True, slots=True)
class _Row:
    item_id: int
    state: str
    decision: int
    reported: bool
    document: str
    """SHA-256 of the item's document."""


def _row(db: sqlite_utils.Database, item: ReportedItem) -> _Row | None:
    row = db.execute(
        f"SELECT item_id, state, decision, reported, {DOCUMENT_SHA256} FROM outbox WHERE {_NAME}", _name(item)
    ).fetchone()
    return None if row is None else _Row(row[0], row[1], row[2], bool(row[3]), row[4])


def _mark(db: sqlite_utils.Database, row: _Row, item: ReportedItem) -> bool:
    """Store an undelivered item's number of attempts, and its state unless a newer decision exists here.

    Return whether the row changed.
    """
    if item.state == "delivered":
        if row.state == "delivered":
            return False
        if item.destination == "upstream" and row.state == "waiting" and item.decision != row.decision:
            return False  # it is to be sent again, which the delivery process has not seen yet
        columns: dict[str, Any] = {**_columns(item), "reported": 1, "receipt_sha256": item.receipt_sha256}
    elif row.state == "delivered" and not (row.reported and item.destination == "upstream"):
        return False  # already delivered, by an older release or accepted by the mail server
    elif item.decision != row.decision or (row.state == "void" and item.state != "void"):
        columns = {"attempts": item.attempts}
    else:
        columns = _columns(item)
    names = ", ".join(f"{name} = ?" for name in columns)
    differs = " OR ".join(f"{name} IS NOT ?" for name in columns)
    values = tuple(columns.values())
    query = f"UPDATE outbox SET {names} WHERE item_id = ? AND ({differs})"
    return db.conn.execute(query, (*values, row.item_id, *values)).rowcount == 1


def _columns(item: ReportedItem) -> dict[str, Any]:
    return {
        "state": item.state,
        "attempts": item.attempts,
        "answer": item.answer,
        "next_attempt_utc": stored(item.next_attempt),
        "settled_at_utc": stored(item.settled_at) if item.settled_at else None,
    }


def _add(db: sqlite_utils.Database, item: ReportedItem) -> bool:
    """Add an item that the delivery process made from an item here; return False if no item here is its origin.

    The delivery process adds an item for each further address of the office, and an item for each student's weekly or
    monthly record.
    """
    base, mark, number = item.ref.partition(_ADDRESS_MARK)
    if item.destination != "mail":
        return False
    if item.kind in RECORD_OF and not mark and item.student_id:
        of = (RECORD_OF[item.kind], base)
    elif item.kind not in (*RECORD_OF, *PERSONAL) and number.isdecimal() and not item.student_id:
        of = (item.kind, base)
    else:
        return False
    found = db.execute(
        "SELECT lesson_id FROM outbox WHERE destination = 'mail' AND kind = ? AND ref = ? AND student_id = ''", of
    ).fetchone()
    if found is None:
        return False
    db.execute(
        "INSERT INTO outbox (destination, kind, ref, student_id, lesson_id, created_at_utc, reported, state, attempts,"
        " answer, next_attempt_utc, settled_at_utc, decision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " (SELECT coalesce(max(decision), 0) + 1 FROM outbox))",
        (
            *(*_name(item), found[0] if item.kind in (OFFICE, TEACHER) else None, stored(item.created_at)),
            *(int(item.state == "delivered"), *_columns(item).values()),
        ),
    )
    return True


def _note_version(db: sqlite_utils.Database, version: ReportedVersion) -> bool:
    """Record which version of an office's document the delivery process saw last.

    Return True if the document was not recorded before, or if its recorded problem changed.

    If the service examined this version itself and the report has no problem, the service's own problem stays.
    """
    row = db.execute("SELECT sha256, problem, taken FROM pulled WHERE name = ?", (version.name,)).fetchone()
    looked_at = row is not None and version.sha256 != "" and row[2].startswith(f"{version.sha256}:")
    problem = row[1] if looked_at and not version.problem else version.problem
    db.execute(
        "INSERT INTO pulled (name, sha256, fetched_at_utc, problem) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
        " SET sha256 = excluded.sha256, fetched_at_utc = excluded.fetched_at_utc, problem = excluded.problem",
        (version.name, version.sha256, stored(version.fetched_at), problem),
    )
    return row is None or row[1] != problem


def _name(item: ReportedItem) -> tuple[str, str, str, str]:
    return item.destination, item.kind, item.ref, item.student_id
