"""Which event each lesson comes from, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from edge_daemon.store import lesson_events
from edge_daemon.store.database import open_register
from tests.registers import START, a_lesson

FIRST = replace(a_lesson(), event_id="one")
SECOND = replace(a_lesson(START + timedelta(hours=2)), event_id="one")


@pytest.fixture
def db(tmp_path):
    return open_register(tmp_path / "register.sqlite")


def test_a_lesson_is_noted_once_and_keeps_what_is_known_of_it(db):
    lesson_events.note_events(db, [FIRST, a_lesson(START + timedelta(days=1))])
    lesson_events.note_moved(db, FIRST.lesson_id, SECOND.lesson_id)
    lesson_events.note_events(db, [replace(FIRST, event_id="two"), SECOND])
    assert lesson_events.event_of(db, FIRST.lesson_id) == "one"
    found = lesson_events.lesson_events(db)
    assert {one: found[one].moved_to for one in found} == {FIRST.lesson_id: SECOND.lesson_id, SECOND.lesson_id: ""}
    assert found[FIRST.lesson_id].start == FIRST.start


def test_a_lesson_that_no_event_is_known_of_has_none(db):
    assert lesson_events.event_of(db, FIRST.lesson_id) == ""
    assert lesson_events.held_as(db) == {}


def test_a_moved_lesson_is_one_with_the_one_that_had_begun(db):
    lesson_events.hold_as(db, SECOND, FIRST.lesson_id)
    assert lesson_events.held_as(db) == {SECOND.lesson_id: FIRST.lesson_id}
