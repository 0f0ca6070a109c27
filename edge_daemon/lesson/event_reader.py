"""Reads an event of a calendar file. An event that can't become lessons raises an error with line and reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from functools import partial
from typing import Final

from edge_daemon.lesson.cancellations import STATUS, cancelled_by_word, is_status_cancelled
from edge_daemon.lesson.event_people import ATTENDEE, ORGANISER, people_of
from edge_daemon.lesson.events import Event, Exclusion, When, localised
from edge_daemon.lesson.ical_lines import Note
from edge_daemon.lesson.ical_text import Component, Property, plain_text
from edge_daemon.lesson.icalendar_limits import LIBRARY_ERRORS, time_value
from edge_daemon.lesson.recurrence_rules import FIRST_YEAR, LAST_YEAR, rule_parts, rule_remark, rule_text
from edge_daemon.lesson.rooms import location
from edge_daemon.lesson.zones import Zones

_NAMES: Final = frozenset(
    (
        *("UID", "DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "SEQUENCE"),
        *("STATUS", "SUMMARY", "CATEGORIES", "X-COURSE-ID", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS"),
        *(ORGANISER, ATTENDEE),
    )
)
_MANY: Final = frozenset({"RDATE", "EXDATE", "CATEGORIES", "RRULE", "EXRULE", ORGANISER, ATTENDEE})
_DECIDING: Final = frozenset({"UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "STATUS"})


class EventError(Exception):
    """The event can't become lessons. The error has the reason and the line."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.why, self.line = why, line


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """The settings for reading events.

    Args:
        zone: the school's time zone, for days and for times without a zone.
        cancelled_words: words of `timetable.cancelled_words`; an event that begins with one is not held.
        free_is_cancelled: True: an event that Outlook marks as free is not held.
        are_holidays: True: the events are holidays. They need no UID, no word cancels them, and a time in an unknown
            zone is read as a time in the school's zone.
    """

    zone: tzinfo
    cancelled_words: tuple[str, ...] = ()
    free_is_cancelled: bool = False
    are_holidays: bool = False


