"""The timetable that the settings name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from edge_daemon.config import UPSTREAM
from edge_daemon.errors import TimetableError
from edge_daemon.home import Home
from edge_daemon.lesson.plan import slot_count
from edge_daemon.lesson.timetable import LONGEST, Passed, Timetable, load_timetable
from edge_daemon.lesson.timetable_watch import TimetableWatch
from edge_daemon.types import Lesson

__all__ = [
    "LONGEST",
    "Passed",
    "Timetable",
    "captures_planned",
    "file_errors",
    "pulled_timetable",
    "read_timetable",
    "timetable_of_files",
    "timetable_paths",
    "watch_timetable",
]


def pulled_timetable(home: Home) -> Path:
    """Return where the office's calendar lies that is in force; there may be none yet."""
    return home.state_dir / "pulled" / "timetable.ics"


def timetable_paths(home: Home) -> tuple[list[Path], list[Path]]:
    """Return the calendar files and the files of holidays; the office's calendar is left out until it has come."""
    settings, folder, pulled = home.config.timetable, home.config_path.parent, pulled_timetable(home)
    files = [pulled if name == UPSTREAM else folder / name for name in settings.files]
    there = [path for path in files if path != pulled or path.exists()]
    return there, [folder / name for name in settings.holidays]


def watch_timetable(home: Home) -> TimetableWatch:
    """Return the timetable, to be looked at again and again; the last good files are kept in the state folder."""
    config, pulled = home.config, pulled_timetable(home)
    files = tuple(str(pulled) if name == UPSTREAM else name for name in config.timetable.files)
    config = replace(config, timetable=replace(config.timetable, files=files))
    return TimetableWatch(config, home.config_path.parent, home.state_dir / "timetable", may_be_missing=pulled)


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
    config = home.config
    files, holidays = timetable_paths(home)
    return load_timetable(files, config.timetable.room, config.device.name, config.device.time_zone, holidays)


def file_errors(home: Home, paths: Sequence[Path]) -> Iterator[TimetableError]:
    """Yield what is wrong with each file."""
    config = home.config
    for path in paths:
        try:
            load_timetable([path], config.timetable.room, config.device.name, config.device.time_zone)
        except TimetableError as error:
            yield error


def captures_planned(home: Home, lesson: Lesson) -> int:
    """Return how many captures the settings ask for in a lesson of this length."""
    return slot_count((lesson.end - lesson.start).total_seconds(), home.config.lesson.captures)
