"""The service's event log: which events of the log are kept, and how they reach the card with few writes.

Events are gathered in memory and written at a turn of the service's loop, in one commit. An event that repeats, such
as a disk fault at every turn, is counted and written once an hour. Without a trusted clock the events wait. They then
get the time at which they happened, as far as this boot can reconstruct it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from edge_daemon.app.capture.worker_report import Report
from edge_daemon.device.clock import Reading
from edge_daemon.device.journal import fields_of
from edge_daemon.errors import StoreError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.daily_events import DailyEvent, add_events

KEPT: Final = frozenset(
    {
        "service started",
        "service stopped",
        "camera keeps failing",
        "camera answers again",
        "timetable broken",
        "storage fault",
        "database damaged",
        "storage repaired",
        "clock changed",
        "worker failed",
        "worker hangs",
    }
)
"""Events to keep. Missed captures and lessons without a register have tables of their own."""
AGAIN_S = 3600.0
"""Shortest time between two entries of the same event with the same reason."""
_MOST = 200
"""Limit for events in memory; otherwise a device without a trusted clock would gather them for years."""
_LONGEST = 200
"""Limit for a reason, in characters."""


@dataclass(slots=True)
class _Waiting:
    event: str
    fields: dict[str, str | int | float]
    boottime_s: float
    times: int = 1


@dataclass(slots=True)
class _CountedEvent:
    since_s: float
    again: _Waiting | None = field(default=None)


class EventLog(logging.Handler):
    """Listens to the program's log and keeps the events that belong in the event log.

    Args:
        now_s: returns seconds since boot. It is not a full clock reading because reading the clock may log an event.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__(logging.INFO)
        self._now_s = now_s
        self._waiting: list[_Waiting] = []
        self._known: dict[tuple[str, str], _CountedEvent] = {}
        self._faults = {"camera": "", "storage": ""}

    def emit(self, record: logging.LogRecord) -> None:
        """Take in a log record. Nothing is written here, because the log call may come from within a transaction."""
        if record.msg in KEPT:
            fields = {name: value for name, value in fields_of(record).items() if isinstance(value, str | int | float)}
            self._note(str(record.msg), fields)

    def heard(self, lesson_id: str, report: Report) -> None:
        """Take in a worker's report, because the worker's own log reaches the journal but not this process."""
        if report.kind not in ("waiting", "taken", "missed"):
            return
        self._changed("camera", report.camera_fault, "camera keeps failing", "camera answers again", lesson_id)
        self._changed("storage", report.storage_fault, "storage fault", "", lesson_id)

    def write(self, db: sqlite_utils.Database, reading: Reading, *, last: bool = False) -> None:
        """Write the waiting events in one commit. If the database can't be written, they keep waiting.

        Args:
            db: register.sqlite.
            reading: the clock.
            last: True when the process ends. Then events are written even without a trusted clock, and repeated events
                even if their hour is not over.
        """
        self._take_repeats(reading, last=last)
        if not self._waiting or (reading.state == "unsynchronised" and not last):
            return
        events = [
            DailyEvent(
                reading.utc - timedelta(seconds=max(0.0, reading.boottime_s - one.boottime_s)),
                one.event,
                {**one.fields, **({"times": one.times} if one.times > 1 else {})},
            )
            for one in self._waiting
        ]
        try:
            add_events(db, events)
        except StoreError:
            return  # the events wait; the status reports a full disk by itself
        self._waiting.clear()

    def _changed(self, name: str, fault: str, begins: str, ends: str, lesson_id: str) -> None:
        before, self._faults[name] = self._faults[name], fault
        if fault and not before:
            self._note(begins, {"lesson_id": lesson_id, "reason": fault})
        elif before and not fault and ends:
            self._note(ends, {"lesson_id": lesson_id})

    def _note(self, event: str, fields: dict[str, str | int | float]) -> None:
        now_s = self._now_s()
        reason = str(fields.get("reason", ""))[:_LONGEST]
        if reason:
            fields["reason"] = reason
        known = self._known.get((event, reason))
        if known is None or now_s - known.since_s >= AGAIN_S or not reason:
            self._known[event, reason] = _CountedEvent(now_s, known.again if known else None)
            self._waiting.append(_Waiting(event, fields, now_s))
        elif known.again is None:
            known.again = _Waiting(event, fields, now_s)
        else:
            known.again.times += 1
        del self._waiting[:-_MOST]

    def _take_repeats(self, reading: Reading, *, last: bool) -> None:
        for key, known in list(self._known.items()):
            if last or reading.boottime_s - known.since_s >= AGAIN_S:
                if known.again is not None:
                    self._waiting.append(known.again)
                del self._known[key]
