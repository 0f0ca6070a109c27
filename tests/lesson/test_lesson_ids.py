from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.lesson.lesson_ids import NAMESPACE, rehearsal_lesson_id, timetable_lesson_id

START = datetime(2026, 3, 2, 7, 35, tzinfo=timezone.utc)


def test_a_timetable_lesson_has_the_same_id_in_every_time_zone():
    elsewhere = START.astimezone(timezone(timedelta(hours=1)))
    assert timetable_lesson_id("room 1", "uid", START) == timetable_lesson_id("room 1", "uid", elsewhere)
    assert timetable_lesson_id("room 1", "uid", START) == str(uuid.uuid5(NAMESPACE, "room 1|uid|20260302T073500Z"))


@pytest.mark.parametrize(
    "other", [("room 2", "uid", START), ("room 1", "iud", START), ("room 1", "uid", START + timedelta(days=7))]
)
def test_other_lessons_have_other_ids(other):
    assert timetable_lesson_id(*other) != timetable_lesson_id("room 1", "uid", START)


def test_a_rehearsal_has_a_new_id_at_every_call():
    assert rehearsal_lesson_id("a", "d", START) == rehearsal_lesson_id("a", "d", START)
    assert rehearsal_lesson_id("a", "d", START) != rehearsal_lesson_id("a", "d", START + timedelta(microseconds=1))
    assert rehearsal_lesson_id("a", "d", START) != rehearsal_lesson_id("a", "e", START)


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError):
        timetable_lesson_id("a", "b", START.replace(tzinfo=None))
