"""What follows from a register: which rows of the outbox are written with it, in the same transaction."""

from __future__ import annotations

import logging
import sqlite3
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from edge_daemon.app.notices.absences import queue_absence_notices
from edge_daemon.app.notices.sheet_periods import put_sheet
from edge_daemon.attendance.document import from_json
from edge_daemon.attendance.week import week_of
from edge_daemon.config import Config, MailConfig
from edge_daemon.device.clock import SystemClock
from edge_daemon.errors import StoreError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox
from edge_daemon.store.database import transaction
from edge_daemon.store.registers import OutboxWriter, StoredRegister, starts
from edge_daemon.types import Destination

logger = logging.getLogger(__name__)

_LOOK_BACK: Final = timedelta(days=100)
"""Sheets of weeks and months that ended before that are not sent any more: a device may be off for a summer."""


def outbox_writer(config: Config, *, rehearsals: bool = False) -> OutboxWriter:
    """Return what `lessons.finalise` and `registers.add_revision` are given as `also`.

    Args:
        config: settings; upstream has a row though no address is set yet, a mail only where it is.
        rehearsals: deliver a rehearsal, to the office alone. Without it a rehearsal goes nowhere, but a correction of
            one that was delivered follows it.
    """

    def also(db: sqlite_utils.Database, stored: StoredRegister) -> None:
        register = from_json(stored.document).register
        if register.lesson.origin == "rehearsal" and not rehearsals and not outbox.of_lesson(db, stored.lesson_id):
            return
        _put_revision(db, stored, "upstream", outbox.REGISTER)
        if sends_mail(config.mail):
            if mails_office(config.mail):
                _put_revision(db, stored, "mail", outbox.OFFICE)
            if config.mail.teachers and register.lesson.origin != "rehearsal":
                _put_revision(db, stored, "mail", outbox.TEACHER)
            if register.lesson.origin != "rehearsal":  # nobody was absent from it
                queue_absence_notices(db, register, stored.created_at, config.mail)

    return also


def lenient_outbox_writer(config: Config) -> OutboxWriter:
    """Return `deliver` for a lesson that ends: a fault in what follows from a register must not cost the register.

    What a full or failing disk says is the register's business, too, and goes on to the caller, who tries again. Of a
    register that was left the next sync brings the row for upstream (`enqueue_missing`); it is not mailed.
    """
    wanted = outbox_writer(config)

    def also(db: sqlite_utils.Database, stored: StoredRegister) -> None:
        db.execute("SAVEPOINT rows")
        try:
            wanted(db, stored)
        except Exception as error:
            if _is_the_disks(error):
                raise
            db.execute("ROLLBACK TO rows")
            logger.exception("register not queued", extra={"lesson_id": stored.lesson_id})
        db.execute("RELEASE rows")

    return also


def _is_the_disks(error: Exception) -> bool:
    """Return whether the database can't be written at all; a table that is not as it should be is another matter."""
    if isinstance(error, sqlite3.IntegrityError):
        return False
    return isinstance(error, (sqlite3.DatabaseError, StoreError)) and "no such" not in str(error)


def sends_mail(mail: MailConfig) -> bool:
    """Return whether mail is set up, by the device's own server or by the office's."""
    return bool(mail.host) or mail.via == "upstream"


def mails_office(mail: MailConfig) -> bool:
    """Return whether somebody is the office; where the school's server sends, it knows who."""
    return bool(mail.office) or mail.via == "upstream"


def catch_up(db: sqlite_utils.Database, config: Config, now: datetime) -> int:
    """Write what no register brings with it: rows for registers of an older release, sheets of what is over.

    Sheets wait while nobody knows the time: a clock that is ahead would close a week that still goes on.

    Returns:
        How many rows were new.

    Raises:
        StoreError: the database can't be written.
    """
    count = enqueue_missing(db, now)
    if SystemClock(trusted=config.device.trust_clock).reading().state != "unsynchronised":
        count += enqueue_periods(db, config, now)
    return count


def enqueue_missing(db: sqlite_utils.Database, now: datetime) -> int:
    """Send registers upstream that no row knows: of a release that had no outbox. They are not mailed.

    Returns:
        How many there were.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        return outbox.put_missing_registers(db, now)


def enqueue_periods(db: sqlite_utils.Database, config: Config, now: datetime) -> int:
    """Have the sheets of weeks and months mailed to the office that are over, each once; call with a trusted time.

    The first time it is the last week and the last month only: nobody wants the sheets of a year at once. A sheet that
    was sent before all registers of its time were made is sent again, complete (`sheet_periods.py`).

    Returns:
        How many were new.

    Raises:
        StoreError: the database can't be written.
    """
    mail = config.mail
    if not sends_mail(mail) or not (mails_office(mail) or mail.students or mail.guardian_sheets):
        return 0
    zone = ZoneInfo(config.device.time_zone)
    days = {start.astimezone(zone).date() for start in starts(db, now - _LOOK_BACK, now)}
    today = now.astimezone(zone).date()
    week = week_of(config.week)
    name = week.name
    weeks = sorted({name(day) for day in days if name(day) != name(today)})
    months = sorted({f"{day:%Y-%m}" for day in days if f"{day:%Y-%m}" != f"{today:%Y-%m}"})
    count = 0
    with transaction(db):
        first = not outbox.is_known(db, {outbox.WEEK, outbox.MONTH})
        for kind, refs in ((outbox.WEEK, weeks), (outbox.MONTH, months)):
            for ref in refs[-1:] if first else refs:
                count += put_sheet(db, kind, ref, zone, week, now)
    return count


def _put_revision(db: sqlite_utils.Database, stored: StoredRegister, destination: Destination, kind: str) -> None:
    outbox.put(
        db,
        destination=destination,
        kind=kind,
        ref=f"{stored.lesson_id}/{stored.revision}",
        lesson_id=stored.lesson_id,
        not_before=stored.created_at,
        at=stored.created_at,
    )
