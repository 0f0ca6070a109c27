"""A face that hangs at one place in three lessons is a poster; a student who keeps a seat is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.posters import still_place
from edge_daemon.attendance.evidence.sighting_resolver import Resolution, resolve_lesson
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
    assert {student_id for lesson in found for student_id, _ in lesson.still} == {"S07"}, (
        "nothing is kept of the living"
    )


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


def test_who_takes_the_place_of_a_poster_without_hanging_still_keeps_the_name(match):
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


def test_a_face_may_stray_by_a_fiftieth_of_its_width():
    assert still_place(faces_at([100.0 + 0.79 * (slot % 2) for slot in range(CAPTURES)]), SECONDS) is not None
    moving = [100.0 + 1.7 * (slot % 2) for slot in range(CAPTURES)]
    assert still_place(faces_at(moving), SECONDS) is None


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