@dataclass(frozen=True, slots=True)
class EventReader:
    """Reads the events of one file.

    Args:
        zones: the file's time zones.
        path: path of the file, for messages.
        rules: the settings for reading events.
    """

    zones: Zones
    path: str
    rules: ReadingRules

    def read(self, component: Component, order: int) -> Event:
        """Return the event of a VEVENT.

        Raises:
            EventError: the event can't be read, or can't become lessons.
        """
        if component.damage:
            raise EventError(component.damage.why, component.damage.line)
        one, many = _sorted(component)
        notes = list(_double(component))
        if many.get("EXRULE"):
            raise EventError("has an EXRULE, which is not read", many["EXRULE"][0].line)
        version_of = one.get("RECURRENCE-ID")
        recurrence = self._when(version_of, notes) if version_of else None
        reach = version_of.params.get("RANGE", "").strip().upper() if version_of else ""
        if version_of and reach not in ("", "THISANDFUTURE"):
            notes.append(Note(version_of.line, f"its RANGE={reach[:20]} is not read; it changes one lesson only"))
        cancelled = self._cancelled(component, one, many, notes)
        start = self._start(component, one, recurrence if cancelled else None, notes)
        all_day = not isinstance(start, datetime)
        began = localised(start, self.rules.zone)
        return Event(
            uid=self._uid(component, one),
            path=self.path,
            line=component.line,
            order=order,
            start=began,
            length=self._length(one, began, all_day, notes, needed=not cancelled or recurrence is None),
            all_day=all_day,
            rule=self._rule(many.get("RRULE", []), began, recurrence is not None, notes),
            plus=tuple(found for more in many.get("RDATE", []) for found in self._plus(more, notes)),
            minus=tuple(found for less in many.get("EXDATE", []) for found in self._minus(less, notes)),
            recurrence=recurrence,
            and_later=reach == "THISANDFUTURE",
            sequence=_number(one.get("SEQUENCE")),
            cancelled=cancelled,
            location=location(component),
            course_id=_text(one.get("X-COURSE-ID")),
            category=next(_categories(many.get("CATEGORIES", [])), ""),
            summary=_text(one.get("SUMMARY")),
            notes=tuple(notes),
            people=people_of(many.get(ORGANISER, []), many.get(ATTENDEE, [])),
        )

    def replaced(self, component: Component) -> str:
        """Return in words which lesson an event replaces; empty if the event replaces none."""
        given = _sorted(component)[0].get("RECURRENCE-ID")
        if given is None:
            return ""
        try:
            when = self._when(given, [])
        except EventError:
            return given.value[:40]
        if not isinstance(when, datetime):
            return f"{when}"
        return f"{localised(when, self.rules.zone).astimezone(self.rules.zone):%Y-%m-%d %H:%M}"

    def _uid(self, component: Component, one: dict[str, Property]) -> str:
        uid = one["UID"].value.strip() if "UID" in one else ""
        if uid:
            return uid
        if self.rules.are_holidays:
            return f"line {component.line}"
        raise EventError("has no UID, so its lessons would have no permanent id", component.line)

    def _start(self, component: Component, one: dict[str, Property], instead: When | None, notes: list[Note]) -> When:
        """Return the event's start. A cancelled lesson of a series needs no DTSTART."""
        try:
            if "DTSTART" not in one:
                raise EventError("has no start", component.line)
            return self._when(one["DTSTART"], notes)
        except EventError:
            if instead is None:
                raise
            return localised(instead, self.rules.zone)

    def _cancelled(
        self, component: Component, one: dict[str, Property], many: dict[str, list[Property]], notes: list[Note]
    ) -> str:
        if component.method == "CANCEL" or is_status_cancelled(_text(one.get("STATUS"))):
            return STATUS
        words = self.rules.cancelled_words
        by_word = cancelled_by_word(_text(one.get("SUMMARY")), _categories(many.get("CATEGORIES", [])), words)
        is_free = (
            _text(one.get("X-MICROSOFT-CDO-BUSYSTATUS")).upper() == "FREE"
            and _text(one.get("TRANSP")).upper() == "TRANSPARENT"
        )
        if self.rules.are_holidays:
            if by_word:
                notes.append(
                    Note(component.line, f"{by_word}; only STATUS:CANCELLED cancels a day off, so it stays one")
                )
            return ""
        if by_word:
            return by_word
        if is_free and self.rules.free_is_cancelled:
            return "is cancelled: it is marked as free, timetable.free_is_cancelled"
        if is_free:
            notes.append(Note(component.line, "is marked as free and is held; see timetable.free_is_cancelled"))
        return ""

    def _when(self, given: Property, notes: list[Note]) -> When:
        value = _guarded(given, partial(time_value, given.value.strip()))
        if not isinstance(value, date):
            raise EventError(f"{given.name} is not a time", given.line)
        return self._with_zone(value, given, notes)

    def _with_zone(self, value: When, given: Property, notes: list[Note]) -> When:
        if not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise EventError(f"{given.name} is in the year {value.year}", given.line)
        if not isinstance(value, datetime):
            return value
        tzid = given.params.get("TZID", "")
        if value.tzinfo is not None:
            return self._of_offset(value)
        if not tzid:
            return value
        zone = self.zones.find(tzid, value.year)
        if zone is None:
            if given.name != "EXDATE" and not self.rules.are_holidays:
                raise EventError(f"the time zone {tzid[:60]!r} is not known", given.line)
            notes.append(
                Note(given.line, f"the time zone {tzid[:60]!r} of its {given.name} is not known; read without")
            )
            return value
        return value.replace(tzinfo=zone)

    def _of_offset(self, value: datetime) -> datetime:
        """Return a time with an offset such as +0200, moved to the school's zone if the zone has this offset then."""
        school = value.astimezone(self.rules.zone)
        is_schools = value.tzinfo is not timezone.utc and school.utcoffset() == value.utcoffset()
        return school if is_schools else value

    def _plus(self, given: Property, notes: list[Note]) -> list[tuple[When, timedelta | None]]:
        found: list[tuple[When, timedelta | None]] = []
        for text in filter(None, (part.strip() for part in given.value.split(","))):
            when, last = self._moment(given, text, notes)
            found.append((when, last))
        return found

    def _minus(self, given: Property, notes: list[Note]) -> Iterator[Exclusion]:
        """Yield the times of an EXDATE. For a time that can't be read, a note is added instead."""
        for text in filter(None, (part.strip() for part in given.value.split(","))):
            try:
                yield Exclusion(self._moment(given, text, notes)[0], text[:40], given.line)
            except EventError as e:
                notes.append(Note(e.line, f"{e.why}; the lesson that it means is held"))

    def _moment(self, given: Property, text: str, notes: list[Note]) -> tuple[When, timedelta | None]:
        value = _guarded(given, partial(time_value, text))
        first, last = value if isinstance(value, tuple) else (value, None)
        if not isinstance(first, date):
            raise EventError(f"{given.name} is not a time", given.line)
        if isinstance(first, datetime) and isinstance(last, datetime):
            last -= first
        return self._with_zone(first, given, notes), last if isinstance(last, timedelta) else None

    def _length(
        self, one: dict[str, Property], start: datetime, all_day: bool, notes: list[Note], *, needed: bool
    ) -> timedelta:
        try:
            return self._given_length(one, start, all_day, notes)
        except EventError:
            if needed:
                raise
            return timedelta(0)

    def _given_length(self, one: dict[str, Property], start: datetime, all_day: bool, notes: list[Note]) -> timedelta:
        if "DTEND" in one:
            end = localised(self._when(one["DTEND"], notes), start.tzinfo or self.rules.zone)
            length = end.astimezone(start.tzinfo).replace(tzinfo=None) - start.replace(tzinfo=None)
        elif "DURATION" in one:
            given = one["DURATION"]
            value = _guarded(given, partial(time_value, given.value.strip()))
            if not isinstance(value, timedelta):
                raise EventError("DURATION is not a length of time", given.line)
            length = value
        else:
            length = timedelta(0)
        if all_day and not length:  # many programs write a day as the end of the same day
            length = timedelta(days=1)
        if length < timedelta(0):
            raise EventError("ends before it starts", _time_line(one))
        if self.rules.are_holidays and not length:
            is_day = start.time() == time()
            why = "has no end, and counts as the whole day" if is_day else "takes 0 s, so it cancels no lesson"
            notes.append(Note(_time_line(one), why))
            length = timedelta(days=1) if is_day else length
        return length

    def _rule(self, given: list[Property], start: datetime, moved: bool, notes: list[Note]) -> str:
        given = list({one.value.strip().upper(): one for one in given if one.value.strip()}.values())
        if not given or moved:
            return ""
        if len(given) > 1:
            raise EventError("has more than one RRULE", given[1].line)
        try:
            parts = rule_parts(given[0].value)
        except ValueError as e:
            raise EventError(str(e), given[0].line) from e
        if remark := rule_remark(parts):
            notes.append(Note(given[0].line, remark))
        if "UNTIL" not in parts:
            return rule_text(parts, None)
        until = _guarded(given[0], partial(time_value, parts["UNTIL"]))
        if not isinstance(until, date):
            raise EventError("UNTIL is not a time", given[0].line)
        if not isinstance(until, datetime):  # a lesson on the day itself is still held
            until = datetime.combine(until, time(23, 59, 59))
        return rule_text(parts, localised(until, start.tzinfo or self.rules.zone))


