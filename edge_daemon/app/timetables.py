"""The timetable that the settings name."""

from __future__ import annotations

from edge_daemon.home import Home
from edge_daemon.lesson.timetable import Timetable
from edge_daemon.lesson.watch import TimetableWatch


def watch_timetable(home: Home) -> TimetableWatch:
    """Return the timetable, to be looked at again and again; the last good files are kept in the state folder."""
    return TimetableWatch(home.config, home.config_path.parent, home.state_dir / "timetable")


def read_timetable(home: Home) -> Timetable:
    """Return the timetable as it is in force now: that of the last good files."""
    watch = watch_timetable(home)
    watch.refresh()
    return watch.timetable
