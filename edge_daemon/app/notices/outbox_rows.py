"""Writes the rows of the outbox that belong to a register, in the register's own transaction."""

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
"""Age up to which a past week or month still gets a sheet; a device may be off for a summer."""


def outbox_writer(config: Config, *, rehearsals: bool = False) -> OutboxWriter:
    """Return the writer that `lessons.finalise` and `registers.add_revision` take as `also`.

    Args:
        config: the settings. The upstream row is written even if no address is set yet, a mail row only if one is.
        rehearsals: True to deliver a rehearsal, to the office only. With False a rehearsal is not delivered, but a
            correction of a delivered rehearsal is.
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
            if register.lesson.origin != "rehearsal":  # a rehearsal has no absences
                queue_absence_notices(db, register, stored.created_at, config.mail)

    return also


def lenient_outbox_writer(config: Config) -> OutboxWriter:
    """Return the writer for a lesson that ends: an error in the outbox rows must not prevent the register.

    An error of a full or failing disk affects the register, too, so that it is raised and the caller retries. After any
    other error the next sync adds the upstream row (`enqueue_missing`); that register is not mailed.
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
    """Return whether an error means that the database can't be written at all, unlike a wrong table or row."""
    if isinstance(error, sqlite3.IntegrityError):
        return False
    return isinstance(error, (sqlite3.DatabaseError, StoreError)) and "no such" not in str(error)


def sends_mail(mail: MailConfig) -> bool:
    """Return whether mail is set up, through the device's own mail server or the office's."""
    return bool(mail.host) or mail.via == "upstream"


def mails_office(mail: MailConfig) -> bool:
    """Return whether the office gets mail. If the school's server sends it, the settings need no addresses."""
    return bool(mail.office) or mail.via == "upstream"


def catch_up(db: sqlite_utils.Database, config: Config, now: datetime) -> int:
    """Add the outbox rows that are not created when a register is written.

    They are for registers of an older release, and for sheets of past weeks and months.

    Without a trusted time no sheets are written, because a clock that is ahead would close a week too early.

    Returns:
        How many rows are new.

    Raises:
        StoreError: the database can't be written.
    """
    count = enqueue_missing(db, now)
    if SystemClock(trusted=config.device.trust_clock).reading().state != "unsynchronised":
        count += enqueue_periods(db, config, now)
    return count


def enqueue_missing(db: sqlite_utils.Database, now: datetime) -> int:
    """Queue for the server the registers that have no row, because a release without an outbox made them.

    Returns:
        How many there were.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        return outbox.put_missing_registers(db, now)


def enqueue_periods(db: sqlite_utils.Database, config: Config, now: datetime) -> int:
    """Queue the sheets of past weeks and months for the office, each once; call with a trusted time.

    The first call queues only the last week and the last month, because nobody wants the sheets of a whole year at
    once. If a sheet was sent before all registers of its time existed, a complete one is sent again
    (`sheet_periods.py`).

    Returns:
        How many are new.

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
