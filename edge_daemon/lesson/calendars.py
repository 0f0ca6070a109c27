"""Reads calendar files. The result is the series of a room, and the events that are left out, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone
from itertools import count
from typing import Final

from edge_daemon.errors import TimetableError
from edge_daemon.lesson.event_reader import EventError, EventReader, ReadingRules
from edge_daemon.lesson.events import Event, no_lesson
from edge_daemon.lesson.exceptions import StartIndex
from edge_daemon.lesson.grouping import CalendarFindings, Grouper, Passed
from edge_daemon.lesson.ical_lines import Note, Source
from edge_daemon.lesson.ical_text import Component, components, plain_text
from edge_daemon.lesson.rooms import is_in_room, location
from edge_daemon.lesson.series import NEVER_MET, Series
from edge_daemon.lesson.zones import Zones

MOST_EVENTS: Final = 5000
"""Largest number of events of one room in one file. 40 lessons a week, listed one by one, fill it in three years."""

MOST_RELATED: Final = 20_000
"""Largest number of events of other rooms that are read because they may be a version of a lesson in this room."""

_MOST_NEVER_MET = 5
_PEEKED = frozenset({"UID", "SUMMARY", "RECURRENCE-ID"})


@dataclass(frozen=True, slots=True)
class Calendars:
    """The contents of one or more calendar files."""

    series: tuple[Series, ...]
    left_out: tuple[Passed, ...]
    """Events that can't be read or expanded, so that they give no lesson."""
    remarks: tuple[Passed, ...]
    """Events that are used, although they may not mean what they seem to."""
    rooms: tuple[str, ...]
    """All locations of events, as the files write them."""
    unusable: tuple[Passed, ...]
    """Files without any usable event for the room, although they have events for it."""
    events: int
    """Number of events of all rooms in all files."""


@dataclass(frozen=True, slots=True)
class ReadingScope:
    """Which events are read, and how.

    Args:
        rooms: names of the room; empty: the events of all rooms are read.
        longest: a longer event is cut to this length.
        rules: the settings for reading events.
    """

    rooms: tuple[str, ...]
    longest: timedelta
    rules: ReadingRules

    def is_here(self, place: str) -> bool:
        """Return whether a LOCATION names the room."""
        return is_in_room(place, self.rooms)


def read_calendars(sources: Sequence[Source], reading: ReadingScope) -> Calendars:
    """Read the events of a room from files.

    Raises:
        TimetableError: a file is not a calendar or is truncated, or has too many events or invalid rules for the room.
    """
    findings = CalendarFindings()
    series: list[Series] = []
    rooms: set[str] = set()
    unusable: list[Passed] = []
    order = count()
    events = 0
    for source in sources:
        file = _File(source, reading, findings)
        found = list(file.series(order))
        series += found
        rooms |= file.rooms
        events += file.events
        if file.of_room and not any(_can_be_used(one, reading) for one in found):
            unusable.append(Passed("", str(source.path), f"nothing in it can be used, of {file.of_room} events"))
    return Calendars(
        series=tuple(_with_orphans_of_other_files(series, findings)),
        left_out=tuple(findings.left_out),
        remarks=tuple(findings.remarks),
        rooms=tuple(sorted(rooms)),
        unusable=tuple(unusable),
        events=events,
    )


