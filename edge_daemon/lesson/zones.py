"""Resolves the time zone names of a calendar file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone, tzinfo
from typing import Final

from icalendar import Timezone

from edge_daemon.lesson.ical_lines import Note
from edge_daemon.lesson.ical_text import Component, parameter_text
from edge_daemon.lesson.icalendar_limits import LIBRARY_ERRORS
from edge_daemon.lesson.recurrence_rules import rule_parts
from edge_daemon.lesson.zone_names import described_zone, iana_zone, windows_zone

_MOST_LINES: Final = 2000
"""Largest number of lines in a VTIMEZONE. Outlook's longest ones have a few hundred."""
_MOST_YEARS: Final = 4
"""Largest number of years in which a VTIMEZONE is compared. Each year takes 50 ms."""
_NOT_OF_A_ZONE: Final = ("EXDATE", "EXRULE")
"""Properties that a VTIMEZONE must not have (RFC 5545, section 3.6.5), and with which the libraries fail later."""
_CLOCK: Final = ("BYHOUR", "BYMINUTE", "BYSECOND")
_YEAR = re.compile(r"(?:^|[:,])([0-9]{4})[0-9]{4}")
_UNTIL = re.compile(r"UNTIL=([0-9]{4})", re.IGNORECASE)


class Zones:
    """The time zones of one calendar file.

    A name is looked up in this order: in the IANA database; among the names of Windows; among names made from those; in
    the file's own VTIMEZONEs. VTIMEZONEs come last, because they are often older than the IANA database. If none has
    the name, the end of a name such as `/example.org/20200101_1/Europe/Berlin` is looked up (RFC 5545, section 3.2.19).

    Args:
        definitions: the VTIMEZONEs of the file.
        school: the school's zone, with which a zone that only the file defines is compared.
    """

    def __init__(self, definitions: Sequence[Component], school: tzinfo) -> None:
        self._definitions = {_folded(name): one for one in definitions if (name := _tzid(one))}
        self._school = school
        self._found: dict[str, tzinfo | None] = {}
        self._years: dict[str, set[int]] = {}
        self._own: dict[str, tzinfo | None] = {}

    def find(self, tzid: str, year: int) -> tzinfo | None:
        """Return the time zone with this name, None if it is unknown; store for `notes` that the file uses it.

        Args:
            tzid: name of the zone, as `parameter_text` returns it.
            year: year of the time that has this zone. `notes` compares zones in this year and the next one.
        """
        name = _folded(tzid)
        if name not in self._found:
            self._found[name] = self._look_up(tzid, name)
        year = max(year, datetime.now(timezone.utc).year - 1)  # older years affect no lesson
        self._years.setdefault(name, set()).update((year, year + 1))
        return self._found[name]

    def notes(self) -> Iterator[Note]:
        """Yield a note for each used VTIMEZONE that differs from the known zone of its name.

        A VTIMEZONE whose name is unknown is compared with the school's zone.
        """
        for name, years in self._years.items():
            definition, used = self._definitions.get(name), self._found[name]
            own = self._own_zone(name)
            if definition is None or used is None or own is None:
                continue
            is_known = used is not own
            other = used if is_known else self._school
            at = _first_difference(own, other, sorted(years)[:_MOST_YEARS])
            if at is None:
                continue
            ended = _last_year(definition)
            until = f", and its rules end in {ended}" if ended and ended < at.year else ""
            against, holds = (f"{other}", f"{other}") if is_known else (f"the school's {other}", "the file's")
            yield Note(
                definition.line,
                f"the VTIMEZONE {_tzid(definition)[:60]!r} has {_offset(own, at)} on {at:%Y-%m-%d}, but {against} has"
                f" {_offset(other, at)}{until}; {holds} holds",
            )

    def _look_up(self, tzid: str, name: str) -> tzinfo | None:
        bare = tzid.strip("/")
        known: tzinfo | None = iana_zone(bare) or windows_zone(bare) or described_zone(bare)
        if known is None:
            known = self._own_zone(name)
        if known is None and tzid.startswith("/"):
            known = next((zone for end in _ends(bare) if (zone := iana_zone(end))), None)
        return known

    def _own_zone(self, name: str) -> tzinfo | None:
        if name not in self._own:
            definition = self._definitions.get(name)
            self._own[name] = None if definition is None else _made(definition)
        return self._own[name]


def _folded(tzid: str) -> str:
    return tzid.strip().casefold()


def _ends(name: str) -> Iterator[str]:
    parts = name.split("/")
    yield from ("/".join(parts[at:]) for at in range(1, len(parts)))


def _tzid(definition: Component) -> str:
    return next((parameter_text(one.value) for one in definition.properties(frozenset({"TZID"}))), "")


def _made(definition: Component) -> tzinfo | None:
    """Return the time zone that a VTIMEZONE describes; None if it is invalid."""
    # The libraries expand its rules from their start: yearly rules are cheap, others could take hours.
    lines = [_yearly(line) for _, line in definition.lines if not line.upper().startswith(_NOT_OF_A_ZONE)]
    rules = [line for line in lines if line.upper().startswith("RRULE")]
    if definition.damage or len(lines) > _MOST_LINES or not all(map(_is_sound, rules)):
        return None
    try:
        component = Timezone.from_ical("\r\n".join(lines))
        if not isinstance(component, Timezone):
            return None
        zone: tzinfo = component.to_tz(lookup_tzid=False)
        _offset(zone, datetime.now())  # noqa: DTZ005 - of any clock; some mistakes show only here
        return zone
    except LIBRARY_ERRORS:
        return None


def _is_sound(rule: str) -> bool:
    """Return whether a VTIMEZONE rule is yearly, at one time of day, and valid. The libraries do not check this."""
    try:
        parts = rule_parts(rule.partition(":")[2])
    except ValueError:
        return False
    return parts["FREQ"] == "YEARLY" and not any("," in parts.get(name, "") for name in _CLOCK)


def _yearly(line: str) -> str:
    """Return a rule line; a monthly rule with a fixed month is returned as the equivalent yearly rule."""
    upper = line.upper()
    if upper.startswith("RRULE") and "BYMONTH=" in upper and "INTERVAL" not in upper:
        return re.sub("FREQ=MONTHLY", "FREQ=YEARLY", line, flags=re.IGNORECASE)
    return line


def _last_year(definition: Component) -> int | None:
    """Return the last year for which a VTIMEZONE with several offsets has a rule; None if its rules do not end."""
    properties = list(definition.properties(frozenset({"RRULE", "DTSTART", "RDATE"})))
    rules = [one.value for one in properties if one.name == "RRULE"]
    ends = [int(match[1]) for rule in rules if (match := _UNTIL.search(rule))]
    starts = [one for one in properties if one.name != "RRULE"]
    if len(ends) < len(rules) or len([one for one in starts if one.name == "DTSTART"]) < 2:
        return None
    return max([*ends, *(int(year) for one in starts for year in _YEAR.findall(one.value))], default=None)


def _first_difference(one: tzinfo, other: tzinfo, years: Sequence[int]) -> datetime | None:
    middles = (datetime(year, month, 15, 12) for year in years for month in range(1, 13))  # noqa: DTZ001 - any clock
    return next((at for at in middles if _offset(one, at) != _offset(other, at)), None)


def _offset(zone: tzinfo, at: datetime) -> str:
    return f"UTC{at.replace(tzinfo=zone):%z}"
