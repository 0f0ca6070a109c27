"""Expands a series of events into the lessons of a period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from edge_daemon.lesson.events import Event
from edge_daemon.lesson.icalendar_limits import LIBRARY_ERRORS
from edge_daemon.lesson.recurrence_rules import has_clock
from edge_daemon.lesson.starts import first_by_rule, starts

NEVER_MET: Final = "its rule is never met"
"""Reason for leaving out a rule without any date. dateutil searches to the year 9999 for one, which takes a second."""

_DAY = timedelta(days=1)
_FARTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event that takes place at one time. Times are in UTC."""

    event: Event
    """The version that is valid on this day."""
    core: Event
    """The event of the series, before any change; equal to `event` if this occurrence was not changed."""
    identity: str
    """Text by which the lesson's id identifies the event (`Series.identity`)."""
    recurrence: datetime
    """Start of the occurrence by the rule, before any change."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A replacement for one lesson of a series. With RANGE=THISANDFUTURE it also replaces all later ones."""

    event: Event
    recurrence: datetime
    """Start of the replaced lesson by the rule, in the zone of the series."""

    @property
    def shift(self) -> timedelta:
        """How much later than by the rule the lesson starts, by the local clock; negative if it starts earlier."""
        start = self.event.start.astimezone(self.recurrence.tzinfo)
        return start.replace(tzinfo=None) - self.recurrence.replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Series:
    """An event with its rule, and the events that replace single lessons of it.

    Args:
        core: the event; None if the file has only events that replace lessons.
        changes: the replacements, one for each changed lesson.
        longest: a longer event is cut to this length.
        excluded: starts by the rule (UTC) at which no lesson is held.
        earlier: the repeating series of the same file with the same UID and an earlier start.
    """

    core: Event | None
    changes: tuple[Change, ...]
    longest: timedelta
    excluded: frozenset[datetime] = frozenset()
    earlier: tuple[Series, ...] = ()
    _changed: frozenset[datetime] = field(init=False)

    def __post_init__(self) -> None:
        changed = frozenset(one.recurrence.astimezone(timezone.utc) for one in self.changes)
        object.__setattr__(self, "_changed", changed)

    @property
    def head(self) -> Event:
        """The event of the series; without one, the event of the first change."""
        return self.core or self.changes[0].event

    def problem(self) -> str:
        """Return why the series can't be expanded; empty if it can."""
        # The search around a window must reach as far as a change of all later lessons moves them.
        if any(one.event.and_later and abs(one.shift) > _FARTHEST for one in self.changes):
            return "lessons are moved by more than a year"
        try:
            if self.core and self.core.rule and first_by_rule(self.core) is None:
                return NEVER_MET
            list(self.occurrences(self.head.start, self.head.start + _DAY))
        except LIBRARY_ERRORS:
            return "its rule can't be worked out"
        return ""

    def occurrences(self, start: datetime, end: datetime) -> Iterator[Occurrence]:
        """Yield the occurrences that overlap [start, end), in no order.

        Raises:
            LIBRARY_ERRORS: the rule makes no sense; `problem` reports it beforehand.
        """
        if self._is_far(start, end):
            return
        for recurrence, event, at, length in (*self._by_rule(start, end), *self._by_change()):
            in_utc = at.astimezone(timezone.utc)
            until = _end(at, at + min(length, self.longest), in_utc)
            if in_utc < end and (until > start or in_utc == until >= start):
                yield Occurrence(event, self.core or event, self.identity(recurrence), recurrence, in_utc, until)

    def changed(self) -> Iterator[tuple[datetime, Event]]:
        """Yield for each changed lesson its start by the rule (UTC), and the event that replaces it."""
        for one in self.changes:
            yield one.recurrence.astimezone(timezone.utc), one.event

    def identity(self, recurrence: datetime) -> str:
        """Return the text by which a lesson's id identifies the event. It is the UID, so it never changes.

        If an earlier series with the same UID also has a lesson at this time by its rule, the start of this series is
        appended. Two lessons therefore never share an id.
        """
        uid = self.head.uid
        if self.core and any(one.has(recurrence) for one in self.earlier):
            return f"{uid}|{self.core.start.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}"
        return uid

    def has(self, recurrence: datetime) -> bool:
        """Return whether the series has a lesson at a time (UTC) by its rule, even if that lesson was moved."""
        core = self.core
        if core is None or recurrence in self.excluded:
            return False
        is_same_clock = recurrence.astimezone(core.start.tzinfo).time() == core.start.time()
        if not is_same_clock and not core.plus and not has_clock(core.rule):  # expanding the rule costs far more
            return False
        return any(at.astimezone(timezone.utc) == recurrence for at, _ in starts(core, recurrence, recurrence))

    def _is_far(self, start: datetime, end: datetime) -> bool:
        """Return whether the series is a single event outside of a period. This common case needs no expansion."""
        core = self.core
        if core is None or self.changes or core.rule or core.plus:
            return False
        return core.start > end + _DAY or core.start + min(core.length, self.longest) < start - _DAY

    def _by_rule(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, Event, datetime, timedelta]]:
        """Yield the lessons that no event replaces singly: start by the rule (UTC), valid event, start, and length."""
        core = self.core
        if core is None:
            return
        later = sorted((one for one in self.changes if one.event.and_later), key=lambda one: one.recurrence)
        reach = max((abs(one.shift) for one in later), default=timedelta(0)) + _DAY
        longest = min(max([core.length, *(length for _, length in core.plus if length)]), self.longest)
        longest = max([longest, *(min(one.event.length, self.longest) for one in later)])
        for at, length in starts(core, start - longest - reach, end + reach):
            recurrence = at.astimezone(timezone.utc)
            if recurrence in self.excluded or recurrence in self._changed:
                continue
            change = next((one for one in reversed(later) if one.recurrence <= at), None)
            if change is None:
                yield recurrence, core, at, length
            else:
                yield recurrence, change.event, at + change.shift, change.event.length

    def _by_change(self) -> Iterator[tuple[datetime, Event, datetime, timedelta]]:
        for one in self.changes:
            yield one.recurrence.astimezone(timezone.utc), one.event, one.event.start, one.event.length


def _end(starts_at: datetime, ends_at: datetime, in_utc: datetime) -> datetime:
    """Return the end in UTC, computed by the local clock.

    If the start is in the hour that the clock skips in spring, the lesson keeps its full length.
    """
    if in_utc.astimezone(starts_at.tzinfo).replace(tzinfo=None) != starts_at.replace(tzinfo=None):
        return in_utc + (ends_at.replace(tzinfo=None) - starts_at.replace(tzinfo=None))
    return ends_at.astimezone(timezone.utc)
