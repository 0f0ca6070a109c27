"""The lessons of a room, from iCalendar files (docs/TIMETABLE.md has the rules)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_daemon.config import CANCELLED_WORDS
from edge_daemon.lesson.calendars import Calendars, ReadingScope, read_calendars
from edge_daemon.lesson.event_people import People
from edge_daemon.lesson.event_reader import ReadingRules
from edge_daemon.lesson.events import LONGEST, no_lesson
from edge_daemon.lesson.grouping import Passed
from edge_daemon.lesson.ical_lines import Source
from edge_daemon.lesson.ical_text import read_source
from edge_daemon.lesson.icalendar_limits import LIBRARY_ERRORS
from edge_daemon.lesson.lesson_ids import timetable_event_id, timetable_lesson_id
from edge_daemon.lesson.overlap import PlannedLesson, settle
from edge_daemon.lesson.rooms import is_in_room
from edge_daemon.lesson.series import Occurrence, Series
from edge_daemon.types import Lesson

logger = logging.getLogger(__name__)

__all__ = ["LONGEST", "Passed", "Timetable", "build_timetable", "load_timetable"]

_LONGEST_HOLIDAY = timedelta(days=366)
_BLOCK = timedelta(days=28)
_MARGIN = timedelta(days=2)
"""Time before a block of weeks that is expanded, too. A lesson in this time may delay a lesson of the block."""
_KEPT_BLOCKS = 3
_EPOCH = datetime(2024, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class CancelledLesson:
    """A lesson of the calendar that is not held: cancelled, excluded, or on a holiday."""

    lesson_id: str
    start: datetime
    """The planned start (UTC)."""
    why: str


@dataclass(frozen=True, slots=True)
class _Block:
    lessons: tuple[Lesson, ...]
    passed: tuple[Passed, ...]
    cancelled: tuple[CancelledLesson, ...]
    cut: tuple[Passed, ...]
    people: Mapping[str, People]
    """People who may teach a lesson, by lesson id, for events that name people."""


class Timetable:
    """The lessons of a room. Only some weeks around the requested time are expanded.

    Args:
        calendars: the events of the room.
        holidays: events that cancel lessons.
        rooms: names of the room; empty: every event is in the room.
        device: name of the device.
        zone: the school's time zone.
    """

    def __init__(
        self, calendars: Calendars, holidays: Calendars, rooms: tuple[str, ...], device: str, zone: ZoneInfo
    ) -> None:
        self._series, self._holidays = calendars.series, holidays.series
        self._device, self._zone = device, zone
        self._is_here = {place: is_in_room(place, rooms) for place in ("", *calendars.rooms)}
        self._blocks: dict[int, _Block] = {}
        self._changed = {
            timetable_lesson_id(device, one.identity(at), at): event
            for one in calendars.series
            for at, event in one.changed()
        }
        self.left_out = (*calendars.left_out, *holidays.left_out)
        """Events that can't be read or expanded, on any day."""
        self.remarks = (*calendars.remarks, *holidays.remarks)
        """Events that are used, although they may not mean what they seem to."""
        self.rooms = calendars.rooms
        """All locations in the files."""
        self.events = calendars.events
        """Number of events of all rooms in the files."""
        self.has_room = any(self._is_here[place] for place in calendars.rooms) or (
            self._is_here[""] and self.events > 0
        )
        """Whether the room has an event at all, usable or not."""
        self.unusable = (*calendars.unusable, *holidays.unusable)
        """Files without any usable event."""

    def lessons(self, start: datetime, end: datetime) -> list[Lesson]:
        """Return the lessons that start in [start, end), sorted. No two of them overlap."""
        # A delayed lesson starts later than its event, by less than half of its length.
        found = [one for block in self._between(start - LONGEST, end) for one in block.lessons]
        return sorted((one for one in found if start <= one.start < end), key=lambda one: one.start)

    def people(self, lesson: Lesson) -> People:
        """Return the people who may teach a lesson, from its event; empty if the event names nobody."""
        blocks = self._between(lesson.start - LONGEST, lesson.end)
        return next((block.people[lesson.lesson_id] for block in blocks if lesson.lesson_id in block.people), ())

    def passed(self, start: datetime, end: datetime) -> list[Passed]:
        """Return the events with a planned start in [start, end) that do not become lessons, sorted."""
        found = [(one.at, one) for block in self._between(start, end) for one in block.passed if one.at is not None]
        return [one for at, one in sorted(found, key=lambda pair: (pair[0], pair[1].where)) if start <= at < end]

    def cut(self, start: datetime, end: datetime) -> list[Passed]:
        """Return the events planned in [start, end) that begin later because another lesson has the room."""
        found = [(one.at, one) for block in self._between(start, end) for one in block.cut if one.at is not None]
        return [one for at, one in sorted(found, key=lambda pair: (pair[0], pair[1].where)) if start <= at < end]

    def cancelled(self, start: datetime, end: datetime) -> list[CancelledLesson]:
        """Return the cancelled lessons with a planned start in [start, end)."""
        found = [one for block in self._between(start, end) for one in block.cancelled]
        return [one for one in found if start <= one.start < end]

    def _between(self, start: datetime, end: datetime) -> Iterator[_Block]:
        if start < end:
            yield from (self._block(n) for n in range((start - _EPOCH) // _BLOCK, (end - _EPOCH) // _BLOCK + 1))

    def _block(self, number: int) -> _Block:
        """Return a block of weeks. Blocks have fixed boundaries, so a lesson is the same for any requested time."""
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
        cancelled = list(self._excepted(first, end))
        for one in _occurrences(self._series, start, end):
            if not (start <= one.start < end) or not self._is_here.get(_location(one), False):
                continue
            lesson = self._lesson(one)
            off = one.event.cancelled or one.core.cancelled
            why = off or no_lesson(one.end - one.start, one.event.all_day)
            if not why:
                why = off = _holiday(one, free)
            if off and one.start >= first:
                cancelled.append(CancelledLesson(lesson.lesson_id, one.start, off))
            changed = self._changed.get(lesson.lesson_id, one.event)
            if one.event.recurrence is None and changed is not one.event:
                why = f"was changed by the event of {changed.where}"
            elif not why and lesson.lesson_id in planned:
                why = f"is the same lesson as the one of {planned[lesson.lesson_id].where}"
            if why:
                passed.append(self._passed(lesson.course, one.event.where, one.start, why))
            else:
                planned[lesson.lesson_id] = PlannedLesson(
                    lesson, one.event.where, one.event.order, one.start, one.event.people or one.core.people
                )
        kept, beaten = settle(planned.values())
        passed += [self._passed(p.lesson.course, p.where, p.event_start, why) for p, why in beaten]
        return _Block(
            tuple(one.lesson for one in kept if one.event_start >= first),
            tuple(one for one in passed if one.at is not None and one.at >= first),
            tuple(one for one in cancelled if one.lesson_id not in planned),
            tuple(one for one in self._cut(kept) if one.at is not None and one.at >= first),
            {one.lesson.lesson_id: one.people for one in kept if one.people},
        )

    def _cut(self, kept: Sequence[PlannedLesson]) -> Iterator[Passed]:
        for before, one in pairwise(kept):
            if one.lesson.start != one.event_start:
                begins = f"begins at {one.lesson.start.astimezone(self._zone):%H:%M} only"
                why = f"{begins}: {before.lesson.course or 'the event'} of {before.where} has the room until then"
                yield self._passed(one.lesson.course, one.where, one.event_start, why)

    def _excepted(self, start: datetime, end: datetime) -> Iterator[CancelledLesson]:
        """Yield the lessons in [start, end) that an EXDATE excludes."""
        for series in self._series:
            if self._is_here.get(series.head.location, False):
                for at in series.excluded:
                    if start <= at < end:
                        lesson_id = timetable_lesson_id(self._device, series.identity(at), at)
                        yield CancelledLesson(lesson_id, at, "is excepted by an EXDATE")

    def _lesson(self, one: Occurrence) -> Lesson:
        lesson_id = timetable_lesson_id(self._device, one.identity, one.recurrence)
        event_id = timetable_event_id(self._device, one.core.uid)
        return Lesson(lesson_id, self._device, _course(one), one.start, one.end, "timetable", event_id)

    def _passed(self, course: str, where: str, at: datetime, why: str) -> Passed:
        return Passed(f"{course or 'event'}, {at.astimezone(self._zone):%Y-%m-%d %H:%M}", where, why, at)


def load_timetable(
    files: Sequence[Path],
    room: str | Sequence[str],
    device: str,
    zone: str,
    holidays: Sequence[Path] = (),
    *,
    cancelled_words: Sequence[str] = CANCELLED_WORDS,
    free_is_cancelled: bool = False,
) -> Timetable:
    """Read the timetable of a room.

    Args:
        files: iCalendar files.
        room: one or more names of the room; empty: the events of all rooms are read.
        device: name of the device.
        zone: the school's time zone, for times without a zone.
        holidays: iCalendar files whose events cancel lessons.
        cancelled_words: an event is not held if its category is one of them or its summary begins with one.
        free_is_cancelled: True: an event that Outlook marks as free is not held.

    Raises:
        TimetableError: a file can't be read or is not a calendar; the message names the line.
    """
    return build_timetable(
        [read_source(path) for path in files],
        [read_source(path) for path in holidays],
        room,
        device,
        zone,
        cancelled_words=cancelled_words,
        free_is_cancelled=free_is_cancelled,
    )


def build_timetable(
    sources: Sequence[Source],
    holidays: Sequence[Source],
    room: str | Sequence[str],
    device: str,
    zone: str,
    *,
    cancelled_words: Sequence[str] = CANCELLED_WORDS,
    free_is_cancelled: bool = False,
) -> Timetable:
    """Return the timetable of a room from files that were already read.

    Arguments and errors are as for `load_timetable`.
    """
    known = ZoneInfo(zone)
    rooms = tuple(name for name in ([room] if isinstance(room, str) else room) if name.strip())
    rules = ReadingRules(known, tuple(cancelled_words), free_is_cancelled)
    calendars = read_calendars(sources, ReadingScope(rooms, LONGEST + timedelta(hours=1), rules))
    of_days_off = ReadingRules(known, tuple(cancelled_words), are_holidays=True)
    free = read_calendars(holidays, ReadingScope((), _LONGEST_HOLIDAY, of_days_off))
    return Timetable(calendars, free, rooms, device, known)


def _occurrences(series: Sequence[Series], start: datetime, end: datetime) -> Iterator[Occurrence]:
    for one in series:
        try:
            found = list(one.occurrences(start, end))
        except LIBRARY_ERRORS:
            # One faulty event must not lose all other lessons.
            logger.exception("event can't be worked out", extra={"where": one.head.where})
            continue
        yield from found


def _holiday(one: Occurrence, holidays: Sequence[Occurrence]) -> str:
    """Return in words which holiday cancels a lesson; empty if none does.

    An all-day holiday cancels the lessons that start on its days. A holiday with times cancels the lessons that it
    overlaps.
    """
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
