"""Stores the ids of the office's decisions that were applied.

The ids show which decisions are new, so lists of decisions may arrive again, and in any order.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.timestamps import stored

_UPGRADED: Final = "office_decisions_upgraded"


def taken_ids(db: sqlite_utils.Database) -> set[str]:
    """Return the ids of all decisions that were applied, including those that changed nothing."""
    return {row[0] for row in db.execute("SELECT decision_id FROM office_decisions")}


def note_taken(db: sqlite_utils.Database, ids: Iterable[str], at: datetime) -> None:
    """Record applied decisions within the caller's transaction."""
    db.conn.executemany(
        "INSERT OR IGNORE INTO office_decisions (decision_id, taken_at_utc) VALUES (?, ?)",
        [(one, stored(at)) for one in ids],
    )


def is_first_list_since_upgrade(db: sqlite_utils.Database) -> bool:
    """Return whether no list of office decisions has arrived since the upgrade to a release that stores their ids.

    Always False if no register had been corrected before the upgrade.
    """
    return db.execute("SELECT 1 FROM meta WHERE key = ?", (_UPGRADED,)).fetchone() is not None


def note_list(db: sqlite_utils.Database) -> None:
    """Record that a list arrived, within the caller's transaction."""
    db.execute("DELETE FROM meta WHERE key = ?", (_UPGRADED,))
