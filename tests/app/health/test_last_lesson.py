"""What `status` and `doctor` say of the last lesson."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from edge_daemon.app.health.last_lesson import lesson_problems
from edge_daemon.store.database import open_register
from edge_daemon.types import RegisterFlag
from tests.registers import a_home, a_lesson, a_register


@pytest.mark.parametrize("flag", get_args(RegisterFlag))
def test_each_flag_of_a_register_is_said_in_words(tmp_path, flag):
    lesson = a_lesson()
    register, sightings = a_register(lesson, {"a": 1.0, "b": 0.0})
    a_home(tmp_path, [(replace(register, register_flags=(flag,)), sightings)])
    (problem,) = lesson_problems(open_register(tmp_path / "register.sqlite"), lesson.end + timedelta(hours=1))
    assert problem.startswith(f"the last lesson: {flag}, ")
