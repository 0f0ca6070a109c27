"""The state of a begun lesson in the current timetable: held, moved, called off, or gone."""

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

if TYPE_CHECKING:  # it loads calendar libraries, which a worker does not need
    from edge_daemon.app.opening.timetable_files import HasLessons

_DAY: Final = timedelta(days=1)
_PAST: Final = timedelta(days=14)
"""If a timetable has no lesson in the 14 days before a lesson, it counts as an export of coming lessons only."""
_FAR: Final = timedelta(days=28)
"""How far ahead a lesson is searched for by its id: a lesson of a series keeps its id when it is moved."""
_SAME: Final = 0.5
"""A lesson counts as not moved if at least this share of its time lies within its new time.

A student who is there for all of the common time is then present by the rule.
"""


@dataclass(frozen=True, slots=True)
class TimetableStanding:
    """The state of one lesson in the current timetable."""

    state: Literal["held", "moved", "called_off", "gone"]
    """`moved`: less than half of the lesson's time lies in its new time; `gone`: it is missing without a reason."""
    why: str = ""
    """The reason, if the state is `called_off`."""
    moved: Lesson | None = None
    """The same lesson at its new time, if the state is `moved`."""

    @property
    def is_doubtful(self) -> bool:
        """Whether the office has to say if the lesson was held."""
        return self.state != "held"


HELD: Final = TimetableStanding("held")


def as_held(db: sqlite_utils.Database, found: Sequence[Lesson]) -> list[Lesson]:
    """Return the lessons of a timetable with the ids under which the device holds them, each id once.

    The timetable may give a lesson that has begun a new id (`standing`); the lesson then keeps the id that it began
    with. A lesson of a series that is moved has the same id as before. If its register is already made and the new
    time is later, the lesson at the new time gets an id of its own.
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
    """Return the state of a lesson that has begun.

    If the timetable has the lesson under another id, the database stores that both ids are the same lesson.

    Args:
        db: register.sqlite.
        timetable: the current timetable.
        lesson: the lesson as it was begun.
        zone: the school's time zone, which decides the lesson's day.
        is_over: True if the lesson has ended. An event with new times then counts as another lesson, unless both share
            most of their time.

    Raises:
        StoreError: the database can't be used.
    """
    coming = timetable.lessons(lesson.start - _DAY, lesson.start + _FAR)
    same = next((one for one in as_held(db, coming) if one.lesson_id == lesson.lesson_id), None)
    if same is None:
        same = _twin(db, [one for one in coming if one.start < lesson.start + _DAY], lesson, zone)
        # Some programs write a change of one lesson as an EXDATE and a single event at that time.
        is_rewritten = same is not None and _when_and_what(same) == _when_and_what(lesson)
        if not is_rewritten and (why := called_off(db, timetable, lesson)):
            return TimetableStanding("called_off", why)
    if same is None:
        # A timetable that has only coming lessons and no past ones says nothing about a running lesson.
        past = timetable.lessons(lesson.start - _PAST, lesson.start)
        is_gone = past or not timetable.lessons(lesson.end, lesson.end + _PAST)
        return TimetableStanding("gone") if is_gone else HELD
    keeps_its_times = _keeps_its_times(lesson, same)
    if same.lesson_id != lesson.lesson_id and (keeps_its_times or not is_over):
        lesson_events.hold_as(db, same, lesson.lesson_id)
    return HELD if keeps_its_times else TimetableStanding("moved", moved=replace(same, lesson_id=lesson.lesson_id))


def called_off(db: sqlite_utils.Database, timetable: HasLessons, lesson: Lesson) -> str:
    """Return why the timetable calls a lesson off, empty if it does not."""
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
    """Return the lesson of `near` that replaces `lesson`, which the timetable no longer has; None if there is none.

    The replacement comes from the same event on the same day, or has the same course and times. It has no stored plan
    and has not begun.
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
