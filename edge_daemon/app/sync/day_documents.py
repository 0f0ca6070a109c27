"""The event log of a day: what happened to the device, as a document beside the registers (docs/day.schema.json).

With this document nobody needs a shell on the device to find out why a lesson has no register. It contains no personal
data, only fixed words, figures and reasons. Students are left out, and so are addresses that a mail server may have
named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone, tzinfo

from edge_daemon import __version__
from edge_daemon.app.ledger.withdrawn_promises import withdrawn_promises
from edge_daemon.attendance.fields import Json
from edge_daemon.device.discretion import discreet
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import daily_events
from edge_daemon.timestamps import written

SCHEMA = 1
MOST_EVENTS = 200
"""Limit for one day, because a device that fails all day repeats the same event."""
_MOST_REASONS = 20
_LONGEST = 200


def day_document(db: sqlite_utils.Database, day: date, zone: tzinfo, device: str) -> dict[str, Json]:
    """Return the event log of one day in the device's time zone; the same data always gives the same document."""
    start = datetime.combine(day, time(), zone).astimezone(timezone.utc)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(timezone.utc)
    figures, events = daily_events.figures(db, start, end), daily_events.events(db, start, end)
    return {
        "schema": SCHEMA,
        "device": device,
        "day": day.isoformat(),
        "version": __version__,
        "starts": sum(event.event == "service started" for event in events),
        "lessons_held": figures.held,
        "captures_planned": figures.captures_planned,
        "captures_taken": figures.captures_taken,
        "captures_missed": _reasons(figures.missed),
        "lessons_not_held": _reasons(figures.not_held),
        "lessons_withdrawn": [
            {"lesson_id": one.lesson_id, "start": written(one.start), "end": written(one.end)}
            for one in withdrawn_promises(db, start, end)
        ],
        "events": [_event(event) for event in events[-MOST_EVENTS:]],
        "events_left_out": max(0, len(events) - MOST_EVENTS),
        "deliveries_parked": [_refusal(one) for one in figures.refused[-MOST_EVENTS:]],
        "deliveries_left_out": max(0, len(figures.refused) - MOST_EVENTS),
    }


def days_to_send(db: sqlite_utils.Database, until: str, now: datetime, zone: tzinfo, longest: int) -> Iterator[date]:
    """Yield the days whose documents may have changed, the oldest first.

    Args:
        db: register.sqlite.
        until: the last day that is complete on the server, as YYYY-MM-DD; empty if there is none.
        now: the time.
        zone: the device's time zone.
        longest: how many days to go back at most.
    """
    today = now.astimezone(zone).date()
    first_at = daily_events.first_day(db)
    if first_at is None:
        return
    first = max(first_at.astimezone(zone).date(), today - timedelta(days=longest))
    if until:
        first = max(first, min(date.fromisoformat(until) + timedelta(days=1), today))
    while first <= today:
        yield first
        first += timedelta(days=1)


def without_addresses(text: str) -> str:
    """Return a server's answer without addresses and names, cut to a maximum length."""
    return discreet(text)[:_LONGEST]


def _event(event: daily_events.DailyEvent) -> dict[str, Json]:
    fields = {name: without_addresses(v) if isinstance(v, str) else v for name, v in event.fields.items()}
    return {"at": written(event.at.replace(microsecond=0)), "event": event.event, **fields}


def _refusal(one: daily_events.ParkedItem) -> dict[str, Json]:
    return {
        "at": written(one.at.replace(microsecond=0)),
        "destination": one.destination,
        "kind": one.kind,
        "lesson_id": one.lesson_id,
        "answer": without_addresses(one.answer),
    }


def _reasons(counts: Mapping[str, int]) -> dict[str, Json]:
    """Return the counts by reason: the most frequent by name, all others together."""
    found: Counter[str] = Counter()
    for reason, count in counts.items():
        found[without_addresses(reason)] += count
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    named: dict[str, Json] = dict(ranked[:_MOST_REASONS])
    if ranked[_MOST_REASONS:]:
        named["other"] = sum(count for _, count in ranked[_MOST_REASONS:])
    return named
