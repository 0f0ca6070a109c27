"""A lesson that the device could not see marks nobody absent; if a part is hidden, the seats decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import cv2
import numpy as np
import pytest

from edge_daemon.app.capture.room_flags import RoomFindings, RoomFlags
from edge_daemon.attendance.tally import tally
from edge_daemon.store import lessons, room_history
from edge_daemon.store.database import open_register
from edge_daemon.types import Box, Candidate, MissedCapture, Picture, Quality, Sighting
from tests.registers import SIGNER, START, a_lesson, a_register, keep

IDS = tuple(f"S{n}" for n in range(8))
CAPTURES = 4
SEATS = {student: Box(90.0 + 150 * n, 300.0, 50.0, 60.0) for n, student in enumerate(IDS)}
"""From left to right of a picture of 1280 by 720 pixels: S0 to S3 sit in its left half."""
QUARTER = Fraction(1, 4)


def room(seed: int = 1) -> Picture:
    rng = np.random.default_rng(seed)
    picture = np.full((720, 1280, 3), 120, np.uint8)
    for _ in range(400):
        x, y, w, h = (int(v) for v in rng.integers((0, 0, 15, 15), (1250, 700, 90, 70)))
        cv2.rectangle(picture, (x, y), (x + w, y + h), rng.uniform(40, 220, 3).tolist(), -1)
    return np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def face(slot: int, box: Box) -> Candidate:
    return Candidate(slot, box, 0.9, Quality(50, 0.5, 1), True, np.zeros(len(IDS), np.float32), None)


def sightings_of(ids) -> list[Sighting]:
    return [Sighting(slot, one, 0.6, True, SEATS[one]) for slot in range(CAPTURES) for one in ids]


class School:
    """A room whose lessons are held one after the other."""

    def __init__(self, db) -> None:
        self.db, self.held = db, 0

    def hold(self, picture: Picture, there=IDS) -> tuple[RoomFindings, list[str]]:
        """Return the findings about the room for a lesson of one picture, and the reasons of its missed captures."""
        self.held += 1
        lesson = a_lesson(START + timedelta(days=self.held))
        watch, missed = RoomFlags(self.db, lesson), []
        register, _ = a_register(lesson, dict.fromkeys(IDS, 0.0), captures=CAPTURES)
        lessons.start_lesson(self.db, lesson, register.plan, "synchronised")
        for slot in range(CAPTURES):
            reason, view = watch.look(picture, [face(slot, SEATS[one]) for one in there])
            if reason:
                missed.append(MissedCapture(slot, reason))
                continue
            lessons.add_capture(self.db, lesson.lesson_id, lessons.Capture(slot, "", lesson.start), view)
            watch.taken(slot, view)
        seen = sightings_of(there) if not missed else []
        taken_at = dict.fromkeys(range(CAPTURES), lesson.start)
        again = RoomFlags(self.db, lesson)  # the worker was killed: what was stored is enough
        taken = CAPTURES - len(missed)
        found = again.findings(tally(IDS, seen, taken_at), IDS, seen, taken, missed, QUARTER)
        keep(self.db, replace(register, missed=tuple(missed)), seen, SIGNER)
        room_history.keep_scene(self.db, lesson.lesson_id, found.scene)
        return found, [one.reason for one in missed]


@pytest.fixture
def school(tmp_path):
    db = open_register(tmp_path / "register.sqlite")
    yield School(db)
    db.conn.close()


def dark(picture: Picture) -> Picture:
    return (picture // 25).astype(np.uint8)


def half(picture: Picture, left: Picture) -> Picture:
    found = picture.copy()
    found[:, :640] = left[:, :640]
    return found


def test_a_usual_lesson_says_nothing_and_is_what_the_next_is_compared_with(school):
    first, missed = school.hold(room())
    assert (first.flags, first.not_seeable, missed) == ((), frozenset(), [])
    assert len(first.scene) == 256
    second, _ = school.hold(room(), IDS[:5])
    assert (second.flags, second.not_seeable) == ((), frozenset()), "S5 to S7 are absent"


def test_an_empty_room_and_a_turned_camera_are_distinguished(school):
    school.hold(room())
    empty, _ = school.hold(room(), ())
    assert (empty.flags, empty.not_seeable, empty.scene) == (("room_empty",), frozenset(IDS), None)
    turned, _ = school.hold(room(2), ())
    assert (turned.flags, turned.not_seeable) == (("view_changed",), frozenset(IDS))


def test_a_camera_that_was_moved_hides_no_student_from_the_second_lesson_on(school):
    school.hold(room())
    moved, _ = school.hold(room(2), IDS[:5])
    assert (moved.flags, moved.not_seeable) == (("view_changed",), frozenset(IDS))
    again, _ = school.hold(room(2), IDS[:5])
    assert (again.flags, again.not_seeable) == ((), frozenset())


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (dark(room()), "too_dark"),
        (cv2.GaussianBlur(room(), (0, 0), 9), "too_blurred"),
        (np.full((720, 1280, 3), 40, np.uint8), "covered"),
        (np.full((720, 1280, 3), 255, np.uint8), "glare"),
    ],
)
def test_a_capture_that_shows_no_face_is_missed_with_its_reason(school, spoilt, reason):
    school.hold(room())
    found, missed = school.hold(spoilt, ())
    assert missed == [reason] * CAPTURES
    assert found.flags == (reason,)
    assert found.scene is None


def test_a_dim_capture_in_which_the_faces_are_found_counts(school):
    school.hold(room())
    assert school.hold(dark(room()))[1] == []


def test_a_student_in_a_dark_part_is_hidden_and_one_elsewhere_is_absent(school):
    school.hold(room())
    found, missed = school.hold(half(room(), dark(room())), IDS[4:6])
    assert missed == []
    assert (found.flags, found.not_seeable) == (("too_dark",), frozenset(IDS[:4]))
    assert found.scene is None


def test_without_a_known_seat_every_unseen_student_is_hidden(school):
    found, _ = school.hold(half(room(), dark(room())), IDS[4:6])
    assert (found.flags, found.not_seeable) == (("too_dark",), frozenset(IDS))


def test_a_capture_with_the_faces_of_the_last_lesson_but_one_is_not_compared_with_rehearsals(school):
    school.hold(room())
    lesson = a_lesson(START + timedelta(days=9), origin="rehearsal")
    assert room_history.past_lessons(school.db, lesson) == []


def bare_walls(picture: Picture) -> Picture:
    """Paint the upper third in one colour, like a wall, and a window into it."""
    walls = picture.copy()
    walls[: len(walls) // 3] = 150
    walls[: len(walls) // 4, : walls.shape[1] // 8] = 255
    return walls


def test_bare_walls_of_an_unknown_room_hide_nobody_and_are_what_the_next_lesson_is_compared_with(school):
    findings, _ = school.hold(bare_walls(room()), there=IDS[:-1])
    assert findings.flags == ()
    assert findings.not_seeable == frozenset()
    assert findings.scene is not None
    again, _ = school.hold(bare_walls(room()), there=IDS[:-1])
    assert (again.flags, again.not_seeable) == ((), frozenset())


def test_the_views_of_a_lesson_are_gone_when_it_is_finalised(school):
    school.hold(room())
    assert school.db.execute("SELECT count(*) FROM room_views").fetchone() == (0,)
    assert school.db.execute("SELECT length(scene) FROM scenes").fetchall() == [(256,)]
