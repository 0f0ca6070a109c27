"""The diary's table, and what is counted from the other tables."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge_daemon.store import daily_events
from edge_daemon.store.daily_events import DailyEvent
from edge_daemon.store.database import open_register
from edge_daemon.store.skipped import skip_lessons
from edge_daemon.types import MissedCapture
from tests.registers import START, a_lesson, a_register, keep

DAY = timedelta(days=1)


@pytest.fixture
def db(tmp_path):
    db = open_register(tmp_path / "register.sqlite")
    yield db
    db.conn.close()


def test_events_are_read_in_the_order_of_time(db):
    late, early = (
        DailyEvent(START + DAY / 2, "service stopped"),
        DailyEvent(START, "worker failed", {"reason": "no memory"}),
    )
    daily_events.add_events(db, [late, early])
    assert daily_events.events(db, START, START + DAY) == [early, late]
    assert daily_events.events(db, START, START + DAY / 2) == [early]
    assert daily_events.first_day(db) == START


def test_a_day_counts_lessons_and_captures_and_why_there_were_none(db):
    missed = [MissedCapture(3, "no picture within 30 s"), MissedCapture(4, "no picture within 30 s")]
    register, sightings = a_register(a_lesson(), {"S1": 1.0}, missed=missed)
    keep(db, register, sightings)
    tomorrow, sightings = a_register(a_lesson(START + DAY), {"S1": 1.0})
    keep(db, tomorrow, sightings)
    skip_lessons(db, [a_lesson(START + DAY / 4, "8a")], "the device was off", START + DAY)
    found = daily_events.figures(db, START, START + DAY)
    assert (found.held, found.captures_planned, found.captures_taken) == (1, 20, 18)
    assert found.missed == {"no picture within 30 s": 2}
    assert found.not_held == {"the device was off": 1}
    assert found.refused == ()


def test_a_rehearsal_is_no_lesson_of_the_day(db):
    register, sightings = a_register(a_lesson(origin="rehearsal"), {"S1": 1.0})
    keep(db, register, sightings)
    assert daily_events.figures(db, START, START + DAY).held == 0


def test_a_refused_item_belongs_to_the_day_of_its_refusal_and_names_no_student(db):
    db.execute(
        "INSERT INTO outbox (destination, kind, ref, student_id, lesson_id, state, created_at_utc, next_attempt_utc,"
        " answer, settled_at_utc) VALUES ('mail', 'guardian', 'L1', 'S1', 'L1', 'parked', ?1, ?1, '550 no such user',"
        " '2026-11-17T08:00:00.000000Z')",
        ("2026-11-16T08:00:00.000000Z",),
    )
    assert daily_events.figures(db, START, START + DAY).refused == ()
    (refusal,) = daily_events.figures(db, START + DAY, START + 2 * DAY).refused
    assert (refusal.kind, refusal.lesson_id, refusal.answer) == ("guardian", "L1", "550 no such user")
    assert "S1" not in repr(refusal)


def test_old_events_go(db):
    daily_events.add_events(db, [DailyEvent(START, "service started"), DailyEvent(START + DAY, "service stopped")])
    assert daily_events.forget_events_before(db, START + DAY) == 1
    assert [e.event for e in daily_events.events(db, START, START + 2 * DAY)] == ["service stopped"]
    assert daily_events.forget_events_before(db, START + DAY) == 0


def test_without_events_there_is_no_first_day(db):
    assert daily_events.first_day(db) is None
