"""Captures that were taken while the time was unknown. Each is stored with its boot and the seconds since that boot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.timestamps import parsed, stored


@dataclass(frozen=True, slots=True)
class UntimedCapture:
    """A picture that was taken a known number of seconds after a boot."""

    session_id: str
    slot: int
    boot_id: str
    boottime_s: float
    believed: datetime
    """Time of the capture by the untrusted clock."""


def add_untimed(db: sqlite_utils.Database, capture: UntimedCapture) -> None:
    """Record a capture in one commit. If it is already recorded, nothing changes.

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
    """Return every untimed capture, sorted by session and slot."""
    with faults(db):
        rows = db.execute(
            "SELECT session_id, slot, boot_id, boottime_s, believed_utc FROM untimed ORDER BY session_id, slot"
        ).fetchall()
    return [UntimedCapture(row[0], row[1], row[2], row[3], parsed(row[4])) for row in rows]


def forget_untimed(db: sqlite_utils.Database, session_id: str) -> None:
    """Delete the captures of a session, after they were assigned to lessons or were found to belong to no lesson."""
    with transaction(db):
        db.execute("DELETE FROM untimed WHERE session_id = ?", (session_id,))
