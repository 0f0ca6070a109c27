"""The events of a calendar. Each time has the zone that the calendar gives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from edge_daemon.lesson.event_people import People
from edge_daemon.lesson.ical_lines import Note
from edge_daemon.lesson.plan import SLOT_S

When = date | datetime
"""A day, a time without a zone, or a time with its zone."""

LONGEST: Final = timedelta(hours=12)
"""Longest lesson. A longer event is a trip or an exhibition."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One time of an EXDATE."""

    when: When
    text: str
    """The time as the file writes it."""
    line: int


@dataclass(frozen=True, slots=True)
class Event:
    """A VEVENT: a lesson, a series of lessons, or one lesson of a series that was changed."""

    uid: str
    path: str
    line: int
    order: int
    """Position among all events of all files."""
    start: datetime
    """Start of the event, with its zone. An all-day event starts at midnight in the school's zone."""
    length: timedelta
    """Length of the event by the local clock."""
    all_day: bool
    rule: str
    plus: tuple[tuple[When, timedelta | None], ...]
    """RDATE: further starts, each with a length; None: the event's length."""
    minus: tuple[Exclusion, ...]
    """EXDATE: times of lessons that are not held."""
    recurrence: When | None
    """RECURRENCE-ID: the lesson of the series that this event replaces."""
    and_later: bool
    """True: the event also replaces all later lessons of the series (RANGE=THISANDFUTURE)."""
    sequence: int
    cancelled: str
    """The reason why the event is not held; empty: it is held."""
    location: str
    course_id: str
    category: str
    summary: str
    notes: tuple[Note, ...]
    """Notes about details that are used although they may be meant differently."""
    people: People = ()
    """Mail addresses of people who may teach the lesson."""

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.path}, line {self.line}"


def no_lesson(length: timedelta, all_day: bool) -> str:
    """Return why an event of this length can't be a lesson; empty if it can."""
    if all_day:
        return "is an all-day event"
    if length < timedelta(seconds=SLOT_S):
        return f"takes {length.total_seconds():g} s"
    if length > LONGEST:
        return f"takes longer than {LONGEST.total_seconds() / 3600:g} h"
    return ""


def localised(when: When, zone: tzinfo) -> datetime:
    """Return a time with a zone. A time that has a zone keeps it; others get `zone`. A day becomes its midnight."""
    if not isinstance(when, datetime):
        when = datetime.combine(when, time())
    return when.replace(tzinfo=zone) if when.tzinfo is None else when
