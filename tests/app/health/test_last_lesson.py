"""What `status` and `doctor` report about the last lesson."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from edge_daemon.app.health.last_lesson import lesson_problems
from edge_daemon.store.database import open_register
from edge_daemon.store.skipped import skip_lessons
from edge_daemon.types import RegisterFlag
from tests.registers import START, a_home, a_lesson, a_register


@pytest.mark.parametrize("flag", get_args(RegisterFlag))
def test_each_flag_of_a_register_has_its_text(tmp_path, flag):
    lesson = a_lesson()
    register, sightings = a_register(lesson, {"a": 1.0, "b": 0.0})
    a_home(tmp_path, [(replace(register, register_flags=(flag,)), sightings)])
    (problem,) = lesson_problems(open_register(tmp_path / "register.sqlite"), lesson.end + timedelta(hours=1))
    assert problem.startswith(f"the last lesson: {flag}, ")


def test_a_register_of_a_clock_that_was_ahead_is_not_the_last_lesson_for_years(tmp_path):
    lesson, later = a_lesson(), a_lesson(START + timedelta(days=700))
    ahead, sightings = a_register(later, {"a": 1.0, "b": 0.0})
    ahead = replace(ahead, register_flags=("room_empty",))
    a_home(tmp_path, [a_register(lesson, {"a": 1.0, "b": 1.0}), (ahead, sightings)])
    db = open_register(tmp_path / "register.sqlite")
    assert list(lesson_problems(db, lesson.end + timedelta(hours=1))) == []
    assert list(lesson_problems(db, later.start + timedelta(minutes=1))), "called off while it ran: it is the last one"


def test_a_lesson_that_a_clock_that_was_ahead_named_needs_nobody_before_its_time(tmp_path):
    a_home(tmp_path, [a_register(a_lesson(), {"a": 1.0})])
    db = open_register(tmp_path / "register.sqlite")
    later = a_lesson(START + timedelta(days=700))
    skip_lessons(db, [later], "no picture could be taken", later.end)
    assert list(lesson_problems(db, START + timedelta(hours=2))) == []
    assert list(lesson_problems(db, later.end)) != []
