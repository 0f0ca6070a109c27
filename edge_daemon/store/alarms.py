"""What a person has to look into, kept in register.sqlite until it is in order; the heartbeat carries it as well."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, is_delivery, transaction
from edge_daemon.timestamps import parsed, stored

LEDGER: Final = "ledger"
"""A register or commitment here is not what this device signed."""
PLAN: Final = "plan"
"""A capture plan was on record that this device did not draw."""
_PREFIX: Final = "alarm."


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that can't be so where nobody touched the database."""

    name: str
    at: datetime
    """When it was noticed first."""
    what: str
    """In plain words; nobody is named."""


def raise_alarm(db: sqlite_utils.Database, name: str, what: str, at: datetime) -> bool:
    """Keep an alarm, in a transaction of its own; return whether it is new.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        value = json.dumps({"at": stored(at), "what": what[:500]}, ensure_ascii=False)
        query = "INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)"
        return db.conn.execute(query, (f"{_PREFIX}{name}", value)).rowcount == 1


def clear_alarm(db: sqlite_utils.Database, name: str) -> None:
    """Forget an alarm, because what it is about was looked at and is in order.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute("DELETE FROM meta WHERE key = ?", (f"{_PREFIX}{name}",))


def alarms(db: sqlite_utils.Database) -> list[Alarm]:
    """Return what stands, by name."""
    table = "register.meta" if is_delivery(db) else "meta"
    with faults(db):
        rows = db.execute(
            f"SELECT substr(key, ?), value FROM {table} WHERE key GLOB ? ORDER BY key",
            (len(_PREFIX) + 1, f"{_PREFIX}*"),
        ).fetchall()
    found = []
    for name, value in rows:
        fields = json.loads(value)
        found.append(Alarm(name, parsed(fields["at"]), fields["what"]))
    return found
