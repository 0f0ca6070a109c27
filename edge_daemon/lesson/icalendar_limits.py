"""The one place that knows what icalendar, recurring-ical-events and dateutil do with values that make no sense."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from icalendar.prop import vDDDTypes

LIBRARY_ERRORS: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, AssertionError)
"""They document ValueError only; a year 0, BYDAY=60MO or INTERVAL=10^12 shows the others."""

TimeValue = date | datetime | time | timedelta | tuple[datetime, datetime | timedelta]


def time_value(text: str) -> TimeValue:
    """Return the value of a property such as DTSTART, DURATION or, a pair, a period; its time zone is not applied.

    Raises:
        ValueError: it is none; or another of `LIBRARY_ERRORS`.
    """
    value: TimeValue = vDDDTypes.from_ical(text)  # type: ignore[no-untyped-call]
    return value
