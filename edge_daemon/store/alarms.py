"""What a person has to look into, kept until it is in order; `status`, `doctor` and the heartbeat have it.

Alarms about the ledger stand in register.sqlite. Those about delivery are noticed by the process that delivers, which
writes delivery.sqlite alone: they stand there, are reported, and are copied into register.sqlite as its word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, is_delivery, transaction
from edge_daemon.timestamps import parsed, stored

LEDGER: Final = "ledger"
"""A register or commitment here is not what this device signed."""
PLAN: Final = "plan"
"""A capture plan was on record that this device did not draw."""
PLACE: Final = "place"
"""Another document is at the place of one of ours on the office's server."""
KEY: Final = "key"
"""`key.json` on the office's server was replaced by something that is not this device's."""
MISSING: Final = "missing"
"""Documents that the office's server had are not there any more."""
OF_DELIVERY: Final = (PLACE, KEY, MISSING)
"""Names of the alarms that the process with the network raises."""
_KEY_STANDS: Final = timedelta(days=7)
"""After `key.json` was found to be right again; somebody has to see it, and to give the room another token."""
_PREFIX: Final = "alarm."
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that can't be so where nobody touched the database, or the office's server."""

    name: str
    at: datetime
    """When it was noticed first."""
    what: str
    """In plain words; nobody is named."""


def raise_alarm(db: sqlite_utils.Database, name: str, what: str, at: datetime, item_ids: Iterable[int] = ()) -> bool:
    """Keep an alarm, in a transaction of its own; return whether it is new.

    Args:
        db: register.sqlite, or delivery.sqlite for what the process that delivers has noticed.
        name: of the alarm.
        what: in plain words; those of the first time stay.
        at: the time.
        item_ids: items of the outbox that it is about; it is settled when all of them are.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        row = db.execute("SELECT value FROM meta WHERE key = ?", (_PREFIX + name,)).fetchone()
        known = json.loads(row[0]) if row is not None else {"at": stored(at), "what": what[:_LONGEST]}
        items = sorted({*known.get("items", ()), *item_ids})
        value = {**known, "last": stored(at), **({"items": items} if items else {})}
        _write(db, name, value)
    return row is None


def clear_alarm(db: sqlite_utils.Database, name: str) -> None:
    """Forget an alarm, because what it is about was looked at and is in order.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute("DELETE FROM meta WHERE key = ?", (f"{_PREFIX}{name}",))


def clear_settled(db: sqlite_utils.Database, now: datetime) -> None:
    """Forget alarms of delivery whose items have all arrived, and that of the key a week after it was right again.

    Args:
        db: delivery.sqlite.
        now: the time.

    Raises:
        StoreError: the database can't be written.
    """
    for name in (PLACE, KEY):
        row = db.execute("SELECT value FROM main.meta WHERE key = ?", (_PREFIX + name,)).fetchone()
        if row is None:
            continue
        if name == KEY:
            clear_unseen(db, name, _KEY_STANDS, now)
            continue
        known = json.loads(row[0])
        marks = ", ".join("?" * len(known["items"]))
        query = f"SELECT 1 FROM main.outbox WHERE item_id IN ({marks}) AND state NOT IN ('delivered', 'void')"
        if db.execute(query, known["items"]).fetchone() is None:
            clear_alarm(db, name)


def clear_unseen(db: sqlite_utils.Database, name: str, stands: timedelta, now: datetime) -> None:
    """Forget an alarm so long after it was last raised; one that a clock that was ahead has raised counts from now.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        row = db.execute("SELECT value FROM main.meta WHERE key = ?", (_PREFIX + name,)).fetchone()
        known = json.loads(row[0]) if row is not None else {}
        last = parsed(known.get("last", known["at"])) if known else now
        if last > now + stands:
            _write(db, name, {**known, "last": stored(now)})
        elif last + stands <= now:
            db.execute("DELETE FROM meta WHERE key = ?", (_PREFIX + name,))


def copy_reported(db: sqlite_utils.Database, reported: Iterable[Alarm]) -> None:
    """Take over which alarms of delivery stand, within the caller's transaction; those not named are over."""
    standing = {one.name: one for one in reported if one.name in OF_DELIVERY}
    for name in OF_DELIVERY:
        one = standing.get(name)
        if one is None:
            db.execute("DELETE FROM meta WHERE key = ?", (_PREFIX + name,))
        else:
            _write(db, name, {"at": stored(one.at), "what": one.what[:_LONGEST]})


def alarms(db: sqlite_utils.Database) -> list[Alarm]:
    """Return what stands, by name; of delivery.sqlite also what register.sqlite beside it has."""
    found = {}
    for table in ("register.meta", "main.meta") if is_delivery(db) else ("meta",):
        with faults(db):
            rows = db.execute(
                f"SELECT substr(key, ?), value FROM {table} WHERE key GLOB ?", (len(_PREFIX) + 1, f"{_PREFIX}*")
            ).fetchall()
        if table == "register.meta":
            rows = [row for row in rows if row[0] not in OF_DELIVERY]  # of the report before
        for name, value in rows:
            fields = json.loads(value)
            found[name] = Alarm(name, parsed(fields["at"]), fields["what"])
    return [found[name] for name in sorted(found)]


def _write(db: sqlite_utils.Database, name: str, value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    query = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2 WHERE value <> ?2"
    db.execute(query, (_PREFIX + name, text))