def _sorted(component: Component) -> tuple[dict[str, Property], dict[str, list[Property]]]:
    one: dict[str, Property] = {}
    many: dict[str, list[Property]] = {}
    for found in component.properties(_NAMES):
        if found.name in _MANY:
            many.setdefault(found.name, []).append(found)
        else:
            one.setdefault(found.name, found)
    return one, many


def _double(component: Component) -> Iterator[Note]:
    """Yield a note for each property that occurs twice with different values. A line break in a text can cause this."""
    first: dict[str, str] = {}
    for found in component.properties(_DECIDING):
        if first.setdefault(found.name, found.value.strip()) != found.value.strip():
            yield Note(found.line, f"has more than one {found.name}; the first counts")


def _guarded(given: Property, parse: Callable[[], object]) -> object:
    try:
        return parse()
    except LIBRARY_ERRORS as e:
        raise EventError(f"{given.name} can't be read: {given.value[:40]!r}", given.line) from e


def _text(given: Property | None) -> str:
    return plain_text(given.value) if given else ""


def _categories(given: list[Property]) -> Iterator[str]:
    parts = (plain_text(part) for one in given for part in re.split(r"(?<!\\),", one.value))
    return filter(None, parts)


def _time_line(one: Mapping[str, Property]) -> int:
    """Return the line of the first property with a date. A changed lesson of a series may have no DTSTART."""
    return next((one[name].line for name in ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID") if name in one), 0)


def _number(given: Property | None) -> int:
    text = given.value.strip() if given else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
