"""Captures from times when the clock was unknown: stored by boot and seconds since boot until the time is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import parsed, stored


@dataclass(frozen=True, slots=True)
class UntimedCapture:
    """A picture that was taken some seconds after a boot."""

    session_id: str
    slot: int
    boot_id: str
    boottime_s: float
    believed: datetime
    """Time of the untrusted clock."""


def add_untimed(db: sqlite_utils.Database, capture: UntimedCapture) -> None:
    """Record a capture in one commit. A repetition changes nothing.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT OR IGNORE INTO untimed (session_id, slot, boot_id, boottime_s, believed_utc)"
            " VALUES (?, ?, ?, ?, ?)",
            (capture.session_id, capture.slot, capture.boot_id, capture.boottime_s, stored(capture.believed)),
        )


def untimed_captures(db: sqlite_utils.Database) -> list[UntimedCapture]:
    """Return every untimed capture, by session and slot."""
    with faults(db):
        rows = db.execute(
            "SELECT session_id, slot, boot_id, boottime_s, believed_utc FROM untimed ORDER BY session_id, slot"
        ).fetchall()
    return [UntimedCapture(row[0], row[1], row[2], row[3], parsed(row[4])) for row in rows]


def forget_untimed(db: sqlite_utils.Database, session_id: str) -> None:
    """Delete the captures of a session that were assigned to lessons, or that belong to none."""
    with transaction(db):
        db.execute("DELETE FROM untimed WHERE session_id = ?", (session_id,))
