"""Assigns untimed captures to lessons once the time is known, or turns them into registers without a lesson."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from edge_daemon.app.capture.timetable_standing import as_held
from edge_daemon.app.capture.untimed_sessions import begin_without_time, give_to_lessons
from edge_daemon.app.opening.signer import open_plan_seeds
from edge_daemon.app.opening.timetable_files import read_timetable
from edge_daemon.device.clock import Reading
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.untimed import untimed_captures
from edge_daemon.types import Lesson

logger = logging.getLogger(__name__)

LONGEST = timedelta(hours=24)
"""Longest possible lesson. A lesson that began earlier than this before a capture can't contain the capture."""


def settle(home: Home, db: sqlite_utils.Database, gallery: GalleryStore, reading: Reading) -> None:
    """Assign every untimed capture; afterwards none is left.

    Raises:
        StoreError: a database can't be written; captures that are not assigned yet stay for the next call.
        TimetableError: the timetable can't be read or has not arrived yet, so that the past lessons are unknown.
    """
    lost = begin_without_time(db, home.config.device.name, reading.boot_id)
    if lost:
        logger.warning("captures of an unknown time", extra={"sessions": len(lost)})
    wanted, seeds = home.config.lesson.captures, open_plan_seeds(home)
    given = give_to_lessons(db, gallery, _possible_lessons(home, db, reading), wanted, reading, seeds)
    logger.info("captures got their time", extra={"captures": given})


def _possible_lessons(home: Home, db: sqlite_utils.Database, reading: Reading) -> Sequence[Lesson]:
    """Return the lessons that may have been on when the untimed captures of this boot were taken.

    A lesson that began before `storage.keep_sightings_days` is left out, so that its captures are erased.
    """
    ages_s = [reading.boottime_s - c.boottime_s for c in untimed_captures(db) if c.boot_id == reading.boot_id]
    if not ages_s:
        return []
    start = reading.utc - timedelta(seconds=max(ages_s)) - LONGEST
    oldest = reading.utc - timedelta(days=home.config.storage.keep_sightings_days)
    return as_held(db, read_timetable(home).lessons(max(start, oldest), reading.utc))
