"""One call of `sync`: reads the settings, takes the lock, checks the network, makes the run, and leaves a note."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from edge_daemon.app.notices.handover import hand_over_here
from edge_daemon.app.notices.sealed_contacts import read_contacts
from edge_daemon.app.sync.channels import Channel
from edge_daemon.app.sync.delivery_lock import alone
from edge_daemon.app.sync.receiver_settings import channels, withheld_secrets
from edge_daemon.app.sync.sync_result import SyncResult
from edge_daemon.app.sync.sync_run import SyncRun
from edge_daemon.device.clock import read_uptime
from edge_daemon.device.connectivity import has_link
from edge_daemon.device.discretion import hide_names
from edge_daemon.errors import DeliveryError, KeyFileError, StoreError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.backlog import backlogs
from edge_daemon.store.delivery_file import OutboxMirror, open_delivery
from edge_daemon.store.delivery_report import write_report
from edge_daemon.store.sync_note import Notebook, SyncNote, read_note, write_note
from edge_daemon.store.waits import Uptime, WaitKeeper

logger = logging.getLogger(__name__)


class SyncSession:
    """`edge-daemon sync`, from its start to its result line.

    Args:
        home: the installation.
        now: the clock; tests pass another one.
        rng: source of the jitter; None for the system's.
        show: called with (done, in all).
        stopping: asked before each item whether to stop.
        eager: True if a person is waiting: items that failed before are retried at once, too.
        uptime: the time since boot; tests pass another one.
    """

    def __init__(
        self,
        home: Home,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        rng: random.Random | None = None,
        show: Callable[[int, int], None] = lambda _done, _total: None,
        stopping: Callable[[], bool] = lambda: False,
        eager: bool = False,
        uptime: Callable[[], Uptime] = lambda: Uptime(*read_uptime()),
    ) -> None:
        self._uptime = uptime
        self._home, self._now, self._show, self._stopping, self._eager = home, now, show, stopping, eager
        self._rng = rng or random.SystemRandom()

    def go(self) -> SyncResult:
        """Make one run.

        Raises:
            ConfigError: the settings can't be read.
            DeliveryError: a login secret is a credential that only the systemd unit receives, and this process is not
                that unit; nothing was tried or noted.
            StoreError: the database can't be used.
        """
        if withheld := withheld_secrets(self._home):
            what = "is a credential that only edge-daemon-sync.service receives"
            hint = "use `sudo systemctl start edge-daemon-sync.service`, then `attendance status`"
            raise DeliveryError(what, withheld[0], hint)
        note = read_note(self._home.delivery_dir)
        notebook = Notebook.of(note)
        found = channels(self._home, notebook, self._now, self._stopping)
        if not found:
            return SyncResult("not set up")
        with alone(self._home) as is_alone:
            if not is_alone:
                return SyncResult("busy")
            try:
                self._hand_over()
                return self._delivered(found, note, notebook)
            finally:
                self._hand_over()

    def _delivered(self, found: Sequence[Channel], note: SyncNote, notebook: Notebook) -> SyncResult:
        db = open_delivery(self._home.delivery_db_path, self._home.register_db_path)
        with closing(db.conn):
            self._hide_names(db)
            mirror = OutboxMirror(db)
            waits = WaitKeeper(db, self._uptime, timedelta(hours=self._home.config.mail.hold_h))
            waits.note_clock(self._now())
            mirror.refresh(self._now())

            def refresh() -> None:
                now = self._now()
                waits.look(now)
                mirror.refresh(now)

            try:
                if all(channel.is_far for channel in found) and not has_link():
                    result = SyncResult("no network", left=backlogs(db))
                    self._leave(replace(note, began_at=self._now(), ended_at=self._now(), summary=result.line()))
                    return result
                run = SyncRun(
                    db,
                    found,
                    refresh=refresh,
                    now=self._now,
                    rng=self._rng,
                    show=self._show,
                    stopping=self._stopping,
                    eager=self._eager,
                    waits=waits,
                )
                return self._noted(run, note, notebook)
            finally:
                write_report(db, self._home.delivery_dir)

    def _hide_names(self, db: sqlite_utils.Database) -> None:
        """Keep the names of the roster out of the log and the heartbeat, because a server's error may contain names."""
        with suppress(KeyFileError, StoreError):  # without the contact key no name is known here or mailed
            hide_names(one.name for one in read_contacts(self._home, db).values())

    def _hand_over(self) -> None:
        """Take over the report here if this process may: with `--home` both sides run as one user."""
        if self._home.may_write_registers:
            hand_over_here(self._home, self._now())

    def _noted(self, run: SyncRun, note: SyncNote, notebook: Notebook) -> SyncResult:
        """Make the run, and leave a note of it even if it fails."""
        began_at, summary, ended_at = self._now(), "failed; the log says why", None
        try:
            result = run.go()
            summary, ended_at = result.line(), self._now()
        finally:
            learnt = replace(note, began_at=began_at, ended_at=ended_at, summary=summary)
            if notebook.reached:
                learnt = replace(learnt, reached_at=self._now())
            self._leave(
                replace(
                    learnt,
                    documents=notebook.documents,
                    days_until=notebook.days_until,
                    key_etag=notebook.key_etag,
                )
            )
        logger.info(
            "sync ended",
            extra={
                "delivered": sum(one.outcomes["delivered"] for one in result.tried.values()),
                "waiting": sum(one.waiting for one in result.left.values()),
                "parked": sum(one.parked for one in result.left.values()),
            },
        )
        return result

    def _leave(self, note: SyncNote) -> None:
        try:
            write_note(self._home.delivery_dir, note)
        except OSError as error:
            logger.warning("note of the sync not kept", extra={"reason": error.strerror})
