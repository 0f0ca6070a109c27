"""How it stands with delivery, for `status`, `doctor` and the metrics: nothing of the network is loaded or asked."""

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
"""A weekend without a network is nothing to tell a person of."""
NO_SYNC = timedelta(hours=3)
"""The timer starts one every quarter of an hour."""


@dataclass(frozen=True, slots=True)
class DeliveryOverview:
    """Delivery at one moment."""

    now: datetime
    set_up: Mapping[Destination, bool]
    """Which receivers the settings name."""
    queues: Mapping[Destination, Backlog]
    note: SyncNote
    """Of the last sync."""
    pull_problems: Mapping[str, str] = field(default_factory=dict)
    """Document of the office to what is wrong with it."""
    alarms: tuple[Alarm, ...] = ()
    """What can't be so where nobody touched the database."""
    installed: bool = True
    """False: of a `--home`, where nobody starts a sync by itself."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is set up, so that registers stay here on purpose."""
        return not any(self.set_up.values())

    def problems(self) -> Iterator[str]:
        """Yield what needs a person, a line each."""
        for alarm in self.alarms:
            yield f"ALARM since {alarm.at:%Y-%m-%d %H:%M} UTC: {alarm.what}"
        for destination, queue in self.queues.items():
            if not self.set_up.get(destination):
                continue
            if queue.state == "parked":
                yield f"{destination} takes nothing until it is mended: {queue.answer}"
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
        """Return whether no sync ran for hours; on a new device the oldest item says since when."""
        last = self.note.began_at or min((q.oldest for q in self.queues.values() if q.oldest), default=None)
        return last is not None and self.now - last >= NO_SYNC


def delivery_overview(home: Home, db: sqlite_utils.Database, now: datetime) -> DeliveryOverview:
    """Return how it stands.

    Raises:
        EdgeError: settings or database can't be read.
        PermissionError: a folder is somebody else's.
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
    """Return how it stands, None where there is no database yet; raises as `delivery_overview`."""
    if not home.register_db_path.exists():
        return None
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        return delivery_overview(home, db, now)
