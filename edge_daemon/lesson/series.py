"""A series of events, worked out for a window of time."""

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
"""Found out by looking until the year 9999, which takes a second."""

_DAY = timedelta(days=1)
_FARTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event on its day. Times are in UTC."""

    event: Event
    """The version that holds on this day."""
    core: Event
    """The series that it belongs to; the same where nothing was changed."""
    identity: str
    """What its lesson id is made of besides the device and `recurrence`."""
    recurrence: datetime
    """When it was to start by the rule."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """Another version of a lesson of a series, with RANGE=THISANDFUTURE of all later ones, too."""

    event: Event
    recurrence: datetime
    """When the lesson was to start by the rule, in the zone of the series."""

    @property
    def shift(self) -> timedelta:
        """How much later the lesson starts, by the clock on the wall."""
        start = self.event.start.astimezone(self.recurrence.tzinfo)
        return start.replace(tzinfo=None) - self.recurrence.replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Series:
    """An event with its rule, and the versions of single lessons that were changed.

    Args:
        core: the event; None where the file has only changed versions.
        changes: the versions, one of a lesson.
        longest: of longer events only so much is worked out.
        excluded: starts by the rule (UTC) that are no lessons.
        earlier: series of the same UID in the same file that began earlier and repeat.
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
        """The event, or its first version."""
        return self.core or self.changes[0].event

    def problem(self) -> str:
        """Return why the series can't be worked out; empty: it can."""
        # As far around a window as a change of all later lessons moves them, lessons have to be looked for.
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
        """Yield what happens, even in part, between two times, in no order.

        Raises:
            LIBRARY_ERRORS: `problem` shows it beforehand.
        """
        if self._is_far(start, end):
            return
        for recurrence, event, at, length in (*self._by_rule(start, end), *self._by_change()):
            in_utc = at.astimezone(timezone.utc)
            until = _end(at, at + min(length, self.longest), in_utc)
            if in_utc < end and (until > start or in_utc == until >= start):
                yield Occurrence(event, self.core or event, self.identity(recurrence), recurrence, in_utc, until)

    def changed(self) -> Iterator[tuple[datetime, Event]]:
        """Yield which lessons were changed, by their start (UTC) by the rule, with the version that holds."""
        for one in self.changes:
            yield one.recurrence.astimezone(timezone.utc), one.event

    def identity(self, recurrence: datetime) -> str:
        """Return what the id of a lesson is made of: the UID, so that a lesson keeps its id for good.

        Where an earlier series of the same UID has a lesson that starts at the same time by its rule, the start of this
        series is put to it: two lessons never have one id.
        """
        uid = self.head.uid
        if self.core and any(one.has(recurrence) for one in self.earlier):
            return f"{uid}|{self.core.start.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}"
        return uid

    def has(self, recurrence: datetime) -> bool:
        """Return whether a lesson starts at a time (UTC) by the rule, even if it was moved."""
        core = self.core
        if core is None or recurrence in self.excluded:
            return False
        is_same_clock = recurrence.astimezone(core.start.tzinfo).time() == core.start.time()
        if not is_same_clock and not core.plus and not has_clock(core.rule):  # asking the rule costs far more
            return False
        return any(at.astimezone(timezone.utc) == recurrence for at, _ in starts(core, recurrence, recurrence))

    def _is_far(self, start: datetime, end: datetime) -> bool:
        """Return whether a single event lies outside a window: most do."""
        core = self.core
        if core is None or self.changes or core.rule or core.plus:
            return False
        return core.start > end + _DAY or core.start + min(core.length, self.longest) < start - _DAY

    def _by_rule(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, Event, datetime, timedelta]]:
        """Yield start by the rule (UTC), version, start and length of lessons that no version of their own has."""
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
    """Return the end in UTC: by the clock on the wall, but as long as ever after a start that the clock skipped."""
    if in_utc.astimezone(starts_at.tzinfo).replace(tzinfo=None) != starts_at.replace(tzinfo=None):
        return in_utc + (ends_at.replace(tzinfo=None) - starts_at.replace(tzinfo=None))
    return ends_at.astimezone(timezone.utc)
