"""Stores the delivery results of the process with the network. This runs in a process that may write registers.

The process with the network may only read register.sqlite (`store/delivery_file.py`), so it reports what it delivered.
The service looks for a new report at each turn, and the command `outbox` looks before it shows anything. With `--home`
both processes run as one user, and a sync takes the report over itself, at its beginning and its end.
"""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import datetime, timedelta
from typing import Final

from edge_daemon.app.notices.absences import take_back_what_was_said
from edge_daemon.app.notices.outbox_rows import catch_up
from edge_daemon.attendance.document import from_json
from edge_daemon.errors import StoreError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import registers
from edge_daemon.store.daily_events import DailyEvent, add_events
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.delivery_marks import TakenReport, take_report
from edge_daemon.store.delivery_report import FILE, read_report

logger = logging.getLogger(__name__)

_CATCH_UP_EVERY: Final = timedelta(hours=1)


def hand_over(home: Home, db: sqlite_utils.Database, now: datetime) -> TakenReport | None:
    """Store the results in the report, and write corrections for messages that are no longer true.

    Args:
        home: the installation.
        db: register.sqlite, to write; no transaction may be open.
        now: the time.

    Returns:
        The changes that the report made; None if there is no report.

    Raises:
        StoreError: the report is invalid, or the database can't be written.
    """
    report = read_report(home.delivery_dir, now)
    if report is None:
        return None
    taken = take_report(db, report)
    for lesson_id in taken.tried_lessons:
        with transaction(db):
            last = registers.latest(db, lesson_id)
            if last is not None:
                take_back_what_was_said(db, from_json(last.document).register, now, home.config.mail)
    if taken.problems:
        refused = [{"document": one.name, "reason": one.problem} for one in taken.problems]
        add_events(db, [DailyEvent(now, "document refused", fields) for fields in refused])
    if taken.unproven:
        logger.warning("delivery not proven", extra={"waiting": taken.unproven})
        add_events(db, [DailyEvent(now, "delivery not proven", {"waiting": taken.unproven})])
    return taken


def hand_over_here(home: Home, now: datetime) -> None:
    """Do the same as `hand_over` and `catch_up`, for a process that has no database open.

    Raises:
        StoreError: the database can't be used. An invalid report is only logged.
    """
    db = open_register(home.register_db_path)
    with closing(db.conn):
        hand_over_leniently(home, db, now)
        catch_up(db, home.config, now)


class Handover:
    """Takes over the delivery process's reports for the service, one at each turn of its loop.

    Args:
        home: the installation.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._seen: tuple[int, int] | None = None
        self._caught_up_at: datetime | None = None

    def tend(self, db: sqlite_utils.Database, now: datetime) -> None:
        """Take over a new report, and bring the outbox up to date every hour.

        Args:
            db: register.sqlite.
            now: a time that can be trusted.

        Raises:
            StoreError: the database can't be written.
        """
        seen = self._signature()
        if seen is not None and seen != self._seen:
            hand_over_leniently(self._home, db, now)
            self._seen = seen
        if self._caught_up_at is None or abs(now - self._caught_up_at) >= _CATCH_UP_EVERY:
            catch_up(db, self._home.config, now)
            self._caught_up_at = now

    def _signature(self) -> tuple[int, int] | None:
        try:
            found = (self._home.delivery_dir / FILE).lstat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns


def hand_over_leniently(home: Home, db: sqlite_utils.Database, now: datetime) -> None:
    """Do the same as `hand_over`, but only log an invalid report."""
    try:
        hand_over(home, db, now)
    except StoreError as error:
        if not error.where.endswith(FILE):
            raise
        logger.warning("delivery report refused", extra={"reason": error.what})
