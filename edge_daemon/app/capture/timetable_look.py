"""Reads the timetable before a register is made, so that families get no notices about a lesson that was dropped."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from edge_daemon.app.capture.timetable_standing import HELD, TimetableStanding, standing
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.lessons import StoredLesson


def look_at_timetable(home: Home, db: sqlite_utils.Database, stored: StoredLesson) -> TimetableStanding:
    """Return the state of a lesson in the current timetable; "held" if the timetable can't be read.

    Raises:
        StoreError: register.sqlite can't be used.
    """
    if stored.lesson.origin != "timetable" or stored.clock == "unsynchronised" or not home.config.timetable.files:
        return HELD
    # Imported here because a worker needs it only once, at its end.
    from edge_daemon.app.opening.timetable_files import watch_timetable

    watch = watch_timetable(home)
    watch.refresh()
    if watch.error:
        return HELD
    return standing(db, watch.timetable, stored.lesson, ZoneInfo(home.config.device.time_zone), is_over=True)
