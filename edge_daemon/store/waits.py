"""The remaining wait of an item or a receiver, corrected for a wrong clock.

The time of the next attempt depends on the clock at that moment. Triggers record the clock beside it (`item_waits`,
`receiver_waits`). A wait that was written by a clock that was ahead is restored to its length when the clock is
corrected. The computer's uptime limits it as well: a wait that is over by uptime is over, however often the clock moves
back. Only delivery.sqlite has these tables.
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
"""Clock steps that are ignored."""
_LOOK_EVERY_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Uptime:
    """Time since this boot, which nobody can set."""

    boot_id: str
    boottime_s: float


class WaitKeeper:
    """Keeps waits at their length while a run delivers.

    Args:
        db: delivery.sqlite.
        uptime: reads the time since the boot.
        longest_first: longest wait before a first attempt: the hold for corrections.
    """

    def __init__(self, db: sqlite_utils.Database, uptime: Callable[[], Uptime], longest_first: timedelta) -> None:
        self._db, self._uptime = db, uptime
        self._longest_first = max(longest_first, timedelta(seconds=LONGEST_ASKED_S))
        self._seen: tuple[datetime, float] | None = None

    def note_clock(self, now: datetime) -> None:
        """Record the clock before the mirror runs; otherwise new items would get the clock of the last run.

        Raises:
            StoreError: the database can't be used.
        """
        with transaction(self._db):
            self._note(now, self._uptime())

    def look(self, now: datetime) -> None:
        """Check the clock. At the first call, and after a jump, correct every wait. No transaction may be open.

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
        """Return the due time of an item or receiver: unchanged or earlier."""
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
