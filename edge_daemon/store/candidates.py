"""The running lesson's sealed candidates in gallery.sqlite, which are erased when the lesson is finalised."""

from __future__ import annotations

from collections.abc import Mapping

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction


def put_candidates(db: sqlite_utils.Database, lesson_id: str, slot: int, sealed: bytes) -> None:
    """Store the sealed candidates of one capture in one commit. Candidates already stored for the slot are replaced.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT OR REPLACE INTO candidates (lesson_id, slot, sealed) VALUES (?, ?, ?)", (lesson_id, slot, sealed)
        )


def candidates(db: sqlite_utils.Database, lesson_id: str) -> Mapping[int, bytes]:
    """Return the sealed candidates of a lesson by slot, in the order of slots."""
    with faults(db):
        rows = db.execute("SELECT slot, sealed FROM candidates WHERE lesson_id = ? ORDER BY slot", (lesson_id,))
        return {slot: bytes(sealed) for slot, sealed in rows}


def erase_candidates(db: sqlite_utils.Database, lesson_id: str) -> None:
    """Erase the candidates of a lesson, and overwrite their bytes in the database file and in its log.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute("DELETE FROM candidates WHERE lesson_id = ?", (lesson_id,))
    with faults(db):
        db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
