"""What the timetable says now of a lesson that has begun: held, moved, called off, or no longer there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

from edge_daemon.lesson.lesson_ids import moved_lesson_id
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lesson_events, lessons, plans
from edge_daemon.types import Lesson

if TYPE_CHECKING:  # it loads libraries of calendars, which a worker does not need
    from edge_daemon.app.opening.timetable_files import HasLessons

_DAY: Final = timedelta(days=1)
_PAST: Final = timedelta(days=14)
"""A timetable without any lesson of so long a time before this one is an export of what comes only."""
_FAR: Final = timedelta(days=28)
"""So far ahead a lesson is looked for by its own id: one of a series keeps it, to whatever day it is moved."""
_SAME: Final = 0.5
"""A lesson keeps its times where at least this share of them is in the new ones: who is there for all of the common
time is then present by the rule."""


@dataclass(frozen=True, slots=True)
class TimetableStanding:
    """What the timetable says of one lesson."""

    state: Literal["held", "moved", "called_off", "gone"]
    """`moved`: to a time that has less than half of the lesson's own; `gone`: nothing says why it is not there."""
    why: str = ""
    """Of `called_off`."""
    moved: Lesson | None = None
    """Of `moved`: the same lesson at its new time."""

    @property
    def is_doubtful(self) -> bool:
        """Whether the office has to say if the lesson was held."""
        return self.state != "held"


HELD: Final = TimetableStanding("held")


def as_held(db: sqlite_utils.Database, found: Sequence[Lesson]) -> list[Lesson]:
    """Return the lessons of a timetable, those with the id of a lesson that had begun which are one with it.

    A lesson of a series keeps its id when it is moved. Where it has its register already, the one that is to come has
    an id of its own.
    """
    held_as = lesson_events.held_as(db)
    renamed = [replace(one, lesson_id=held_as.get(one.lesson_id, one.lesson_id)) for one in found]
    return [_not_yet_run(db, one) for one in {one.lesson_id: one for one in renamed}.values()]


def _not_yet_run(db: sqlite_utils.Database, lesson: Lesson) -> Lesson:
    known = lessons.get_lesson(db, lesson.lesson_id)
    if known is None or known.state != "finalised" or lesson.start <= known.lesson.start:
        return lesson
    if _keeps_its_times(known.lesson, lesson):
        return lesson
    return replace(lesson, lesson_id=moved_lesson_id(lesson.lesson_id, lesson.start))


def _keeps_its_times(lesson: Lesson, now: Lesson) -> bool:
    common = min(lesson.end, now.end) - max(lesson.start, now.start)
    return common >= _SAME * (lesson.end - lesson.start)


def standing(
    db: sqlite_utils.Database, timetable: HasLessons, lesson: Lesson, zone: ZoneInfo, *, is_over: bool
) -> TimetableStanding:
    """Return what the timetable says of a lesson that has begun; note which lesson of the timetable is one with it.

    Args:
        db: register.sqlite.
        timetable: of now.
        lesson: as it was begun.
        zone: the school's; its day is the lesson's day.
        is_over: it has run: what its event is moved to now is another lesson, unless both have most of their time in
            common.

    Raises:
        StoreError: the database can't be used.
    """
    coming = timetable.lessons(lesson.start - _DAY, lesson.start + _FAR)
    same = next((one for one in as_held(db, coming) if one.lesson_id == lesson.lesson_id), None)
    if same is None:
        same = _twin(db, [one for one in coming if one.start < lesson.start + _DAY], lesson, zone)
        # An EXDATE beside a single event for that time is how some programs write a change of one lesson.
        is_rewritten = same is not None and _when_and_what(same) == _when_and_what(lesson)
        if not is_rewritten and (why := called_off(db, timetable, lesson)):
            return TimetableStanding("called_off", why)
    if same is None:
        # A timetable that has lessons to come and none of the past says nothing about those that run.
        past = timetable.lessons(lesson.start - _PAST, lesson.start)
        is_gone = past or not timetable.lessons(lesson.end, lesson.end + _PAST)
        return TimetableStanding("gone") if is_gone else HELD
    keeps_its_times = _keeps_its_times(lesson, same)
    if same.lesson_id != lesson.lesson_id and (keeps_its_times or not is_over):
        lesson_events.hold_as(db, same, lesson.lesson_id)
    return HELD if keeps_its_times else TimetableStanding("moved", moved=replace(same, lesson_id=lesson.lesson_id))


def called_off(db: sqlite_utils.Database, timetable: HasLessons, lesson: Lesson) -> str:
    """Return why the timetable calls a lesson off; empty: it does not."""
    found = timetable.cancelled(lesson.start - _DAY, lesson.start + _DAY)
    if not found:
        return ""
    held_as = lesson_events.held_as(db)
    as_it_is_now = {one for one, begun in held_as.items() if begun == lesson.lesson_id}
    if as_it_is_now:
        near = timetable.lessons(lesson.start - _DAY, lesson.start + _DAY)
        if any(one.lesson_id in as_it_is_now for one in near):
            return ""
    return {held_as.get(lesson_id, lesson_id): why for lesson_id, why in found.items()}.get(lesson.lesson_id, "")


def _twin(db: sqlite_utils.Database, near: Sequence[Lesson], lesson: Lesson, zone: ZoneInfo) -> Lesson | None:
    """Return the lesson that one became which the timetable no longer has; None where there is none.

    It comes from the same event on the same day, or it has the same course and times; and it was not known before.
    """
    event_id, day = lesson_events.event_of(db, lesson.lesson_id), lesson.start.astimezone(zone).date()
    found = [
        one
        for one in near
        if (event_id and one.event_id == event_id and one.start.astimezone(zone).date() == day)
        or _when_and_what(one) == _when_and_what(lesson)
    ]
    new = [x for x in found if not _is_known(db, x.lesson_id)]
    return min(new, key=lambda one: abs(one.start - lesson.start), default=None)


def _when_and_what(lesson: Lesson) -> tuple[str, datetime, datetime]:
    return lesson.course, lesson.start, lesson.end


def _is_known(db: sqlite_utils.Database, lesson_id: str) -> bool:
    return plans.plan_on_record(db, lesson_id) is not None or lessons.get_lesson(db, lesson_id) is not None
