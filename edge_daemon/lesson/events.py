"""Events of a calendar, their times with a zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from edge_daemon.lesson.event_people import People
from edge_daemon.lesson.ical_lines import Note
from edge_daemon.lesson.plan import SLOT_S

When = date | datetime
"""A day, a floating time, or a time with its zone."""

LONGEST: Final = timedelta(hours=12)
"""A longer event is a trip or an exhibition, not a lesson."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One time of an EXDATE."""

    when: When
    text: str
    """As it is written."""
    line: int


@dataclass(frozen=True, slots=True)
class Event:
    """A VEVENT: a lesson, a series of lessons, or one lesson of a series that was changed."""

    uid: str
    path: str
    line: int
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
    minus: tuple[Exclusion, ...]
    """EXDATE."""
    recurrence: When | None
    """RECURRENCE-ID: of which lesson of the series this is another version."""
    and_later: bool
    """The lessons after that one are changed, too."""
    sequence: int
    cancelled: str
    """Why it is not held; empty: it is held."""
    location: str
    course_id: str
    category: str
    summary: str
    notes: tuple[Note, ...]
    """What of it is read, but may not be what was meant."""
    people: People = ()
    """Who may teach it."""

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.path}, line {self.line}"


def no_lesson(length: timedelta, all_day: bool) -> str:
    """Return why an event of this length can be no lesson; empty: it can."""
    if all_day:
        return "is an all-day event"
    if length < timedelta(seconds=SLOT_S):
        return f"takes {length.total_seconds():g} s"
    if length > LONGEST:
        return f"takes longer than {LONGEST.total_seconds() / 3600:g} h"
    return ""


def localised(when: When, zone: tzinfo) -> datetime:
    """Return a time as it is, a floating one in the zone, and the midnight that begins a day."""
    if not isinstance(when, datetime):
        when = datetime.combine(when, time())
    return when.replace(tzinfo=zone) if when.tzinfo is None else when
