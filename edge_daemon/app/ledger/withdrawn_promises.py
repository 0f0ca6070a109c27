"""Finds the promised lessons of a day that the timetable moved or dropped before they began."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from edge_daemon.attendance.commitment import read_commitment
from edge_daemon.errors import RegisterError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import ledger
from edge_daemon.store.commitments import commitments

_AHEAD: Final = timedelta(days=30)
"""Longest time between a commitment and a lesson in it, with a wide margin."""


@dataclass(frozen=True, slots=True)
class WithdrawnPromise:
    """A lesson that was promised for a time at which it no longer takes place."""

    lesson_id: str
    start: datetime
    end: datetime


def withdrawn_promises(db: sqlite_utils.Database, start: datetime, end: datetime) -> list[WithdrawnPromise]:
    """Return the withdrawn promises of lessons that would have begun in [start, end), the earliest first.

    Args:
        db: register.sqlite.
        start: first instant, in UTC.
        end: instant after the last one.

    Raises:
        StoreError: the database can't be read.
    """
    on_record = {(one.lesson_id, one.start, one.end) for one in ledger.ledger_lessons(db, start, end)}
    promised = set()
    for stored in commitments(db, since=start - _AHEAD):
        with contextlib.suppress(RegisterError):  # `ledger verify` reports unreadable documents
            promised |= {
                (one.lesson_id, one.start, one.end) for one in read_commitment(stored.document).plans_committed
            }
    gone = [WithdrawnPromise(*one) for one in promised - on_record if start <= one[1] < end]
    return sorted(gone, key=lambda one: (one.start, one.lesson_id))
