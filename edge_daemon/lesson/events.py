"""Events of a calendar, their times with a zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

When = date | datetime
"""A day, a floating time, or a time with its zone."""


@dataclass(frozen=True, slots=True)
class Event:
    """A VEVENT: a lesson, a series of lessons, or one lesson of a series that was changed."""

    uid: str
    where: str
    """File and line."""
    order: int
    """Place among all events of all files."""
    start: datetime
    """With its zone; of an all-day event midnight in the school's."""
    length: timedelta
    """By the clock on the wall."""
    all_day: bool
    rule: str
    plus: tuple[tuple[When, timedelta | None], ...]
    """RDATE: further starts, with a length of their own where they have one."""
    minus: tuple[When, ...]
    """EXDATE."""
    recurrence: When | None
    """RECURRENCE-ID: of which lesson of the series this is another version."""
    and_later: bool
    """The lessons after that one are changed, too."""
    sequence: int
    cancelled: bool
    location: str
    course_id: str
    category: str
    summary: str


def localised(when: When, zone: tzinfo) -> datetime:
    """Return a time as it is, a floating one in the zone, and the midnight that begins a day."""
    if not isinstance(when, datetime):
        when = datetime.combine(when, time())
    return when.replace(tzinfo=zone) if when.tzinfo is None else when
