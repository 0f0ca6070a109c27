"""Time zones by the name that a calendar has for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from edge_daemon.lesson.ical_text import Component
from edge_daemon.lesson.icalendar_limits import LIBRARY_ERRORS

_MOST_LINES = 2000
"""Of a VTIMEZONE; Outlook's longest have some hundred."""


class Zones:
    """The time zones of one calendar file.

    A name of the IANA database means what that says today, even where the file brings its own, mostly older,
    VTIMEZONE; next come the names of Windows, then the file's own rules, last the end of a name such as
    `/example.org/20200101_1/Europe/Berlin` (RFC 5545, section 3.2.19).
    """

    def __init__(self, definitions: Sequence[Component]) -> None:
        self._definitions = {name: one for one in definitions if (name := _tzid(one))}
        self._found: dict[str, tzinfo | None] = {}

    def find(self, tzid: str) -> tzinfo | None:
        """Return the time zone of this name, None where nobody knows it."""
        if tzid not in self._found:
            self._found[tzid] = self._look_up(tzid)
        return self._found[tzid]

    def _look_up(self, tzid: str) -> tzinfo | None:
        name = tzid.strip().strip("/")
        known: tzinfo | None = _iana(name) or _iana(WINDOWS_TO_OLSON.get(name, ""))
        if known is None and tzid in self._definitions:
            known = _own(self._definitions[tzid])
        if known is None and tzid.startswith("/"):
            known = next((zone for end in _ends(name) if (zone := _iana(end))), None)
        return known


def _iana(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of the database
        return None


def _ends(name: str) -> Iterator[str]:
    parts = name.split("/")
    yield from ("/".join(parts[at:]) for at in range(1, len(parts)))


def _tzid(definition: Component) -> str:
    return next((one.value for one in definition.properties(frozenset({"TZID"}))), "")


def _own(definition: Component) -> tzinfo | None:
    """Return the time zone that a VTIMEZONE describes, None where it makes no sense."""
    rules = definition.properties(frozenset({"RRULE"}))
    # Its rules are gone through from their beginning: yearly ones cost nothing, others could cost hours.
    if len(definition.lines) > _MOST_LINES or any("FREQ=YEARLY" not in rule.value.upper() for rule in rules):
        return None
    text = "\r\n".join(line for _, line in definition.lines)
    try:
        component = Timezone.from_ical(text)
        return component.to_tz(lookup_tzid=False) if isinstance(component, Timezone) else None
    except LIBRARY_ERRORS:
        return None
