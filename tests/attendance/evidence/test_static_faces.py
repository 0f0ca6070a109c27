"""Pictures of faces get no name: over half an hour a print does not move, and a living face does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.sighting_resolver import Resolution, resolve_lesson
from edge_daemon.attendance.evidence.static_faces import (
    LEAST_PROBABILITY,
    LEAST_PROBABILITY_SMALL,
    is_static,
    static_groups,
    static_probability,
)
from edge_daemon.attendance.evidence.tracks import make_track
from edge_daemon.traits import FacePoints, VisibleParts
from edge_daemon.types import Box, Candidate
from edge_daemon.vision.models import ModelSet, default_models_dir
from tests.attendance.evidence import moving_faces
from tests.attendance.evidence.made_faces import face
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
        points_of = moving_faces.printed if is_print else moving_faces.living
        self.faces += with_points(self.room.faces[before:], points_of(captures, self.rng))

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


def test_a_room_with_prints_only_has_no_names(match):
    lesson = Lesson()
    lesson.sits("S02", 0, is_print=True)
    found = lesson.resolved(match)
    assert names(found) == set()
    assert [one.student_id for one in found.printed] == ["S02"]


def test_a_print_of_a_stranger_is_of_no_student(match):
    lesson = Lesson()
    lesson.sits("S00", 0)
    lesson.sits("a stranger", 1, is_print=True)
    assert lesson.resolved(match).printed == []


def test_a_print_that_hangs_as_a_poster_too_is_one_picture(match):
    lesson = Lesson()
    lesson.sits("S00", 0)
    lesson.sits("S07", 6, is_print=True)
    lesson.faces[CAPTURES:] = [replace(f, box=Box(1000, 300, 60, 75)) for f in lesson.faces[CAPTURES:]]
    still = lesson.resolved(match).still
    assert [student_id for student_id, _ in still] == ["S07"]
    found = resolve_lesson(lesson.faces, lesson.room.ids, match=match, seconds_of=SECONDS, earlier_still=[still, still])
    assert [one.student_id for one in found.printed] == ["S07"]


def test_a_picture_is_no_person_with_a_hidden_face(match):
    """It hangs at the place of somebody whose absence would be in doubt."""
    lesson = Lesson()
    lesson.sits("S00", 0)
    lesson.sits("a stranger", 1, is_print=True)
    dark_glasses = VisibleParts(0.1, 0.1, 0.8, 0.0)
    lesson.faces[CAPTURES:] = [
        replace(f, traits=replace(f.traits, visible=dark_glasses)) for f in lesson.faces[CAPTURES:]
    ]
    assert lesson.resolved(match).unread == []
    assert len(lesson.resolved(match, None).unread) == 1


def test_the_print_of_a_student_is_found_after_that_of_a_stranger(match):
    lesson = Lesson()
    for seat, name in enumerate(("S00", "S01", "S02")):
        lesson.sits(name, seat)
    lesson.sits("a stranger", 5, is_print=True)
    lesson.sits("S07", 6, is_print=True)
    (picture,) = lesson.resolved(match).printed
    assert picture.student_id == "S07"
    assert 0.9 < picture.probability < 1


def test_a_portrait_that_hangs_elsewhere_is_found_beside_the_faces_of_the_student():
    """Both are one person by similarity; together they move, and each long track is looked at by itself."""
    rng, room = np.random.default_rng(8), Room(noise=0.6)
    room.sits("S00", range(48), 9, width_px=60.0)
    room.sits("S01", range(24), 0, width_px=60.0)
    room.sits("S01", range(24, 48), 1, width_px=60.0)
    points = [*moving_faces.printed(48, rng), *moving_faces.living(24, rng), *moving_faces.printed(24, rng)]
    faces = with_points(room.faces, points)
    vectors = np.stack([face.embedding for face in faces])
    parts = [list(range(48)), list(range(48, 72)), list(range(72, 96))]
    tracks = [make_track(seat, own, range(96), vectors) for seat, own in enumerate(parts)]
    assert static_groups(tracks, faces, {slot: 110.0 * slot for slot in range(48)}) == [[0], [2]]


@pytest.mark.parametrize("captures", [12, 24])
def test_a_print_that_is_held_at_two_places_is_one_picture(captures):
    """Each place has too few captures for itself, or enough."""
    room = Room(noise=0.6)
    room.sits("S00", range(captures), 0, width_px=60.0)
    room.sits("S00", range(captures, 2 * captures), 1, width_px=60.0)
    faces = with_points(room.faces, moving_faces.printed(2 * captures, np.random.default_rng(8)))
    vectors = np.stack([face.embedding for face in faces])
    parts = list(range(captures)), list(range(captures, 2 * captures))
    tracks = [make_track(seat, own, range(2 * captures), vectors) for seat, own in enumerate(parts)]
    assert static_groups(tracks, faces, {slot: 110.0 * slot for slot in range(2 * captures)}) == [[0, 1]]


def a_swaying_face(size: float, width_px: float, captures: int = 15) -> list[Candidate]:
    faces = [face(slot, width_px=width_px) for slot in range(captures)]
    return with_points(faces, moving_faces.swaying(captures, size))


def test_the_probability_of_known_points():
    """It is that of the fitted weights: each stands in it with a number from 3 to 4."""
    assert static_probability(a_swaying_face(0.013, 60.0)) == pytest.approx(0.542, abs=0.005)


def test_a_small_face_has_to_be_more_surely_a_picture():
    """About 0.75 is enough from a median width of 40 px on."""
    seconds = {slot: 130.0 * slot for slot in range(15)}
    small, large = (a_swaying_face(0.012, width_px) for width_px in (39.9, 40.0))
    assert static_probability(large) > LEAST_PROBABILITY + 0.03
    assert static_probability(small) < LEAST_PROBABILITY_SMALL - 0.03
    assert (is_static(small, seconds), is_static(large, seconds)) == (False, True)
    assert is_static(a_swaying_face(0.004, 39.9), seconds)
    assert not is_static(a_swaying_face(0.013, 60.0), seconds), "a probability of 0.54"


@pytest.mark.parametrize(("span_s", "expected"), [(1800.0, True), (1799.9, False)])
def test_half_an_hour_is_from_the_first_capture_to_the_last(span_s, expected):
    faces = a_print()[:15]
    seconds = {slot: 5000.0 + slot * span_s / 14 for slot in range(15)}
    assert is_static(faces, seconds) is expected


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


def test_a_face_with_a_mask_is_not_called_a_print():
    masked = VisibleParts(0.1, 0.8, 0.1, 0.0)
    faces = [replace(f, traits=replace(f.traits, visible=masked)) for f in a_print()]
    assert not is_static(faces, SECONDS)
    half = [replace(f, traits=replace(f.traits, visible=VisibleParts(0.5, 0.5, 0.0, 0.0))) for f in faces]
    assert is_static(half, SECONDS)
    bare = [replace(f, traits=replace(f.traits, visible=VisibleParts(0.8, 0.1, 0.1, 0.0))) for f in faces]
    assert is_static(bare, SECONDS)


@pytest.mark.parametrize(("turn_deg", "most"), [(16.0, LEAST_PROBABILITY), (18.0, 0.3), (24.0, 0.02)])
def test_a_head_that_turns_is_alive(turn_deg, most):
    room, rng = Room(), np.random.default_rng(7)
    room.sits("S00", range(CAPTURES), 0, width_px=60.0)
    points = moving_faces.living(CAPTURES, rng, turn_deg=turn_deg)
    assert static_probability(with_points(room.faces, points)) < most
