"""The lessons of a room, out of iCalendar files (docs/TIMETABLE.md has the rules)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from edge_daemon.lesson.calendars import Calendars, Passed, read_calendars
from edge_daemon.lesson.ical_text import Source, read_source
from edge_daemon.lesson.icalendar_limits import LIBRARY_ERRORS
from edge_daemon.lesson.lesson_ids import timetable_lesson_id
from edge_daemon.lesson.overlap import PlannedLesson, settle
from edge_daemon.lesson.plan import SLOT_S
from edge_daemon.lesson.rooms import is_in_room
from edge_daemon.lesson.series import Occurrence, Series
from edge_daemon.types import Lesson

logger = logging.getLogger(__name__)

__all__ = ["LONGEST", "Passed", "Timetable", "build_timetable", "load_timetable"]

LONGEST: Final = timedelta(hours=12)
"""A longer event is a trip or an exhibition, not a lesson."""

_LONGEST_HOLIDAY = timedelta(days=366)
_BLOCK = timedelta(days=28)
_MARGIN = timedelta(days=2)
"""Before a block: whether a lesson is cut by one before it, is settled within this time."""
_KEPT_BLOCKS = 3
_EPOCH = datetime(2024, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class _Block:
    lessons: tuple[Lesson, ...]
    passed: tuple[Passed, ...]


class Timetable:
    """The lessons of a room. Only a window of time is ever worked out: some weeks around what is asked for.

    Args:
        calendars: the events of the room.
        holidays: events that cancel lessons.
        room: empty: every event counts.
        device: name of the device.
        zone: the school's time zone.
    """

    def __init__(self, calendars: Calendars, holidays: Calendars, room: str, device: str, zone: ZoneInfo) -> None:
        self._series, self._holidays = calendars.series, holidays.series
        self._room, self._device, self._zone = room, device, zone
        self._blocks: dict[int, _Block] = {}
        self._changed = {
            timetable_lesson_id(device, event.uid, at): event for one in calendars.series for at, event in one.changed()
        }
        self.left_out = (*calendars.left_out, *holidays.left_out)
        """Events that can't be read or worked out, whatever the day."""
        self.remarks = calendars.remarks
        """Events that are read, but may not be what was meant."""
        self.rooms = calendars.rooms
        """All locations in the files."""

    @property
    def is_empty(self) -> bool:
        """Whether no event is in the room, ever."""
        return not self._series

    def lessons(self, start: datetime, end: datetime) -> list[Lesson]:
        """Return the lessons that start in [start, end), sorted; no two of them overlap."""
        # A lesson that was cut starts later than its event, by less than half of it.
        found = [one for block in self._between(start - LONGEST, end) for one in block.lessons]
        return sorted((one for one in found if start <= one.start < end), key=lambda one: one.start)

    def passed(self, start: datetime, end: datetime) -> list[Passed]:
        """Return what was to start in [start, end) and does not become a lesson, sorted."""
        found = [(one.at, one) for block in self._between(start, end) for one in block.passed if one.at is not None]
        return [one for at, one in sorted(found, key=lambda pair: (pair[0], pair[1].where)) if start <= at < end]

    def _between(self, start: datetime, end: datetime) -> Iterator[_Block]:
        if start < end:
            yield from (self._block(n) for n in range((start - _EPOCH) // _BLOCK, (end - _EPOCH) // _BLOCK + 1))

    def _block(self, number: int) -> _Block:
        """Return a block of weeks. Blocks lie fast in time, so that a lesson is the same whatever is asked for."""
        if number not in self._blocks:
            while len(self._blocks) >= _KEPT_BLOCKS:
                del self._blocks[max(self._blocks, key=lambda kept: abs(kept - number))]
            self._blocks[number] = self._worked_out(_EPOCH + number * _BLOCK)
        return self._blocks[number]

    def _worked_out(self, first: datetime) -> _Block:
        start, end = first - _MARGIN, first + _BLOCK
        free = list(_occurrences(self._holidays, start, end + LONGEST))
        planned: dict[str, PlannedLesson] = {}
        passed: list[Passed] = []
        for one in _occurrences(self._series, start, end):
            if not (start <= one.start < end) or not is_in_room(_location(one), self._room):
                continue
            lesson = self._lesson(one)
            why = _why_not(one) or _holiday(one, free)
            changed = self._changed.get(lesson.lesson_id, one.event)
            if one.event.recurrence is None and changed is not one.event:
                why = f"was changed by the event of {changed.where}"
            elif not why and lesson.lesson_id in planned:
                why = f"is the same lesson as the one of {planned[lesson.lesson_id].where}"
            if why:
                passed.append(self._passed(lesson.course, one.event.where, one.start, why))
            else:
                planned[lesson.lesson_id] = PlannedLesson(lesson, one.event.where, one.event.order, one.start)
        kept, beaten = settle(planned.values())
        passed += [self._passed(p.lesson.course, p.where, p.event_start, why) for p, why in beaten]
        return _Block(
            tuple(one.lesson for one in kept if one.event_start >= first),
            tuple(one for one in passed if one.at is not None and one.at >= first),
        )

    def _lesson(self, one: Occurrence) -> Lesson:
        lesson_id = timetable_lesson_id(self._device, one.event.uid, one.recurrence)
        return Lesson(lesson_id, self._device, _course(one), one.start, one.end, "timetable")

    def _passed(self, course: str, where: str, at: datetime, why: str) -> Passed:
        return Passed(f"{course or 'event'}, {at.astimezone(self._zone):%Y-%m-%d %H:%M}", where, why, at)


def load_timetable(
    files: Sequence[Path], room: str, device: str, zone: str, holidays: Sequence[Path] = ()
) -> Timetable:
    """Read the timetable of a room.

    Args:
        files: iCalendar files.
        room: only events with this LOCATION; empty: all events.
        device: name of the device.
        zone: the school's time zone, for floating times.
        holidays: iCalendar files whose events cancel lessons.

    Raises:
        TimetableError: a file can't be read, or is no calendar, with its line.
    """
    return build_timetable(
        [read_source(path) for path in files], [read_source(path) for path in holidays], room, device, zone
    )


def build_timetable(
    sources: Sequence[Source], holidays: Sequence[Source], room: str, device: str, zone: str
) -> Timetable:
    """Make the timetable of a room from files that were read; else as `load_timetable`."""
    known = ZoneInfo(zone)
    calendars = read_calendars(sources, room, known, LONGEST + timedelta(hours=1))
    free = read_calendars(holidays, "", known, _LONGEST_HOLIDAY)
    return Timetable(calendars, free, room, device, known)


def _occurrences(series: Sequence[Series], start: datetime, end: datetime) -> Iterator[Occurrence]:
    for one in series:
        try:
            found = list(one.occurrences(start, end))
        except LIBRARY_ERRORS:
            # One odd event must not cost all other lessons.
            where = (one.core or one.changes[0]).where
            logger.exception("event can't be worked out", extra={"where": where})
            continue
        yield from found


def _why_not(one: Occurrence) -> str:
    length = one.end - one.start
    if one.event.cancelled or one.core.cancelled:
        return "is cancelled"
    if one.event.all_day:
        return "is an all-day event"
    if length < timedelta(seconds=SLOT_S):
        return f"takes {length.total_seconds():g} s"
    if length > LONGEST:
        return f"takes longer than {LONGEST.total_seconds() / 3600:g} h"
    return ""


def _holiday(one: Occurrence, holidays: Sequence[Occurrence]) -> str:
    """Return the holiday that a lesson falls on: one of whole days has its start, one by the clock a part of it."""
    for free in holidays:
        if free.event.cancelled or free.core.cancelled:
            continue
        if free.start <= one.start < free.end or (not free.event.all_day and one.start < free.start < one.end):
            return f"falls on {free.event.summary or 'a holiday'} ({free.event.where})"
    return ""


def _location(one: Occurrence) -> str:
    return one.event.location or one.core.location


def _course(one: Occurrence) -> str:
    event, core = one.event, one.core
    return next(
        filter(None, (event.course_id, core.course_id, event.category, core.category, event.summary, core.summary)), ""
    )