@dataclass(slots=True)
class _File:
    """A calendar file while it is being read."""

    source: Source
    reading: ReadingScope
    findings: CalendarFindings
    rooms: set[str] = field(default_factory=set)
    """All locations of events in the file."""
    events: int = 0
    """Number of events of all rooms."""
    of_room: int = 0
    uids: set[str] = field(default_factory=set)
    """UIDs of series in the room."""
    changed_uids: set[str] = field(default_factory=set)
    """UIDs of changed lessons in the room."""
    changed_elsewhere: set[str] = field(default_factory=set)
    """UIDs of changed lessons that are in other rooms.

    If a series of this room has such a UID, the change may still belong to another room's series. Series of other rooms
    with this UID are therefore read, too.
    """

    def series(self, order: Iterator[int]) -> Iterator[Series]:
        """Yield the series of the room that can be expanded into lessons."""
        rules = self.reading.rules
        zones = Zones(list(self._first_look()), rules.zone)
        notes: list[Note] = []
        events = list(self._events(EventReader(zones, str(self.source.path), rules), notes, order))
        notes += zones.notes()
        self.findings.remarks += [Passed("", self._where(note.line), note.why) for note in notes]
        grouper = Grouper(self.reading.is_here, self.reading.longest, not rules.are_holidays, self.findings)
        for one in grouper.series(events):
            if problem := one.problem():
                self._leave_out(one.head.summary, one.head.where, problem)
                continue
            head = one.head
            if head.rule and not head.all_day and str(rules.zone) != "UTC" and (where := _fixed(head)):
                why = f"repeats {where}: its local time moves when clocks change"
                self.findings.remarks.append(Passed(head.summary, head.where, why))
            yield one

    def _first_look(self) -> Iterator[Component]:
        """Count the events, collect locations and UIDs, and yield the time zones."""
        for component in components(self.source, frozenset({"VEVENT", "VTIMEZONE"})):
            if component.name == "VTIMEZONE":
                yield component
                continue
            self.events += 1
            place = location(component)
            self.rooms.add(place)
            uid, _, is_change = _peek(component)
            if self.reading.is_here(place):
                self.of_room += 1
                (self.changed_uids if is_change else self.uids).add(uid)
            elif is_change and place:
                self.changed_elsewhere.add(uid)
        self.rooms.discard("")
        if self.of_room > MOST_EVENTS:
            hint = "export fewer years, or set timetable.room"
            raise TimetableError(f"has more than {MOST_EVENTS} events for this room", str(self.source.path), hint)

    def _events(self, reader: EventReader, notes: list[Note], order: Iterator[int]) -> Iterator[Event]:
        """Yield the events of the room, and events of other rooms that may be related to them."""
        related = 0
        changes_wanted = self.uids | self.changed_uids
        series_wanted = self.changed_uids | (self.changed_elsewhere & self.uids)
        for component in components(self.source, frozenset({"VEVENT"}), notes):
            uid, summary, is_change = _peek(component)
            is_here = self.reading.is_here(location(component))
            if not is_here and uid not in (changes_wanted if is_change else series_wanted):
                if component.damage and not location(component):  # it may belong to this room
                    self._leave_out(summary, self._where(component.damage.line), component.damage.why)
                continue
            related += not is_here
            if not is_here and related > MOST_RELATED:
                continue
            try:
                yield reader.read(component, next(order))
            except EventError as e:
                if is_here or is_change:
                    stands_for = reader.replaced(component)
                    more = f"; it stands for the lesson of {stands_for}, which stays as it was" if stands_for else ""
                    self._leave_out(summary, self._where(e.line), e.why + more)
        if related > MOST_RELATED:
            notes.append(Note(1, f"more than {MOST_RELATED} events of other rooms have the UID of one of this room"))

    def _leave_out(self, what: str, where: str, why: str) -> None:
        left_out = self.findings.left_out
        left_out.append(Passed(what, where, why))
        if why == NEVER_MET and sum(out.why == NEVER_MET for out in left_out) > _MOST_NEVER_MET:
            raise TimetableError("has many rules that are never met", where, "correct them")

    def _where(self, line: int) -> str:
        return f"{self.source.path}, line {line}"


def _peek(component: Component) -> tuple[str, str, bool]:
    """Return an event's UID, its summary, and whether it is a changed lesson of a series. The rest is not parsed."""
    found = {one.name: one.value for one in reversed(list(component.properties(_PEEKED)))}
    return found.get("UID", "").strip(), plain_text(found.get("SUMMARY", "")), "RECURRENCE-ID" in found


def _fixed(event: Event) -> str:
    """Return a remark that an event repeats in UTC or at a fixed offset; empty if its zone has daylight saving time."""
    if event.start.tzname() == "UTC":
        return "in UTC"
    return "at a fixed offset from UTC" if isinstance(event.start.tzinfo, timezone) else ""


def _can_be_used(series: Series, reading: ReadingScope) -> bool:
    """Return whether a series has an event that gives a lesson or cancels one."""
    for event in filter(None, (series.core, *(change.event for change in series.changes))):
        lengths = [event.length, *(length for _, length in event.plus if length is not None)]
        if reading.rules.are_holidays or event.cancelled or any(not no_lesson(one, event.all_day) for one in lengths):
            return True
    return False


def _with_orphans_of_other_files(series: Sequence[Series], findings: CalendarFindings) -> Iterator[Series]:
    """Yield all series. A changed lesson without a series in its file is matched to a series of another file."""
    by_uid: dict[str, list[Event]] = {}
    for one in series:
        if one.core is not None:
            by_uid.setdefault(one.core.uid, []).append(one.core)
    for one in series:
        if one.core is not None:
            yield one
            continue
        cores = by_uid.get(one.head.uid, [])
        index = StartIndex(cores, [change.event.recurrence for change in one.changes if change.event.recurrence])
        changes = []
        for change in one.changes:
            hits = index.find(change.event.recurrence) if change.event.recurrence else []
            at = hits[0].at if hits else change.recurrence
            changes.append(replace(change, recurrence=at))
            if not hits:
                held = "cancels none" if change.event.cancelled else "is held all the same"
                why = f"is a version of a lesson that no file has, and {held}"
                findings.remarks.append(Passed(change.event.summary, change.event.where, why))
        yield replace(one, changes=tuple(changes))
