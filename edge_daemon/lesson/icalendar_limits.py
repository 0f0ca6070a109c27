"""Defines which values of a calendar are read, and which errors icalendar and dateutil raise for invalid ones."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from typing import Final

from icalendar.prop import vDDDTypes

LIBRARY_ERRORS: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, AssertionError)
"""Errors that both libraries raise for invalid values.

They document only ValueError, but a year 0, BYDAY=60MO or INTERVAL=10^12 raises another.
"""

TimeValue = date | datetime | time | timedelta | tuple[datetime, datetime | timedelta]

_MOMENT: Final = re.compile(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})"
    r"(?:[T ]([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?(?:[.,][0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)


def time_value(text: str) -> TimeValue:
    """Return the value of a property such as DTSTART or DURATION; a period is a pair. No time zone is applied.

    Beyond RFC 5545 it accepts a time without seconds, an offset from UTC, the separators of ISO 8601, and 24:00.

    Raises:
        ValueError: the text is not such a value; other `LIBRARY_ERRORS` are possible.
    """
    if match := _MOMENT.fullmatch(text):
        return _moment(match)
    first, slash, last = text.partition("/")
    if slash and (match := _MOMENT.fullmatch(first)):
        start, end = _moment(match), time_value(last)
        if isinstance(start, datetime) and isinstance(end, (datetime, timedelta)):
            return start, end
        raise ValueError(f"no period: {text[:40]}")
    value: TimeValue = vDDDTypes.from_ical(text)  # type: ignore[no-untyped-call]
    return value


def _moment(match: re.Match[str]) -> date | datetime:
    year, month, day, hour, minute, second, zone = match.groups()
    found = date(int(year), int(month), int(day))
    if hour is None:
        return found
    is_midnight = (hour, minute, second or "00") == ("24", "00", "00")
    clock = time(0 if is_midnight else int(hour), int(minute), min(int(second or 0), 59))
    at = datetime.combine(found, clock) + timedelta(days=1 if is_midnight else 0)
    return at if zone is None else at.replace(tzinfo=_offset(zone))


def _offset(text: str) -> timezone:
    if text.upper() == "Z":
        return timezone.utc
    minutes = 60 * int(text[1:3]) + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
