"""Corrects the waits of items and receivers in delivery.sqlite after the clock was wrong.

The time of a next attempt is computed from the clock, which may be wrong. SQL triggers therefore store the clock's time
with each wait (`item_waits`, `receiver_waits`). If the clock was ahead and is set back, the wait gets its original
length again. The computer's uptime is stored too: a wait that is over by uptime is over, even if the clock moves back.
Only delivery.sqlite has these tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.store.outbox_items import PERSONAL
from edge_daemon.store.retries import LONGEST_ASKED_S
from edge_daemon.timestamps import parsed, stored

_TOLERANCE: Final = timedelta(seconds=60)
"""Largest step of the clock that is ignored."""
_LOOK_EVERY_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Uptime:
    """Time since this boot, which nobody can set."""

    boot_id: str
    boottime_s: float


class WaitKeeper:
    """Corrects the waits while a run delivers, whenever the clock jumps.

    Args:
        db: delivery.sqlite.
        uptime: returns the time since this boot.
        longest_first: longest wait before a first attempt, which is the time for corrections (`mail.hold_h`).
    """

    def __init__(self, db: sqlite_utils.Database, uptime: Callable[[], Uptime], longest_first: timedelta) -> None:
        self._db, self._uptime = db, uptime
        self._longest_first = max(longest_first, timedelta(seconds=LONGEST_ASKED_S))
        self._seen: tuple[datetime, float] | None = None

    def note_clock(self, now: datetime) -> None:
        """Store the clock's time for the triggers. Call it before `OutboxMirror.refresh`, which adds new items.

        Otherwise the triggers would use the time of the last run.

        Raises:
            StoreError: the database can't be used.
        """
        with transaction(self._db):
            self._note(now, self._uptime())

    def look(self, now: datetime) -> None:
        """Compare the clock with the uptime. Correct every wait at the first call, after a jump, and every 5 minutes.

        No transaction may be open.

        Raises:
            StoreError: the database can't be used.
        """
        uptime = self._uptime()
        if self._seen is not None:
            passed = timedelta(seconds=uptime.boottime_s - self._seen[1])
            has_jumped = abs(now - self._seen[0] - passed) > _TOLERANCE
            if not has_jumped and passed.total_seconds() < _LOOK_EVERY_S:
                return
        with transaction(self._db):
            self._note(now, uptime)
            self._mend(now, uptime)
        self._seen = (now, uptime.boottime_s)

    def _note(self, now: datetime, uptime: Uptime) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO main.clock_seen (one, utc, boot_id, boottime_s) VALUES (1, ?, ?, ?)",
            (stored(now), uptime.boot_id, uptime.boottime_s),
        )

    def _mend(self, now: datetime, uptime: Uptime) -> None:
        self._db.execute(
            "DELETE FROM main.item_waits WHERE item_id NOT IN"
            " (SELECT item_id FROM main.outbox WHERE state IN ('waiting', 'held'))"
        )
        marks = ", ".join("?" * len(PERSONAL))
        with faults(self._db):
            items = self._db.execute(
                "SELECT item_id, next_attempt_utc, created_at_utc, attempts = 0, reopened_at_utc IS next_attempt_utc OR"
                f" (state = 'waiting' AND attempts = 0 AND kind NOT IN ({marks})), until_utc, written_utc, boot_id,"
                " boottime_s FROM main.outbox LEFT JOIN main.item_waits USING (item_id)"
                " WHERE state IN ('waiting', 'held') AND next_attempt_utc > ?",
                (*PERSONAL, stored(now)),
            ).fetchall()
            receivers = self._db.execute(
                "SELECT destination, next_attempt_utc, since_utc, 0, 0, until_utc, written_utc, boot_id, boottime_s"
                " FROM main.destinations LEFT JOIN main.receiver_waits USING (destination)"
                " WHERE state <> 'open' AND next_attempt_utc > ?",
                (stored(now),),
            ).fetchall()
        for table, key, rows in (("outbox", "item_id", items), ("destinations", "destination", receivers)):
            for row in rows:
                due = self._due(row, now, uptime)
                if due < parsed(row[1]) or row[5] is None:
                    self._db.execute(
                        f"UPDATE main.{table} SET next_attempt_utc = ? WHERE {key} = ?", (stored(due), row[0])
                    )

    def _due(self, row: tuple[Any, ...], now: datetime, uptime: Uptime) -> datetime:
        """Return the corrected due time of an item or receiver, which is never later than the stored one."""
        due, created, is_first = parsed(row[1]), parsed(row[2]), bool(row[3])
        until, written = parsed(row[5] or row[1]), parsed(row[6] or stored(now))
        since_made = until - created
        wait = until - written if until >= written else max(since_made, timedelta(0))
        if is_first:
            wait = min(wait, self._longest_first, since_made if until >= created else wait)
        if row[4]:  # requested by a person, or the item does not wait for a correction before its first attempt
            wait = timedelta(0)
        is_this_boot = row[7] == uptime.boot_id != ""
        if not is_this_boot and not is_first and written > now + _TOLERANCE:
            return now  # the elapsed wait is unknown; an attempt that is too early costs one request
        passed = timedelta(seconds=uptime.boottime_s - row[8]) if is_this_boot else timedelta(0)
        left = max(wait - passed, timedelta(0))
        if not left:
            return now
        return min(due, now + left) if due - now > left + _TOLERANCE else due
