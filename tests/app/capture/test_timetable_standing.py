"""What the timetable says about a lesson that has begun: moved, called off, gone, or none of these."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from edge_daemon.app.capture.plan_recorder import plan_ahead
from edge_daemon.app.capture.timetable_standing import as_held, called_off, standing
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store import lesson_events, lessons
from edge_daemon.store.database import open_register
from edge_daemon.types import Lesson
from tests.registers import SEEDS, START, a_lesson

ZONE = ZoneInfo("Europe/Berlin")
YESTERDAY = a_lesson(START - timedelta(days=1), "art")
TOMORROW = a_lesson(START + timedelta(days=1), "art")


@dataclass
class Timetable:
    """A timetable with given lessons and cancellations."""

    held: list[Lesson] = field(default_factory=list)
    off: dict[str, str] = field(default_factory=dict)

    def lessons(self, start, end):
        return [one for one in self.held if start <= one.start < end]

    def cancelled(self, start, end):
        return dict(self.off)


def lesson_at(minutes: int, event_id: str = "event", course: str = "7b") -> Lesson:
    return replace(a_lesson(START + timedelta(minutes=minutes), course), event_id=event_id)


BEGUN = lesson_at(0)


@pytest.fixture
def db(tmp_path):
    """A lesson that has begun, with its plan and its event."""
    opened = open_register(tmp_path / "register.sqlite")
    lesson_events.note_events(opened, [BEGUN])
    plan_ahead(opened, [BEGUN], 10, START - timedelta(hours=1), SEEDS)
    plan = make_plan(BEGUN.lesson_id, 2700, 10)
    lessons.start_lesson(opened, BEGUN, plan, "synchronised")
    yield opened
    opened.conn.close()


def test_a_lesson_that_is_still_there_is_held(db):
    assert not standing(db, Timetable([BEGUN]), BEGUN, ZONE, is_over=False).is_doubtful


@pytest.mark.parametrize("minutes", [-20, 10, 22])
def test_a_moved_lesson_keeps_its_times_where_at_least_half_of_it_is_within_the_new_ones(db, minutes):
    moved = lesson_at(minutes)
    assert standing(db, Timetable([moved]), BEGUN, ZONE, is_over=False).state == "held"
    assert [one.lesson_id for one in as_held(db, [moved])] == [BEGUN.lesson_id], "both are one lesson from now on"


@pytest.mark.parametrize("minutes", [23, 45, 120])
def test_a_lesson_is_moved_where_less_than_half_of_it_is_within_the_new_times(db, minutes):
    found = standing(db, Timetable([lesson_at(minutes)]), BEGUN, ZONE, is_over=False)
    assert found.state == "moved"
    assert found.moved == replace(lesson_at(minutes), lesson_id=BEGUN.lesson_id)


def test_a_lesson_of_the_same_event_that_was_known_before_is_another_one(db):
    later = lesson_at(120)
    plan_ahead(db, [later], 10, START - timedelta(minutes=30), SEEDS)
    assert standing(db, Timetable([YESTERDAY, later]), BEGUN, ZONE, is_over=False).state == "gone"
    assert lesson_events.held_as(db) == {}


def test_another_day_or_another_event_is_no_move(db):
    assert standing(db, Timetable([YESTERDAY, lesson_at(24 * 60)]), BEGUN, ZONE, is_over=False).state == "gone"
    assert standing(db, Timetable([YESTERDAY, lesson_at(60, "other")]), BEGUN, ZONE, is_over=False).state == "gone"


@pytest.mark.parametrize("days", [1, 2, 20])
def test_a_lesson_of_a_series_keeps_its_id_and_is_moved_to_any_day(db, days):
    later = replace(lesson_at(days * 24 * 60 + 60), lesson_id=BEGUN.lesson_id)
    found = standing(db, Timetable([YESTERDAY, later]), BEGUN, ZONE, is_over=False)
    assert (found.state, found.moved) == ("moved", later), "else it would have its register today, and none that day"


def test_a_lesson_of_a_series_that_is_moved_after_it_has_run_is_held_again_at_its_new_time(db):
    lessons.finalise(db, BEGUN.lesson_id, [], lambda _: "{}", BEGUN.end)
    later = replace(lesson_at(48 * 60), lesson_id=BEGUN.lesson_id)
    (found,) = as_held(db, [later])
    assert (found.start, found.event_id) == (later.start, later.event_id)
    assert lessons.get_lesson(db, found.lesson_id) is None
    assert as_held(db, [later]) == [found], "the id stays"
    for minutes in (-60, 0, 10):
        has_run = replace(lesson_at(minutes), lesson_id=BEGUN.lesson_id)
        assert as_held(db, [has_run]) == [has_run]


def test_an_export_with_new_uids_has_the_same_lesson(db):
    again = replace(lesson_at(0, "new"), lesson_id="new-id")
    assert standing(db, Timetable([again]), BEGUN, ZONE, is_over=False).state == "held"
    assert lesson_events.held_as(db) == {"new-id": BEGUN.lesson_id}


def test_called_off_goes_before_gone_and_says_why(db):
    found = standing(db, Timetable([YESTERDAY], {BEGUN.lesson_id: "is cancelled"}), BEGUN, ZONE, is_over=False)
    assert (found.state, found.why) == ("called_off", "is cancelled")


def test_an_exception_beside_a_new_event_for_the_same_time_is_the_same_lesson(db):
    off = {BEGUN.lesson_id: "is excepted by an EXDATE"}
    again = replace(lesson_at(0, "new"), lesson_id="new-id")
    assert standing(db, Timetable([YESTERDAY, again], off), BEGUN, ZONE, is_over=False).state == "held"
    assert lesson_events.held_as(db) == {"new-id": BEGUN.lesson_id}
    assert called_off(db, Timetable([again], off), BEGUN) == "", "nor is the office asked when it has run"
    assert called_off(db, Timetable([], {**off, "new-id": "is cancelled"}), BEGUN) != ""
    other = replace(lesson_at(0, "new", "8c"), lesson_id="other-id")
    assert standing(db, Timetable([YESTERDAY, other], off), BEGUN, ZONE, is_over=False).state == "called_off"


def test_a_lesson_that_was_moved_and_then_called_off_is_called_off(db):
    moved = lesson_at(10)
    assert standing(db, Timetable([moved]), BEGUN, ZONE, is_over=False).state == "held"
    assert called_off(db, Timetable(off={moved.lesson_id: "is cancelled"}), BEGUN) == "is cancelled"


def test_a_timetable_of_the_days_to_come_only_says_nothing_against_a_lesson(db):
    assert standing(db, Timetable([TOMORROW]), BEGUN, ZONE, is_over=False).state == "held"
    assert standing(db, Timetable([YESTERDAY, TOMORROW]), BEGUN, ZONE, is_over=False).state == "gone"
    assert standing(db, Timetable(), BEGUN, ZONE, is_over=False).state == "gone", "it was the only one"


def test_a_lesson_that_has_run_is_not_moved_and_the_new_time_is_a_lesson_of_its_own(db):
    found = standing(db, Timetable([lesson_at(120)]), BEGUN, ZONE, is_over=True)
    assert found.state == "moved"
    assert found.is_doubtful
    assert lesson_events.held_as(db) == {}
    assert standing(db, Timetable([lesson_at(10)]), BEGUN, ZONE, is_over=True).state == "held"
    assert lesson_events.held_as(db) == {lesson_at(10).lesson_id: BEGUN.lesson_id}, "it must not begin again at once"
