"""Pictures without a known time are assigned to lessons, even after a power cut half way; none counts twice."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.app.capture.untimed_sessions import begin_without_time, give_to_lessons, lesson_place_of
from edge_daemon.device.clock import Reading
from edge_daemon.device.secrets import device_key
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import lessons
from edge_daemon.store.database import open_gallery, open_register
from edge_daemon.store.untimed import UntimedCapture, add_untimed, untimed_captures
from edge_daemon.types import Lesson
from tests.registers import SEEDS

START = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)
LESSON = Lesson("lesson", "room-1", "Maths", START, START + timedelta(minutes=45), "timetable")
AGO_S = (2600.0, 2580.0, 1500.0, 600.0)


class Box:
    """Both databases, and four pictures of this boot."""

    def __init__(self, folder) -> None:
        self.db = open_register(folder / "register.sqlite")
        self.gallery = GalleryStore(open_gallery(folder / "gallery.sqlite"), device_key(folder / "key", create=True))
        for number, ago_s in enumerate(AGO_S):
            self.take(number, 10_000.0 - ago_s)

    def take(self, number: int, boottime_s: float) -> None:
        session, slot = lesson_place_of("room-1", "boot", number)
        sealed = self.gallery.seal_candidates(session, slot, b"faces")
        candidate_rows.put_candidates(self.gallery.db, session, slot, sealed)
        add_untimed(self.db, UntimedCapture(session, slot, "boot", boottime_s, START - timedelta(days=1)))

    def give(self, late_s: float = 0.0) -> int:
        now = START + timedelta(minutes=45, seconds=late_s)
        reading = Reading(now, 10_000.0, "synchronised", "boot")
        return give_to_lessons(self.db, self.gallery, [LESSON], 100, reading, SEEDS)

    @property
    def slots(self) -> list[int]:
        return [capture.slot for capture in lessons.captures(self.db, "lesson")]


@pytest.fixture
def box(tmp_path) -> Box:
    return Box(tmp_path)


def test_each_capture_gets_the_slot_that_it_falls_in_with_its_faces(box):
    assert box.give() == 4
    assert box.slots == [3, 4, 44, 77]
    sealed = candidate_rows.candidates(box.gallery.db, "lesson")
    assert [box.gallery.open_candidates("lesson", slot, sealed[slot]) for slot in box.slots] == [b"faces"] * 4
    assert untimed_captures(box.db) == []
    assert not candidate_rows.candidates(box.gallery.db, lesson_place_of("room-1", "boot", 0)[0])


def test_captures_that_were_given_before_the_power_failed_are_not_given_again(box):
    box.give()
    slots = box.slots
    for number, ago_s in enumerate(AGO_S):  # as they are if the end of it never came
        box.take(number, 10_000.0 - ago_s)
    assert box.give(late_s=27.0) == 0, "by the clock of now each falls into the next slot"
    assert box.slots == slots


def test_a_capture_whose_faces_are_gone_has_not_seen_an_empty_room(box):
    candidate_rows.erase_candidates(box.gallery.db, lesson_place_of("room-1", "boot", 0)[0])
    assert box.give() == 0
    assert box.slots == []
    assert untimed_captures(box.db) == []


def test_a_session_that_has_its_register_already_is_only_forgotten(box):
    (session,) = begin_without_time(box.db, "room-1", "another boot")
    box.db.execute("UPDATE lessons SET state = 'finalised'")
    box.db.conn.commit()
    box.take(0, 10.0)
    assert begin_without_time(box.db, "room-1", "another boot") == [session]
    assert untimed_captures(box.db) == []
