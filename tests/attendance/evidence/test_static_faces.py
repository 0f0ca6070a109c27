"""Pictures of faces get no name: over half an hour a print does not move, and a living face does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.sighting_resolver import Resolution, resolve_lesson
from edge_daemon.attendance.evidence.static_faces import is_static, static_probability
from edge_daemon.traits import FacePoints, VisibleParts
from edge_daemon.types import Candidate
from edge_daemon.vision.models import ModelSet, default_models_dir
from tests.attendance.evidence import moving_faces
from tests.attendance.evidence.room import Room

CAPTURES = 24
SECONDS = {slot: 110.0 * slot for slot in range(CAPTURES)}


@pytest.fixture(scope="module")
def match() -> MatchProbability:
    return MatchProbability(ModelSet.load(default_models_dir()).weights("match_probability").path)


def with_points(faces: Sequence[Candidate], points: Sequence[FacePoints]) -> list[Candidate]:
    return [replace(f, traits=replace(f.traits, points=p)) for f, p in zip(faces, points, strict=True)]


class Lesson:
    """A class whose students have moving points, or those of a print."""

    def __init__(self) -> None:
        self.room, self.rng, self.faces = Room(noise=0.6), np.random.default_rng(5), []

    def sits(self, name: str, seat: int, *, is_print: bool = False, captures: int = CAPTURES) -> None:
        before = len(self.room.faces)
        self.room.sits(name, range(captures), seat, width_px=60.0)
        made = moving_faces.printed if is_print else moving_faces.living
        self.faces += with_points(self.room.faces[before:], made(captures, self.rng))

    def resolved(self, match: MatchProbability, seconds_of: dict[int, float] | None = SECONDS) -> Resolution:
        return resolve_lesson(self.faces, self.room.ids, match=match, seconds_of=seconds_of)


def names(found: Resolution) -> set[str]:
    return {sighting.student_id for sighting in found.sightings} - {""}


def test_a_print_gets_no_name_and_is_known_for_whose_it_is(match):
    lesson = Lesson()
    for seat in range(5):
        lesson.sits(f"S{seat:02d}", seat)
    lesson.sits("S07", 6, is_print=True)
    found = lesson.resolved(match)
    assert names(found) == {f"S{seat:02d}" for seat in range(5)}
    (picture,) = found.printed
    assert (picture.student_id, picture.slots) == ("S07", frozenset(range(CAPTURES)))
    assert picture.box.w == pytest.approx(60)
    assert "S07" not in {person.student_id for person in (*found.possible, *found.unnamed)}


def test_a_student_beside_the_own_portrait_is_named_and_the_portrait_is_not(match):
    lesson = Lesson()
    for seat in range(4):
        lesson.sits(f"S{seat:02d}", seat)
    lesson.sits("S01", 7, is_print=True)
    found = lesson.resolved(match)
    own = [s for s in found.sightings if s.student_id == "S01"]
    assert {s.slot for s in own} == set(range(CAPTURES))
    assert all(s.box.x < 600 for s in own), "the living one, not the print"
    assert [one.student_id for one in found.printed] == ["S01"]


def test_without_times_nothing_is_a_picture(match):
    lesson = Lesson()
    lesson.sits("S01", 0)
    lesson.sits("S07", 6, is_print=True)
    found = lesson.resolved(match, None)
    assert names(found) == {"S01", "S07"}
    assert found.printed == []


def test_a_room_with_nothing_but_prints_names_nobody(match):
    lesson = Lesson()
    lesson.sits("S02", 0, is_print=True)
    found = lesson.resolved(match)
    assert names(found) == set()
    assert [one.student_id for one in found.printed] == ["S02"]


def test_a_picture_of_somebody_else_is_of_no_student(match):
    lesson = Lesson()
    lesson.sits("S00", 0)
    lesson.sits("a stranger", 1, is_print=True)
    assert lesson.resolved(match).printed == []


def a_print(captures: int = CAPTURES) -> list[Candidate]:
    room = Room()
    room.sits("S00", range(captures), 0, width_px=60.0)
    return with_points(room.faces, moving_faces.printed(captures, np.random.default_rng(6)))


def test_fifteen_captures_and_half_an_hour_are_needed():
    faces = a_print()
    assert is_static(faces, SECONDS)
    assert is_static(faces[:15], {slot: 130.0 * slot for slot in range(15)})
    assert not is_static(faces[:14], {slot: 140.0 * slot for slot in range(15)})
    assert not is_static(faces, {slot: 70.0 * slot for slot in range(CAPTURES)})
    assert not is_static(faces, {}), "captures whose time nobody knows"
    assert not is_static([replace(f, traits=replace(f.traits, points=None)) for f in faces], SECONDS)


def test_who_wears_a_mask_has_the_benefit_of_the_doubt():
    masked = VisibleParts(0.1, 0.8, 0.1, 0.0)
    faces = [replace(f, traits=replace(f.traits, visible=masked)) for f in a_print()]
    assert not is_static(faces, SECONDS)
    bare = [replace(f, traits=replace(f.traits, visible=VisibleParts(0.8, 0.1, 0.1, 0.0))) for f in faces]
    assert is_static(bare, SECONDS)


@pytest.mark.parametrize("turn_deg", [10.0, 14.0, 20.0])
def test_a_head_that_turns_is_alive(turn_deg):
    room, rng = Room(), np.random.default_rng(7)
    room.sits("S00", range(CAPTURES), 0, width_px=60.0)
    points = moving_faces.living(CAPTURES, rng, turn_deg=turn_deg)
    assert static_probability(with_points(room.faces, points)) < 0.3
