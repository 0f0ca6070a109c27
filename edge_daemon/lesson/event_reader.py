"""Reading an event of a calendar file; one that can't become lessons is refused with its line and the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Final

from edge_daemon.lesson.events import Event, When, localised
from edge_daemon.lesson.ical_text import Component, Property, plain_text
from edge_daemon.lesson.icalendar_limits import LIBRARY_ERRORS, time_value
from edge_daemon.lesson.recurrence_rules import FIRST_YEAR, LAST_YEAR, rule_parts, rule_text
from edge_daemon.lesson.zones import Zones

_NAMES: Final = frozenset(
    (
        *("UID", "DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "SEQUENCE"),
        *("STATUS", "LOCATION", "SUMMARY", "CATEGORIES", "X-COURSE-ID"),
    )
)
_MANY: Final = frozenset({"RDATE", "EXDATE", "CATEGORIES", "RRULE", "EXRULE"})


class EventError(Exception):
    """An event that can't become lessons, with the reason and the line."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.why, self.line = why, line


@dataclass(frozen=True, slots=True)
class EventReader:
    """Reads the events of one file.

    Args:
        zones: the file's time zones.
        zone: the school's, for floating times and days.
        path: the file's name as it is shown.
    """

    zones: Zones
    zone: tzinfo
    path: str

    def read(self, component: Component, order: int) -> Event:
        """Return the event of a VEVENT.

        Raises:
            EventError: it can't be read, or can't become lessons.
        """
        one, many = _sorted(component)
        if "UID" not in one or not one["UID"].value.strip():
            raise EventError("has no UID, so its lessons would have no lasting id", component.line)
        if "DTSTART" not in one:
            raise EventError("has no start", component.line)
        if many.get("EXRULE"):
            raise EventError("has an EXRULE, which is not read", many["EXRULE"][0].line)
        start = self._when(one["DTSTART"])
        all_day = not isinstance(start, datetime)
        began = localised(start, self.zone)
        moved = one.get("RECURRENCE-ID")
        return Event(
            uid=one["UID"].value.strip(),
            where=f"{self.path}, line {component.line}",
            order=order,
            start=began,
            length=self._length(one, began, all_day),
            all_day=all_day,
            rule=self._rule(many.get("RRULE", []), began, moved is not None),
            plus=tuple(found for more in many.get("RDATE", []) for found in self._plus(more)),
            minus=tuple(when for less in many.get("EXDATE", []) for when, _ in self._plus(less)),
            recurrence=self._when(moved) if moved else None,
            and_later=moved is not None and moved.params.get("RANGE", "").upper() == "THISANDFUTURE",
            sequence=_number(one.get("SEQUENCE")),
            cancelled=component.method == "CANCEL" or _text(one.get("STATUS")).upper() == "CANCELLED",
            location=_text(one.get("LOCATION")),
            course_id=_text(one.get("X-COURSE-ID")),
            category=_category(many.get("CATEGORIES", [])),
            summary=_text(one.get("SUMMARY")),
        )

    def _when(self, given: Property) -> When:
        value = _guarded(given, partial(time_value, given.value.strip()))
        if not isinstance(value, date):
            raise EventError(f"{given.name} is not a time", given.line)
        return self._with_zone(value, given)

    def _with_zone(self, value: When, given: Property) -> When:
        if not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise EventError(f"{given.name} is in the year {value.year}", given.line)
        tzid = given.params.get("TZID", "")
        if not isinstance(value, datetime) or not tzid:
            return value
        zone = self.zones.find(tzid)
        if zone is None:
            raise EventError(f"the time zone {tzid[:60]!r} is not known", given.line)
        return value.replace(tzinfo=zone) if value.tzinfo is None else value

    def _plus(self, given: Property) -> list[tuple[When, timedelta | None]]:
        found: list[tuple[When, timedelta | None]] = []
        for text in filter(None, (part.strip() for part in given.value.split(","))):
            value = _guarded(given, partial(time_value, text))
            first, last = value if isinstance(value, tuple) else (value, None)
            if not isinstance(first, date):
                raise EventError(f"{given.name} is not a time", given.line)
            if isinstance(first, datetime) and isinstance(last, datetime):
                last -= first
            found.append((self._with_zone(first, given), last if isinstance(last, timedelta) else None))
        return found

    def _length(self, one: dict[str, Property], start: datetime, all_day: bool) -> timedelta:
        if "DTEND" in one:
            end = localised(self._when(one["DTEND"]), start.tzinfo or self.zone)
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
            raise EventError("ends before it starts", one["DTSTART"].line)
        return length

    def _rule(self, given: list[Property], start: datetime, moved: bool) -> str:
        given = list({one.value.strip().upper(): one for one in given if one.value.strip()}.values())
        if not given or moved:
            return ""
        if len(given) > 1:
            raise EventError("has more than one RRULE", given[1].line)
        try:
            parts = rule_parts(given[0].value)
        except ValueError as e:
            raise EventError(str(e), given[0].line) from e
        if "UNTIL" not in parts:
            return rule_text(parts, None)
        until = _guarded(given[0], partial(time_value, parts["UNTIL"]))
        if not isinstance(until, date):
            raise EventError("UNTIL is not a time", given[0].line)
        if not isinstance(until, datetime):  # the day itself still has its lesson
            until = datetime.combine(until, time(23, 59, 59))
        return rule_text(parts, localised(until, start.tzinfo or self.zone))


def _sorted(component: Component) -> tuple[dict[str, Property], dict[str, list[Property]]]:
    one: dict[str, Property] = {}
    many: dict[str, list[Property]] = {}
    for found in component.properties(_NAMES):
        if found.name in _MANY:
            many.setdefault(found.name, []).append(found)
        else:
            one.setdefault(found.name, found)
    return one, many


def _guarded(given: Property, parse: Callable[[], object]) -> object:
    try:
        return parse()
    except LIBRARY_ERRORS as e:
        raise EventError(f"{given.name} can't be read: {given.value[:40]!r}", given.line) from e


def _text(given: Property | None) -> str:
    return plain_text(given.value) if given else ""


def _category(given: list[Property]) -> str:
    parts = (plain_text(part) for one in given for part in re.split(r"(?<!\\),", one.value))
    return next(filter(None, parts), "")


def _number(given: Property | None) -> int:
    text = given.value.strip() if given else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
