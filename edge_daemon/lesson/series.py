"""A series of events, worked out for a window of time by recurring-ical-events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, Final

import recurring_ical_events
from dateutil.rrule import rrulestr
from icalendar import Calendar
from icalendar import Event as CalendarEvent
from icalendar.prop import vDDDLists, vDDDTypes, vInt, vRecur, vText

from edge_daemon.lesson.events import Event, When, localised
from edge_daemon.lesson.icalendar_limits import LIBRARY_ERRORS
from edge_daemon.lesson.recurrence_rules import rule_step, rule_until

NEVER_MET: Final = "its rule is never met"
"""Found out by looking until the year 9999, which takes a second."""

_INDEX: Final = "X-EDGE-DAEMON-INDEX"
_DAY = timedelta(days=1)
_FARTHEST = timedelta(days=366)
_BEFORE = timedelta(days=3)
"""The library holds the first start for an instance, whatever the rule says of it: it is kept out of the window."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event on its day. Times are in UTC."""

    event: Event
    """The version that holds on this day."""
    core: Event
    """The series that it belongs to; the same where nothing was changed."""
    recurrence: datetime
    """When it was to start by the rule."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Series:
    """An event with its rule, and the versions of single lessons that were changed.

    Args:
        core: the event; None where the file has only changed versions.
        changes: the versions.
        longest: of longer events only so much is worked out.
    """

    core: Event | None
    changes: tuple[Event, ...]
    longest: timedelta

    def problem(self) -> str:
        """Return why the series can't be worked out; empty: it can."""
        core = self.core or self.changes[0]
        for one in self.changes:
            # The library looks as far around the window as a change of all later lessons moves them.
            if (
                one.and_later
                and one.recurrence
                and abs(one.start - self._resolved(one.recurrence, one.start)) > _FARTHEST
            ):
                return "lessons are moved by more than a year"
        try:
            if core.rule and next(iter(rrulestr(core.rule, dtstart=core.start)), None) is None:
                return NEVER_MET
            self._components(core.start, core.start + _DAY)
        except LIBRARY_ERRORS:
            return "its rule can't be worked out"
        return ""

    def occurrences(self, start: datetime, end: datetime) -> Iterator[Occurrence]:
        """Yield what happens, even in part, between two times, in no order.

        Raises:
            LIBRARY_ERRORS: `problem` tells beforehand.
        """
        if not any(self._is_near(event, start, end) for event in self._events()):
            return
        for event, starts, ends in self._components(start, end):
            if event.recurrence is None:
                recurrence = starts
            else:  # of a change for all later lessons, too: as far from its lesson as the first one is
                recurrence = starts - (event.start - self._resolved(event.recurrence, event.start))
            in_utc = starts.astimezone(timezone.utc)
            until = _end(starts, ends, in_utc)
            yield Occurrence(event, self.core or event, recurrence.astimezone(timezone.utc), in_utc, until)

    def changed(self) -> Iterator[tuple[datetime, Event]]:
        """Yield which lessons were changed, by their start (UTC) by the rule, with the version that holds."""
        for one in self.changes:
            if one.recurrence is not None:
                yield self._resolved(one.recurrence, one.start).astimezone(timezone.utc), one

    def _is_near(self, event: Event, start: datetime, end: datetime) -> bool:
        """Return whether the event may happen in a window: most do not, and asking the library costs far more."""
        if event.plus or event.and_later:
            return True
        until = rule_until(event.rule) if event.rule else event.start
        return event.start <= end + _DAY and (until is None or until >= start - min(event.length, self.longest) - _DAY)

    def _events(self) -> Sequence[Event]:
        return (self.core, *self.changes) if self.core else self.changes

    def _components(self, start: datetime, end: datetime) -> list[tuple[Event, datetime, datetime]]:
        """Return version, start and end of what happens between two times.

        The library's objects are built anew each time: kept, they would keep every instance that they ever went by.
        """
        events, calendar = self._events(), Calendar()
        for index, event in enumerate(events):
            calendar.add_component(self._component(event, index, start))
        found: list[Mapping[str, Any]] = recurring_ical_events.of(calendar).between(start, end)
        return [(events[int(one[_INDEX])], one["DTSTART"].dt, one["DTEND"].dt) for one in found]

    def _component(self, event: Event, index: int, window: datetime) -> CalendarEvent:
        made = CalendarEvent()
        made["UID"], made[_INDEX] = vText("series"), vText(str(index))
        made["SEQUENCE"] = vInt(event.sequence)
        begin = self._near(event, window)
        made["DTSTART"] = vDDDTypes(begin)
        made["DTEND"] = vDDDTypes(begin + min(event.length, self.longest))
        if event.recurrence is not None:
            moved = vDDDTypes(self._resolved(event.recurrence, event.start))
            if event.and_later:
                moved.params["RANGE"] = "THISANDFUTURE"
            made["RECURRENCE-ID"] = moved
            return made
        if event.rule:
            made["RRULE"] = vRecur.from_ical(event.rule)
        if event.minus:
            made["EXDATE"] = vDDDLists([self._resolved(when, event.start) for when in event.minus])
        if event.plus:
            made["RDATE"] = vDDDLists([self._plus(when, length, event.start) for when, length in event.plus])
        return made

    def _near(self, event: Event, window: datetime) -> datetime:
        """Return a start of the same rule not long before a window, so that years of instances are not gone through."""
        step = rule_step(event.rule)
        if not step or any(change.and_later for change in self.changes):
            return event.start
        ago = window - event.start - min(event.length, self.longest) - _BEFORE
        return event.start + max(0, ago // step) * step

    def _plus(self, when: When, length: timedelta | None, like: datetime) -> datetime | tuple[datetime, timedelta]:
        start = self._resolved(when, like)
        return start if length is None else (start, min(length, self.longest))

    def _resolved(self, when: When, like: datetime) -> datetime:
        """Return a time in the zone of the series; a bare day means the lesson of that day."""
        like = self.core.start if self.core else like
        zone = like.tzinfo or timezone.utc
        if self.core and self.core.all_day and isinstance(when, datetime):
            # Outlook names a day by midnight, in a zone that need not be the school's.
            when = (when.astimezone(zone) if when.utcoffset() == timedelta(0) else when).date()
        if not isinstance(when, datetime):
            when = datetime.combine(when, like.time())
        return localised(when, zone).astimezone(zone)


def _end(starts: datetime, ends: datetime, in_utc: datetime) -> datetime:
    """Return the end in UTC: by the clock on the wall, but as long as ever after a start that the clock skipped."""
    if in_utc.astimezone(_zone(starts)).replace(tzinfo=None) != starts.replace(tzinfo=None):
        return in_utc + (ends.replace(tzinfo=None) - starts.replace(tzinfo=None))
    return ends.astimezone(timezone.utc)


def _zone(at: datetime) -> tzinfo:
    return at.tzinfo or timezone.utc
