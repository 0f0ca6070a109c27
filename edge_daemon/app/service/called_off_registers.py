"""Asks the office to confirm registers of lessons that the timetable has since called off, before families get mail."""

from __future__ import annotations

import logging
from datetime import datetime

from edge_daemon.app.capture.timetable_standing import called_off
from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.app.opening.timetable_files import HasLessons
from edge_daemon.app.registers.correct_register import question_register
from edge_daemon.errors import KeyFileError, RegisterError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons, outbox
from edge_daemon.store.database import transaction

logger = logging.getLogger(__name__)


def question_called_off(home: Home, db: sqlite_utils.Database, timetable: HasLessons, now: datetime) -> int:
    """Ask the office about each lesson that is called off while notices to families still wait.

    Args:
        home: the installation.
        db: register.sqlite, to write.
        timetable: the current timetable.
        now: the time; it has to be trusted.

    Returns:
        How many registers got a new revision.

    Raises:
        StoreError: the database can't be written.
    """
    count = 0
    for lesson_id in outbox.lessons_with_waiting_notices(db):
        stored = lessons.get_lesson(db, lesson_id)
        if stored is None or not called_off(db, timetable, stored.lesson):
            continue
        try:
            signer = open_signer(home)
            with transaction(db):
                added = question_register(db, lesson_id, signer, outbox_writer(home.config), now)
        except (KeyFileError, RegisterError) as error:  # its notices still wait, so that the next call retries
            logger.warning("register not questioned", extra={"lesson_id": lesson_id, "reason": error.what})
            continue
        if added is not None:
            logger.warning("lesson called off", extra={"lesson_id": lesson_id})
            count += 1
    return count
