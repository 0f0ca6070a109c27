"""The state of delivery, for `status`, `doctor` and the metrics; it uses no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from edge_daemon.app.sync.receiver_settings import is_set_up
from edge_daemon.app.sync.sync_result import NO_NETWORK
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.alarms import Alarm, alarms
from edge_daemon.store.backlog import Backlog, backlogs
from edge_daemon.store.database import open_register
from edge_daemon.store.pulled import pulled_documents
from edge_daemon.store.sync_note import SyncNote, read_note
from edge_daemon.types import Destination

LATE = timedelta(days=3)
"""Items that wait this long need a person; a weekend without a network is shorter."""
NO_SYNC = timedelta(hours=3)
"""Longest normal time between two syncs; the timer starts one every quarter of an hour."""


@dataclass(frozen=True, slots=True)
class DeliveryOverview:
    """The state of delivery at one moment."""

    now: datetime
    set_up: Mapping[Destination, bool]
    """For each receiver, whether the settings name it."""
    queues: Mapping[Destination, Backlog]
    note: SyncNote
    """The note of the last sync."""
    pull_problems: Mapping[str, str] = field(default_factory=dict)
    """The problem with each faulty document of the office, by the document's name."""
    alarms: tuple[Alarm, ...] = ()
    """Alarms: states that are impossible unless somebody changed the database."""
    installed: bool = True
    """False with `--home`, where no timer starts a sync."""

    @property
    def is_quiet(self) -> bool:
        """Whether no receiver is set up, so that registers stay here on purpose."""
        return not any(self.set_up.values())

    def problems(self) -> Iterator[str]:
        """Yield the problems that need a person, a line each."""
        for alarm in self.alarms:
            yield f"ALARM since {alarm.at:%Y-%m-%d %H:%M} UTC: {alarm.what}"
        for destination, queue in self.queues.items():
            if not self.set_up.get(destination):
                continue
            if queue.state == "parked":
                yield f"{destination} accepts nothing until it is repaired: {queue.answer}"
            elif queue.oldest is not None and self.now - queue.oldest >= LATE:
                days = (self.now - queue.oldest).days
                why = f": {queue.answer}" if queue.answer else ""
                yield f"{destination}: the oldest of {queue.waiting} items waits for {days} days{why}"
            if queue.parked:
                items = "1 item was" if queue.parked == 1 else f"{queue.parked} items were"
                yield f"{destination}: {items} refused for good: `edge-daemon outbox list --state parked`"
        for name, problem in self.pull_problems.items():
            yield f"{name} of the office can't be used: {problem}"
        if self.is_quiet:
            return
        if self.note.summary.startswith(NO_NETWORK):
            yield f"{self.note.summary}: check the cable or the Wi-Fi"
        if self.installed and self._no_sync():
            yield "no sync runs: `systemctl list-timers edge-daemon-sync.timer` says why"

    def _no_sync(self) -> bool:
        """Return whether the last sync began at least three hours ago.

        If there was no sync, return whether the oldest waiting item is at least three hours old.
        """
        last = self.note.began_at or min((q.oldest for q in self.queues.values() if q.oldest), default=None)
        return last is not None and self.now - last >= NO_SYNC


def delivery_overview(home: Home, db: sqlite_utils.Database, now: datetime) -> DeliveryOverview:
    """Return the state of delivery.

    Raises:
        EdgeError: settings or database can't be read.
        PermissionError: a folder belongs to another user.
    """
    return DeliveryOverview(
        now,
        is_set_up(home),
        backlogs(db),
        read_note(home.delivery_dir),
        {one.name: one.problem for one in pulled_documents(db) if one.problem},
        tuple(alarms(db)),
        not home.home_mode,
    )


def look_at_delivery(home: Home, now: datetime) -> DeliveryOverview | None:
    """Return the state of delivery, None without a database; raises the errors of `delivery_overview`."""
    if not home.register_db_path.exists():
        return None
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        return delivery_overview(home, db, now)
