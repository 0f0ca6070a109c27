"""Reading calendar files: which events they have for a room, as series, and which are left out and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import count
from typing import Final

from edge_daemon.errors import TimetableError
from edge_daemon.lesson.event_reader import EventError, EventReader
from edge_daemon.lesson.events import Event
from edge_daemon.lesson.ical_text import Component, Source, components, plain_text
from edge_daemon.lesson.rooms import is_in_room, location
from edge_daemon.lesson.series import NEVER_MET, Series
from edge_daemon.lesson.zones import Zones

MOST_EVENTS: Final = 5000
"""Of one room in one file: a week of 40 lessons written out one by one for three years."""

_MOST_NEVER_MET = 5
_PEEKED = frozenset({"UID", "SUMMARY"})


@dataclass(frozen=True, slots=True)
class Passed:
    """An event that does not become a lesson."""

    what: str
    """The course and the day, or the event."""
    where: str
    """File and line."""
    why: str
    at: datetime | None = None
    """When it was to start (UTC); None: the whole event is left out."""


@dataclass(frozen=True, slots=True)
class Calendars:
    """What one or more files hold."""

    series: tuple[Series, ...]
    left_out: tuple[Passed, ...]
    """Events that can't be read or worked out."""
    remarks: tuple[Passed, ...]
    """What is read, but may not be what was meant."""
    rooms: tuple[str, ...]
    """All locations, as they are written."""


def read_calendars(sources: Sequence[Source], room: str, zone: tzinfo, longest: timedelta) -> Calendars:
    """Read the events of a room from files.

    Args:
        sources: the files.
        room: empty: all events.
        zone: the school's, for floating times and days.
        longest: of longer events only so much is worked out.

    Raises:
        TimetableError: a file is not a calendar, is damaged, or has too many events or senseless rules for the room.
    """
    left_out: list[Passed] = []
    remarks: list[Passed] = []
    series: list[Series] = []
    rooms: set[str] = set()
    order = count()
    for source in sources:
        uids, zones = _first_look(source, room, rooms)
        events = list(_events(source, uids, EventReader(zones, zone, str(source.path)), left_out, order))
        for one in _grouped(events, left_out, remarks, longest):
            core = one.core or one.changes[0]
            problem = one.problem()
            if problem:
                left_out.append(Passed(core.summary, core.where, problem))
                if sum(out.why == NEVER_MET for out in left_out) > _MOST_NEVER_MET:
                    raise TimetableError("has many rules that are never met", core.where, "correct them")
                continue
            series.append(one)
            if core.rule and not core.all_day and core.start.tzname() == "UTC" and str(zone) != "UTC":
                remarks.append(
                    Passed(core.summary, core.where, "repeats in UTC: its local time moves when clocks change")
                )
    return Calendars(tuple(series), tuple(left_out), tuple(remarks), tuple(sorted(rooms)))


def _first_look(source: Source, room: str, rooms: set[str]) -> tuple[set[str], Zones]:
    """Return the UIDs that are in the room at least once, and the time zones."""
    uids: set[str] = set()
    definitions: list[Component] = []
    for component in components(source, frozenset({"VEVENT", "VTIMEZONE"})):
        if component.name == "VTIMEZONE":
            definitions.append(component)
            continue
        place = location(component)
        rooms.add(place)
        if is_in_room(place, room):
            uids.add(_peek(component)[0])
    rooms.discard("")
    return uids, Zones(definitions)


def _events(
    source: Source, uids: set[str], reader: EventReader, left_out: list[Passed], order: Iterator[int]
) -> Iterator[Event]:
    number = 0
    for component in components(source, frozenset({"VEVENT"})):
        uid, summary = _peek(component)
        if uid not in uids:
            continue
        number += 1
        if number > MOST_EVENTS:
            hint = "export fewer years, or set timetable.room"
            raise TimetableError(f"has more than {MOST_EVENTS} events for this room", str(source.path), hint)
        try:
            yield reader.read(component, next(order))
        except EventError as e:
            left_out.append(Passed(summary, f"{source.path}, line {e.line}", e.why))


def _peek(component: Component) -> tuple[str, str]:
    """Return UID and summary without parsing the rest."""
    found = {one.name: one.value for one in reversed(list(component.properties(_PEEKED)))}
    return found.get("UID", "").strip(), plain_text(found.get("SUMMARY", ""))


def _grouped(
    events: Sequence[Event], left_out: list[Passed], remarks: list[Passed], longest: timedelta
) -> Iterator[Series]:
    """Yield the series of one file: events with the same UID belong together."""
    by_uid: dict[str, list[Event]] = {}
    for event in events:
        by_uid.setdefault(event.uid, []).append(event)
    for same in by_uid.values():
        cores = _latest([one for one in same if one.recurrence is None], left_out, remarks)
        changes = tuple(one for one in same if one.recurrence is not None)
        if cores:
            yield from (Series(core, changes, longest) for core in cores)
        else:
            yield Series(None, changes, longest)


def _latest(cores: Sequence[Event], left_out: list[Passed], remarks: list[Passed]) -> list[Event]:
    """Return the valid ones among events with the same UID.

    A higher SEQUENCE replaces a lower one (RFC 5545, section 3.8.7.4), and so does what comes later in the file where
    both start at the same time. Different starts are different lessons of an office that gives every event one UID.
    """
    newest = max((one.sequence for one in cores), default=0)
    by_start: dict[datetime, Event] = {}
    for one in cores:
        replaced = one if one.sequence < newest else by_start.get(one.start)
        if one.sequence == newest:
            by_start[one.start] = one
        if replaced:
            left_out.append(
                Passed(replaced.summary, replaced.where, "a later version of the same event is in the file")
            )
    kept = list(by_start.values())
    if len(kept) > 1:
        remarks.append(Passed(kept[0].summary, kept[1].where, f"has the same UID as the event of {kept[0].where}"))
    return kept
