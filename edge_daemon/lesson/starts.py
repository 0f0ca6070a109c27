"""The starts of an event by DTSTART, its rule and its further dates, before any exception."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from dateutil.rrule import rrulestr

from edge_daemon.lesson.events import Event, When, localised
from edge_daemon.lesson.recurrence_rules import rule_step, rule_until

_DAY = timedelta(days=1)


def starts(event: Event, first: datetime, last: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """Yield the starts of an event from `first` to `last`, in its zone, each once with its length, in no order.

    Events repeat by local clock time. DTSTART is always a start, whatever the rule says (RFC 5545, section 3.8.5.3).

    Raises:
        LIBRARY_ERRORS: the rule makes no sense; `first_by_rule` reports it beforehand.
    """
    found: dict[datetime, timedelta] = {}
    for when, length in event.plus:
        at = in_zone_of(event, when)
        if first <= at <= last:
            found[at] = event.length if length is None else length
    if first <= event.start <= last:
        found.setdefault(event.start, event.length)
    yield from found.items()
    if event.rule and event.start <= last and _goes_on(event.rule, first) and first_by_rule(event) is not None:
        for at in rrulestr(event.rule, dtstart=_near(event, first)):
            if at > last:
                return
            if at >= first and at not in found:
                yield at, event.length


def first_by_rule(event: Event) -> datetime | None:
    """Return the first start by the rule alone; None if the rule has no date.

    Raises:
        LIBRARY_ERRORS: the rule makes no sense.
    """
    return _first(event.rule, event.start)


@lru_cache(maxsize=64)
def _first(rule: str, start: datetime) -> datetime | None:
    """Find the first start, cached: a rule without any date takes a second."""
    return next(iter(rrulestr(rule, dtstart=start)), None)


def in_zone_of(event: Event, when: When) -> datetime:
    """Return a time in the zone of an event. A bare day gets the event's time of day."""
    zone = event.start.tzinfo or timezone.utc
    if not isinstance(when, datetime):
        when = datetime.combine(when, event.start.time())
    return localised(when, zone).astimezone(zone)


def _goes_on(rule: str, first: datetime) -> bool:
    until = rule_until(rule)
    return until is None or until >= first - _DAY


def _near(event: Event, first: datetime) -> datetime:
    """Return a start of the same rule shortly before a time, so that earlier years need no expansion."""
    step = rule_step(event.rule)
    if not step:
        return event.start
    return event.start + max(0, (first - event.start - _DAY) // step) * step
