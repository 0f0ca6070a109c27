"""Computes the starts of an event from DTSTART, its rule and its further dates. Exceptions are not applied here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from dateutil.rrule import rrulestr

from edge_daemon.lesson.events import Event, When, localised
from edge_daemon.lesson.recurrence_rules import rule_step, rule_until

_DAY = timedelta(days=1)


def starts(event: Event, first: datetime, last: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """Yield each start of an event from `first` to `last`, in the event's zone and with its length, in no order.

    Events repeat by the local clock. DTSTART is a start even if it is no time of the rule (RFC 5545, 3.8.5.3).

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
    """Return the first start of a rule. Results are cached, because a rule without any date takes a second."""
    return next(iter(rrulestr(rule, dtstart=start)), None)


def in_zone_of(event: Event, when: When) -> datetime:
    """Return a time in the zone of an event. A day without a time gets the event's time of day."""
    zone = event.start.tzinfo or timezone.utc
    if not isinstance(when, datetime):
        when = datetime.combine(when, event.start.time())
    return localised(when, zone).astimezone(zone)


def _goes_on(rule: str, first: datetime) -> bool:
    until = rule_until(rule)
    return until is None or until >= first - _DAY


def _near(event: Event, first: datetime) -> datetime:
    """Return the event's start, shifted by whole steps of its rule to shortly before `first` if that is possible.

    Earlier years then need no expansion.
    """
    step = rule_step(event.rule)
    if not step:
        return event.start
    return event.start + max(0, (first - event.start - _DAY) // step) * step
