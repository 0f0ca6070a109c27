"""A face that hangs at one place in three lessons is a poster; a student who keeps a seat is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.posters import (
    _overlap,
    is_same_place,
    poster_tracks,
    still_faces,
    still_place,
)
from edge_daemon.attendance.evidence.sighting_resolver import Resolution, resolve_lesson
from edge_daemon.attendance.evidence.tracks import Track
from edge_daemon.types import Box, Candidate
from edge_daemon.vision.models import ModelSet, default_models_dir
from tests.attendance.evidence.room import Room

CAPTURES = 12
SECONDS = {slot: 100.0 * slot for slot in range(CAPTURES)}
"""A lesson of 20 minutes: too short for the test by motion."""


@pytest.fixture(scope="module")
def match() -> MatchProbability:
    return MatchProbability(ModelSet.load(default_models_dir()).weights("match_probability").path)


class Term:
    """Lessons in one room, each with the still faces of those before."""

    def __init__(self, match: MatchProbability) -> None:
        self.match, self.earlier = match, []
        self.number = 0

    def lesson(self, *, students: int = 4, poster_of: str = "", x: float = 900.0, stray_px: float = 0.3) -> Resolution:
        """Hold a lesson: each student sits in the same seat every time, and a poster hangs at x."""
        self.number += 1
        room = Room(noise=0.6, seed=self.number)
        room.people = {name: Room().people[name] for name in room.ids}
        for seat in range(students):
            room.sits(f"S{seat:02d}", range(CAPTURES), seat)
        before = len(room.faces)
        if poster_of:
            room.sits(poster_of, range(CAPTURES), 0)
        places = room.random.normal(0, stray_px, (CAPTURES, 2))
        hung = [
            replace(face, box=Box(x + float(dx), 300 + float(dy), 40, 50))
            for face, (dx, dy) in zip(room.faces[before:], places, strict=False)
        ]
        faces = [*room.faces[:before], *hung]
        found = resolve_lesson(faces, room.ids, match=self.match, seconds_of=SECONDS, earlier_still=self.earlier)
        self.earlier = [found.still, *self.earlier] if found.still else self.earlier
        return found


def names(found: Resolution) -> set[str]:
    return {sighting.student_id for sighting in found.sightings} - {""}


def test_from_the_third_lesson_on_a_poster_gets_no_name_and_is_known_for_whose_it_is(match):
    term = Term(match)
    found = [term.lesson(poster_of="S07") for _ in range(4)]
    class_ = {"S00", "S01", "S02", "S03"}
    assert [names(one) for one in found] == [class_ | {"S07"}, class_ | {"S07"}, class_, class_]
    assert [[shown.student_id for shown in one.printed] for one in found] == [[], [], ["S07"], ["S07"]]
    still_faces = [[student_id for student_id, _ in lesson.still] for lesson in found]
    assert still_faces == [["S07"]] * 4, "nothing of the living, and the poster also once it is known"


def test_a_student_beside_the_own_poster_is_named_and_the_poster_is_not(match):
    term = Term(match)
    found = [term.lesson(poster_of="S01") for _ in range(3)][-1]
    assert "S01" in names(found)
    assert all(s.box.x < 700 for s in found.sightings if s.student_id == "S01"), "the living one, not the poster"


def test_a_still_face_at_another_place_each_time_is_no_poster(match):
    term = Term(match)
    found = [term.lesson(poster_of="S07", x=900.0 + 6 * day) for day in range(4)]
    assert all("S07" in names(one) for one in found)
    assert all(len(one.still) == 1 for one in found)


def test_a_student_in_the_place_of_a_poster_who_moves_keeps_the_name(match):
    term = Term(match)
    for _ in range(3):
        term.lesson(poster_of="S07")
    found = term.lesson(poster_of="S07", stray_px=2.0)
    assert "S07" in names(found)
    assert found.printed == []


def test_another_student_at_the_place_each_time_is_no_poster(match):
    term = Term(match)
    found = [term.lesson(poster_of=name) for name in ("S06", "S07", "S08", "S09")]
    assert [one.printed for one in found] == [[]] * 4


def faces_at(places: list[float]) -> list[Candidate]:
    room = Room()
    room.sits("S00", range(len(places)), 0)
    return [replace(face, box=Box(x, 300.0, 40.0, 50.0)) for face, x in zip(room.faces, places, strict=True)]


def test_ten_captures_and_ten_minutes_are_needed():
    still = faces_at([100.0] * CAPTURES)
    assert still_place(still, SECONDS) == Box(100.0, 300.0, 40.0, 50.0)
    assert still_place(still[:10], SECONDS) is not None
    assert still_place(still[:9], SECONDS) is None
    assert still_place(still, {slot: 50.0 * slot for slot in range(CAPTURES)}) is None
    assert still_place(still, {}) is None


def test_a_face_may_stray_by_a_twenty_fifth_of_its_width():
    assert still_place(faces_at([100.0 + 3.1 * (slot % 2) for slot in range(CAPTURES)]), SECONDS) is not None
    moving = [100.0 + 3.4 * (slot % 2) for slot in range(CAPTURES)]
    assert still_place(faces_at(moving), SECONDS) is None


def test_one_place_is_another_when_it_is_off_by_a_tenth_of_the_width():
    place = Box(100.0, 300.0, 40.0, 50.0)
    assert is_same_place(place, Box(101.0, 301.0, 40.5, 50.5))
    assert not is_same_place(place, Box(104.0, 300.0, 40.0, 50.0))
    assert not is_same_place(place, Box(98.0, 297.5, 44.0, 55.0))


def test_a_poster_needs_both_earlier_lessons(match):
    term = Term(match)
    seen = term.lesson(poster_of="S07").still[0]
    assert seen[0] == "S07"
    term.earlier = [[seen]]
    assert "S07" in names(term.lesson(poster_of="S07"))
    term.earlier = [[seen, seen]]
    assert "S07" in names(term.lesson(poster_of="S07")), "two boxes of one lesson are one lesson"
    term.earlier = [[seen], [seen]]
    assert "S07" not in names(term.lesson(poster_of="S07"))


@pytest.mark.parametrize(("span_s", "is_still"), [(600.0, True), (599.9, False)])
def test_ten_minutes_are_from_the_first_capture_to_the_last(span_s, is_still):
    seconds = {slot: 5000.0 + slot * span_s / 9 for slot in range(10)}
    assert (still_place(faces_at([100.0] * 10), seconds) is not None) is is_still


@pytest.mark.parametrize(("stray_px", "is_still"), [(3.99, True), (4.01, False)])
@pytest.mark.parametrize(("right", "down"), [(1.0, 0.0), (0.0, 1.0), (0.6, 0.8)])
def test_the_stray_is_the_median_distance_of_the_middle_of_the_face(stray_px, is_still, right, down):
    """The boxes of a face 100 px wide grow and shrink about its middle, which counts."""
    room = Room()
    room.sits("S00", range(CAPTURES), 0)
    faces = []
    for slot, face in enumerate(room.faces):
        grown, side = slot % 3 - 1, (-1) ** slot
        w, h = 100.0 + 8 * grown, 120.0 + 9 * grown
        x, y = 500.0 + side * stray_px * right, 300.0 + side * stray_px * down
        faces.append(replace(face, box=Box(x - w / 2, y - h / 2, w, h)))
    place = still_place(faces, SECONDS)
    assert (place is not None) is is_still
    assert place is None or (place.w, place.h) == (100.0, 120.0)


PLACE = Box(100.0, 300.0, 40.0, 50.0)


@pytest.mark.parametrize(
    ("other", "overlap"),
    [
        (PLACE, 1.0),
        (Box(120.0, 300.0, 40.0, 50.0), 1 / 3),
        (Box(100.0, 275.0, 40.0, 50.0), 1 / 3),
        (Box(110.0, 310.0, 20.0, 25.0), 1 / 4),
        (Box(90.0, 290.0, 80.0, 100.0), 1 / 4),
        (Box(141.0, 300.0, 40.0, 50.0), 0.0),
        (Box(145.0, 360.0, 40.0, 50.0), 0.0),
        (Box(40.0, 200.0, 40.0, 50.0), 0.0),
        (Box(100.0, 350.0, 40.0, 50.0), 0.0),
        (Box(140.0, 300.0, 40.0, 50.0), 0.0),
    ],
)
def test_the_overlap_of_two_boxes(other, overlap):
    assert _overlap(PLACE, other) == pytest.approx(overlap)
    assert _overlap(other, PLACE) == pytest.approx(overlap)


def test_boxes_without_an_area_overlap_nowhere():
    assert _overlap(Box(1, 2, 0, 0), Box(1, 2, 0, 0)) == 0.0
    assert _overlap(Box(1, 2, 0.5, 0.5), Box(1, 2, 0.5, 0.5)) == 1.0


@pytest.mark.parametrize(
    ("earlier", "is_poster"),
    [
        ([], False),
        ([[("a", PLACE)]], False),
        ([[("a", PLACE)], [("a", PLACE)]], True),
        ([[("a", PLACE)], [("b", PLACE)]], False),
        ([[("b", PLACE), ("a", PLACE)], [], [("a", PLACE)]], True),
        ([[("a", PLACE), ("a", PLACE)], []], False),
        ([[("a", Box(103.2, 300.0, 40.0, 50.0))]] * 2, True),  # 0.852 of both
        ([[("a", Box(103.3, 300.0, 40.0, 50.0))]] * 2, False),  # 0.848
    ],
)
def test_the_same_name_at_the_same_place_in_two_lessons_before_makes_a_poster(earlier, is_poster):
    faces = [*faces_at([100.0 + 9 * slot for slot in range(CAPTURES)]), *faces_at([100.0] * CAPTURES)]
    moving, hanging = (Track(0, tuple(range(k, k + CAPTURES)), 0.6, np.zeros(3, np.float32)) for k in (0, CAPTURES))
    assert poster_tracks([moving, hanging], faces, SECONDS, earlier) == ([1] if is_poster else [])
    assert still_faces([(moving, "a"), (hanging, "b")], faces, SECONDS) == [("b", PLACE)]
