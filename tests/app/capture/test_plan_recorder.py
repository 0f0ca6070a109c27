"""Stored plans, lessons that begin, and lessons that were missed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.app.capture.plan_recorder import account, account_since, begin, plan_ahead, plan_of
from edge_daemon.app.capture.plan_trust import seed_of
from edge_daemon.device.clock import Reading
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store import lessons, plans, skipped
from edge_daemon.store.database import open_register
from edge_daemon.types import Lesson
from tests.registers import SEEDS

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=timezone.utc)


def lesson(name: str, hours: float, minutes: int = 45) -> Lesson:
    start = NOW + timedelta(hours=hours)
    return Lesson(name, "room-1", "Maths", start, start + timedelta(minutes=minutes), "timetable")


def reading(hours: float = 0.0) -> Reading:
    return Reading(NOW + timedelta(hours=hours), 100.0, "synchronised", "boot")


@pytest.fixture
def db(tmp_path):
    return open_register(tmp_path / "register.sqlite")


def test_a_plan_keeps_its_seed_from_the_record_to_the_lesson(db):
    assert plan_ahead(db, [lesson("a", 2)], 100, NOW, SEEDS) == 1
    seed = seed_of(plans.get_plan(db, "a"), SEEDS)
    assert plan_ahead(db, [lesson("a", 2)], 100, NOW, SEEDS) == 0
    stored = begin(db, lesson("a", 2), 100, reading(2), SEEDS)
    assert stored.seed == seed
    assert len(plan_of(stored).offsets_s) == stored.captures_planned == 100


def test_a_lesson_that_is_moved_keeps_its_seed_and_one_that_is_cancelled_loses_its_plan(db):
    plan_ahead(db, [lesson("a", 2), lesson("b", 4)], 100, NOW, SEEDS)
    seed = seed_of(plans.get_plan(db, "a"), SEEDS)
    assert plan_ahead(db, [lesson("a", 3, minutes=90)], 100, NOW, SEEDS) == 2
    moved = plans.get_plan(db, "a")
    assert (seed_of(moved, SEEDS), moved.lesson) == (seed, lesson("a", 3, minutes=90))
    assert plans.get_plan(db, "b") is None


def test_no_program_can_change_the_seed_of_a_plan(db):
    plan_ahead(db, [lesson("a", 2)], 100, NOW, SEEDS)
    with pytest.raises(sqlite3.IntegrityError, match="keeps its seed"):
        db.execute("UPDATE sealed_plans SET sealed_seed = ?", (bytes(32),))


def test_a_lesson_that_has_begun_is_not_touched_by_another_timetable(db):
    first = begin(db, lesson("a", 2), 100, reading(2), SEEDS)
    assert begin(db, lesson("a", 2, minutes=90), 50, reading(2.1), SEEDS) == first
    plan_ahead(db, [], 100, NOW, SEEDS)
    assert plans.get_plan(db, "a") is not None


def test_two_lessons_never_share_a_seed(db):
    plan_ahead(db, [lesson(str(n), n + 1, minutes=30) for n in range(20)], 100, NOW, SEEDS)
    assert len({p.seed_sha256 for p in plans.committed_plans(db, NOW, NOW + timedelta(days=2))}) == 20


def test_a_lesson_that_went_by_is_recorded_once_and_a_lesson_that_began_is_not(db):
    begin(db, lesson("begun", -5), 100, reading(-5), SEEDS)
    gone = [lesson("begun", -5), lesson("missed", -3), lesson("on", -0.2)]
    assert account(db, gone, "the device was off", NOW) == 1
    assert account(db, gone, "another reason", NOW) == 0
    assert [(s.lesson_id, s.reason) for s in skipped.skipped_lessons(db)] == [("missed", "the device was off")]


def test_a_lesson_that_was_named_too_early_takes_place_after_all(db):
    account(db, [lesson("a", -2)], "the clock was wrong", NOW)
    begin(db, lesson("a", -2), 100, reading(-2), SEEDS)
    assert skipped.skipped_lessons(db) == []
    assert lessons.get_lesson(db, "a").state == "running"


def test_a_new_device_has_missed_nothing_and_an_old_one_at_most_sixty_days(db):
    assert account_since(db, NOW) == NOW
    begin(db, lesson("a", -2), 100, reading(-2), SEEDS)
    assert account_since(db, NOW) == NOW - timedelta(hours=2)
    assert account_since(db, NOW + timedelta(days=400)) == NOW + timedelta(days=340)


def test_lessons_go_on_being_named_after_a_clock_that_was_a_year_fast(db):
    begin(db, lesson("held", -2), 100, reading(-2), SEEDS)
    account(db, [lesson("named by a wrong clock", 24 * 365)], "no picture could be taken", NOW + timedelta(days=366))
    assert account_since(db, NOW) == NOW - timedelta(hours=2)


def test_a_lesson_of_an_unknown_time_hides_none_that_went_by_before_it(db):
    begin(db, lesson("held", -5), 100, reading(-5), SEEDS)
    plan = make_plan("session", 2700.0, 100)
    lessons.start_lesson(db, lesson("session", -1), plan, "unsynchronised", 100)
    assert account_since(db, NOW) == NOW - timedelta(hours=5)


def test_the_first_lesson_of_a_device_is_named_too_if_its_plan_was_on_record(db):
    plan_ahead(db, [lesson("first", 2), lesson("second", 3)], 100, NOW, SEEDS)
    assert account_since(db, NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)
    assert account_since(db, NOW + timedelta(hours=4)) == NOW + timedelta(hours=2)


def test_a_lesson_that_was_held_did_not_go_by_under_the_uid_of_a_later_export(db):
    held = lesson("a", 1)
    lessons.start_lesson(db, held, make_plan("a", 60.0, 1), "synchronised")
    later = held.end + timedelta(hours=1)
    assert account(db, [replace(held, lesson_id="b")], "no picture could be taken", later) == 0
    assert account(db, [replace(held, lesson_id="b", course="other")], "no picture could be taken", later) == 1
