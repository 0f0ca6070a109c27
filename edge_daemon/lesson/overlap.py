"""Resolves lessons that overlap in a room.

The lesson that begins first has the room until its end. The next lesson begins only then; it is dropped if less than
half of it would remain. If two lessons begin together, the shorter one comes first, and the longer one gets the rest of
its time. If they also have the same length, the one that comes first in the files comes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from edge_daemon.lesson.event_people import People
from edge_daemon.types import Lesson


@dataclass(frozen=True, slots=True)
class PlannedLesson:
    """A lesson with the event that it comes from."""

    lesson: Lesson
    where: str
    order: int
    """Position of the event among all events of all files."""
    event_start: datetime
    """The event's start, before the previous lesson delayed it."""
    people: People = ()
    """Mail addresses of people who may teach the lesson."""


def settle(planned: Iterable[PlannedLesson]) -> tuple[list[PlannedLesson], list[tuple[PlannedLesson, str]]]:
    """Return the lessons so that none overlap, sorted, and the dropped lessons, each with the reason."""
    kept: list[PlannedLesson] = []
    beaten: list[tuple[PlannedLesson, str]] = []
    for one in sorted(planned, key=lambda p: (p.lesson.start, p.lesson.end, p.order)):
        free = kept[-1].lesson.end if kept else one.lesson.start
        if free <= one.lesson.start:
            kept.append(one)
        elif one.lesson.end - free < (one.lesson.end - one.lesson.start) / 2:
            beaten.append((one, f"overlaps {kept[-1].lesson.course or 'the event'} of {kept[-1].where}"))
        else:
            kept.append(replace(one, lesson=replace(one.lesson, start=free)))
    return kept, beaten
