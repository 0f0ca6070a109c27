"""The timetable that the settings name."""

from __future__ import annotations

from edge_daemon.home import Home
from edge_daemon.lesson.timetable import Timetable, load_timetable
from edge_daemon.lesson.watch import TimetableWatch


def watch_timetable(home: Home) -> TimetableWatch:
    """Return the timetable, to be looked at again and again; the last good files are kept in the state folder."""
    return TimetableWatch(home.config, home.config_path.parent, home.state_dir / "timetable")


def read_timetable(home: Home) -> Timetable:
    """Return the timetable as it is in force now: that of the last good files."""
    watch = watch_timetable(home)
    watch.refresh()
    return watch.timetable


def timetable_of_files(home: Home) -> Timetable:
    """Return what the files say now, and write nothing: for commands that look only.

    Raises:
        TimetableError: a file can't be read, or is no calendar.
    """
    config, folder = home.config, home.config_path.parent
    return load_timetable(
        [folder / name for name in config.timetable.files],
        config.timetable.room,
        config.device.name,
        config.device.time_zone,
        [folder / name for name in config.timetable.holidays],
    )
