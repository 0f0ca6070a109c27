"""Matches exceptions to the lessons of a series: EXDATE, and RECURRENCE-ID of changed or cancelled lessons.

Programs often write another time of day than the lesson has: midnight, the time before the series was moved, or local
time as UTC. An exception without an exact match applies to the lesson of its day, if the series has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Final

from edge_daemon.lesson.events import Event, When, localised
from edge_daemon.lesson.ical_lines import Note
from edge_daemon.lesson.icalendar_limits import LIBRARY_ERRORS
from edge_daemon.lesson.starts import in_zone_of, starts

MOST_STARTS: Final = 20_000
"""Largest number of starts that are searched for the exceptions of one series: a daily lesson for 50 years."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StartHit:
    """A start of a lesson that an exception matches."""

    core: Event
    at: datetime
    """The start, in the zone of the series."""
    is_exact: bool
    """Whether the exception names exactly this time. A bare day counts as exact."""


class StartIndex:
    """An index of the lessons' starts of some series, on the days around the exceptions.

    Args:
        cores: the series.
        exceptions: all times that `find` will be called with.
    """

    def __init__(self, cores: Sequence[Event], exceptions: Iterable[When]) -> None:
        self.is_complete = True
        """Whether the index has all starts. If not, `find` may miss a start."""
        self._by_time: dict[datetime, list[StartHit]] = {}
        self._by_day: dict[date, list[StartHit]] = {}
        self._zones = tuple({id(core.start.tzinfo): core for core in cores}.values())
        days = [_written_day(when) for when in exceptions]
        if not days:
            return
        first = datetime.combine(min(days), time(), timezone.utc) - 2 * _DAY
        last = datetime.combine(max(days), time(), timezone.utc) + 3 * _DAY
        for core in cores:
            self._add(core, first, last)

    def find(self, when: When) -> list[StartHit]:
        """Return the starts that an exception matches; empty if there is none."""
        if not isinstance(when, datetime):
            return [StartHit(one.core, one.at, is_exact=True) for one in self._by_day.get(when, [])]
        exact = [
            hit
            for like in self._zones
            for hit in self._by_time.get(in_zone_of(like, when).astimezone(timezone.utc), [])
            if hit.core.start.tzinfo is like.start.tzinfo
        ]
        if exact:
            return exact
        of_day = [
            hit
            for like in self._zones
            for hit in self._by_day.get(_meant_day(like, when), [])
            if hit.core.start.tzinfo is like.start.tzinfo
        ]
        is_midnight = when.time() == time()
        return of_day if is_midnight or len({hit.at for hit in of_day}) == 1 else []

    def _add(self, core: Event, first: datetime, last: datetime) -> None:
        found = starts(core, first, last)
        try:
            for number, (at, _) in enumerate(found):
                if number >= MOST_STARTS:
                    self.is_complete = False
                    return
                exact, near = StartHit(core, at, is_exact=True), StartHit(core, at, is_exact=False)
                self._by_time.setdefault(at.astimezone(timezone.utc), []).append(exact)
                self._by_day.setdefault(at.date(), []).append(near)
        except LIBRARY_ERRORS:  # the series is left out later, with a message
            self.is_complete = False


def exclusions(core: Event) -> tuple[frozenset[datetime], list[Note]]:
    """Return the starts (UTC) that the EXDATEs of a series exclude, and a note on each inexact match."""
    index, notes = StartIndex([core], [one.when for one in core.minus]), list[Note]()
    excluded: set[datetime] = set()
    for one in core.minus:
        hits = index.find(one.when)
        excluded.update(hit.at.astimezone(timezone.utc) for hit in hits)
        if not hits:
            excluded.add(in_zone_of(core, one.when).astimezone(timezone.utc))
            if index.is_complete:
                notes.append(Note(one.line, f"its EXDATE {one.text} matches no lesson"))
        elif not hits[0].is_exact:
            day = hits[0].at.date()
            notes.append(
                Note(one.line, f"its EXDATE {one.text} matches no lesson's time; the lesson of {day} is left out")
            )
    return frozenset(excluded), notes


def _written_day(when: When) -> date:
    return when.date() if isinstance(when, datetime) else when


def _meant_day(like: Event, when: datetime) -> date:
    """Return the day of a time in the zone of a series. For midnight, return the day as the file writes it."""
    if when.time() == time():
        return when.date()
    zone = like.start.tzinfo or timezone.utc
    return localised(when, zone).astimezone(zone).date()
