"""Alarms about changes that this program did not make, which a person must look into.

An alarm stays active until its cause is resolved. `status`, `doctor` and the heartbeat show all active alarms.

Alarms about the ledger and the plans are stored in register.sqlite. The delivery process may write only
delivery.sqlite, so it stores its alarms there and reports them. register.sqlite then gets a copy of the reported ones.
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
"""Name of an alarm: a stored register or commitment is not the one that this device signed."""
PLAN: Final = "plan"
"""Name of an alarm: a recorded capture plan was not made by this device."""
PLACE: Final = "place"
"""Name of an alarm: at the path of a document of this device, the office's server has a different document."""
KEY: Final = "key"
"""Name of an alarm: somebody replaced this device's key in `key.json` on the office's server."""
MISSING: Final = "missing"
"""Name of an alarm: documents that the office's server accepted are no longer on it."""
OF_DELIVERY: Final = (PLACE, KEY, MISSING)
"""Names of the alarms that the process with network access raises."""
_KEY_STANDS: Final = timedelta(days=7)
"""How long the alarm `KEY` stays after `key.json` is right again: a person must see it and renew the room's token."""
_PREFIX: Final = "alarm."
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Alarm:
    """A sign that somebody changed the database or the office's server without this program."""

    name: str
    at: datetime
    """When the device first noticed the reason of the alarm."""
    what: str
    """Description in plain words, without any person's name."""


def raise_alarm(db: sqlite_utils.Database, name: str, what: str, at: datetime, item_ids: Iterable[int] = ()) -> bool:
    """Store an alarm in a transaction of its own; return whether it is new.

    Args:
        db: register.sqlite, or delivery.sqlite for alarms of the delivery process.
        name: name of the alarm.
        what: description in plain words; if the alarm is raised again, the first description stays.
        at: the current time.
        item_ids: ids of the outbox items that the alarm concerns; it ends when all of them are delivered or void.

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
    """Remove an alarm. Call it only after a check has shown that the cause is resolved.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute("DELETE FROM meta WHERE key = ?", (f"{_PREFIX}{name}",))


def clear_settled(db: sqlite_utils.Database, now: datetime) -> None:
    """Remove two alarms about the office's server if they are settled.

    `PLACE` is settled if all its items are delivered or void, `KEY` a week after it was last raised.

    Args:
        db: delivery.sqlite.
        now: the current time.

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
    """Remove an alarm if it was not raised again for the time `stands`.

    If the clock was far ahead when the alarm was last raised, `stands` is counted from now.

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
    """Store the delivery process's reported alarms in register.sqlite, and remove its other alarms there.

    The caller has an open transaction.
    """
    standing = {one.name: one for one in reported if one.name in OF_DELIVERY}
    for name in OF_DELIVERY:
        one = standing.get(name)
        if one is None:
            db.execute("DELETE FROM meta WHERE key = ?", (_PREFIX + name,))
        else:
            _write(db, name, {"at": stored(one.at), "what": one.what[:_LONGEST]})


def alarms(db: sqlite_utils.Database) -> list[Alarm]:
    """Return the active alarms, sorted by name. If `db` is delivery.sqlite, those of register.sqlite are included."""
    found = {}
    for table in ("register.meta", "main.meta") if is_delivery(db) else ("meta",):
        with faults(db):
            rows = db.execute(
                f"SELECT substr(key, ?), value FROM {table} WHERE key GLOB ?", (len(_PREFIX) + 1, f"{_PREFIX}*")
            ).fetchall()
        if table == "register.meta":
            rows = [row for row in rows if row[0] not in OF_DELIVERY]  # copies of an earlier report
        for name, value in rows:
            fields = json.loads(value)
            found[name] = Alarm(name, parsed(fields["at"]), fields["what"])
    return [found[name] for name in sorted(found)]


def _write(db: sqlite_utils.Database, name: str, value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    query = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2 WHERE value <> ?2"
    db.execute(query, (_PREFIX + name, text))
