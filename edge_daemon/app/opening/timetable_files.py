"""Opens the timetable, from the files that the settings name and the calendar that the office sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

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
    "unusable",
    "watch_timetable",
]

_SHOWN_ROOMS: Final = 10


def pulled_timetable(home: Home) -> Path:
    """Return the path of the office's calendar that is in force; it may not exist yet."""
    return home.state_dir / "pulled" / "timetable.ics"


def timetable_paths(home: Home) -> tuple[list[Path], list[Path]]:
    """Return the calendar files and the holiday files; the office's calendar is left out until it has arrived."""
    settings, folder, pulled = home.config.timetable, home.config_path.parent, pulled_timetable(home)
    files = [pulled if name == UPSTREAM else folder / name for name in settings.files]
    there = [path for path in files if path != pulled or path.exists()]
    return there, [folder / name for name in settings.holidays]


def watch_timetable(home: Home) -> TimetableWatch:
    """Return the reader that reloads the timetable when files change; the state folder keeps the last good files."""
    config, pulled = home.config, pulled_timetable(home)
    files = tuple(str(pulled) if name == UPSTREAM else name for name in config.timetable.files)
    config = replace(config, timetable=replace(config.timetable, files=files))
    return TimetableWatch(config, home.config_path.parent, home.state_dir / "timetable", may_be_missing=pulled)


class HasLessons(Protocol):
    """The methods of a timetable that return its lessons and its cancellations."""

    def lessons(self, start: datetime, end: datetime) -> list[Lesson]:
        """Return the lessons that start in [start, end), sorted."""
        ...

    def cancelled(self, start: datetime, end: datetime) -> dict[str, str]:
        """Return why lessons are called off, by lesson id: at least for all called-off lessons in [start, end)."""
        ...


def read_timetable(home: Home) -> HasLessons:
    """Return the timetable in force, from the last good files.

    Raises:
        TimetableError: no file can be read, and there is no good copy; or the office's calendar is the only one and
            has not arrived.
    """
    if home.config.timetable.files and not timetable_paths(home)[0]:
        raise TimetableError("the office's calendar has not arrived yet", str(pulled_timetable(home)))
    watch = watch_timetable(home)
    watch.refresh()
    if not watch.is_known:
        raise TimetableError(watch.error)
    return watch.timetable


def timetable_of_files(home: Home) -> Timetable:
    """Return the timetable in the current files; writes nothing, for commands that only read.

    Raises:
        TimetableError: a file can't be read, or is no calendar.
    """
    return timetable_of_paths(home, *timetable_paths(home))


def timetable_of_paths(home: Home, files: Sequence[Path], holidays: Sequence[Path] = ()) -> Timetable:
    """Return the timetable in some files, with the settings applied; raises the errors of `timetable_of_files`."""
    device, settings = home.config.device, home.config.timetable
    return load_timetable(
        files,
        settings.room,
        device.name,
        device.time_zone,
        holidays,
        cancelled_words=settings.cancelled_words,
        free_is_cancelled=settings.free_is_cancelled,
    )


def unusable(home: Home, read: Timetable) -> list[Passed]:
    """Return why the files give no lesson at all, or why one file is not used; empty if all are used."""
    found = list(read.unusable)
    if read.events and not read.has_room:
        names, places = " or ".join(map(repr, home.config.timetable.room)), read.rooms
        more = "" if len(places) <= _SHOWN_ROOMS else f" and {len(places) - _SHOWN_ROOMS} more"
        there = f"there are {', '.join(map(repr, places[:_SHOWN_ROOMS]))}{more}" if places else "none has a LOCATION"
        why = f"no event is in {names}; {there}"
        found.append(Passed("timetable.room", str(home.config_path), why))
    return found


def file_errors(home: Home, paths: Sequence[Path]) -> Iterator[TimetableError]:
    """Yield the error of each file that has one."""
    for path in paths:
        try:
            timetable_of_paths(home, [path])
        except TimetableError as error:
            yield error


def captures_planned(home: Home, lesson: Lesson) -> int:
    """Return how many captures the settings ask for in a lesson of this length."""
    return slot_count((lesson.end - lesson.start).total_seconds(), home.config.lesson.captures)
