from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.traits import VisibleParts
from edge_daemon.types import Box, Face, Quality
from edge_daemon.vision import pipeline, sweep_rota
from edge_daemon.vision.blazeface import Detections, nothing
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import blazeface_square, rectangle
from edge_daemon.vision.face_verifier import FaceCheck
from edge_daemon.vision.pipeline import Detector, RoomDetector
from edge_daemon.vision.tiles import Search, full_sweep
from tests.read_once import each_input_computed_once
from tests.vision import pictures

BARE, EMPTY = VisibleParts(1, 0, 0, 0), (np.zeros(4, np.float32), np.zeros((5, 2), np.float32))

NO_QUALITY = Quality(60, 0.5, 1.0)


def _near(faces, x: float, y: float):
    return [f for f in faces if abs(f.box.x + f.box.w / 2 - x) < 30 and abs(f.box.y + f.box.h / 2 - y) < 30]


@pytest.fixture(scope="module")
def faces(detector, room):
    with each_input_computed_once():
        return detector(room)


@pytest.fixture
def networks_remember():
    """For tests of what a room remembers, all of which begin with the same pictures."""
    with each_input_computed_once():
        yield


def test_every_face_is_found_once(faces):
    assert len(faces) == 2
    assert all(face.quality.presence > 0.9 for face in faces)
    assert all(face.embedding.shape == (192,) for face in faces)
    assert faces == sorted(faces, key=lambda f: f.box.y)


def test_a_box_reaches_from_ear_to_ear_around_the_keypoints(faces):
    for face in faces:
        box, points = face.box, face.keypoints
        assert box.h == pytest.approx(1.25 * box.w)
        assert box.w == pytest.approx(face.quality.width_px)
        eyes, nose = points[:2], points[2]
        assert (eyes[:, 0] > box.x).all()
        assert (eyes[:, 0] < box.x + box.w).all()
        assert box.y < eyes[:, 1].mean() < nose[1] < points[3][1] < box.y + box.h


def test_rectangle_and_square_are_each_others_inverse(faces):
    for face in faces:
        again = rectangle(blazeface_square(face.box))
        assert np.allclose(
            [again.x, again.y, again.w, again.h], [face.box.x, face.box.y, face.box.w, face.box.h], atol=1e-3
        )


def test_a_mirrored_room_has_mirrored_faces(detector, room, faces):
    mirrored = detector(np.ascontiguousarray(room[:, ::-1]))

    assert len(mirrored) == len(faces)
    for face in faces:
        x, y = room.shape[1] - (face.box.x + face.box.w / 2), face.box.y + face.box.h / 2
        (other,) = _near(mirrored, x, y)
        assert other.box.w == pytest.approx(face.box.w, rel=0.12)
        assert other.embedding @ face.embedding > 0.75


def test_the_number_of_threads_changes_nothing(model_set, room, faces):
    again = Detector(model_set, threads=3)(room)

    assert [face.box for face in again] == [face.box for face in faces]
    assert all((a.embedding == b.embedding).all() for a, b in zip(again, faces, strict=True))


def test_swapped_channels_change_the_vector(detector, room, faces):
    swapped = detector(np.ascontiguousarray(room[..., ::-1]))

    for face in faces:
        (other,) = _near(swapped, face.box.x + face.box.w / 2, face.box.y + face.box.h / 2)
        assert other.embedding @ face.embedding < 0.995


@pytest.mark.usefixtures("networks_remember")
def test_the_embedder_can_be_left_out(model_set, room):
    assert all(face.embedding.size == 0 for face in Detector(model_set, threads=1, embed=False)(room))


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (40, 30), (300, 300)])
def test_pictures_without_faces_have_none(detector, shape):
    assert detector(np.full((*shape, 3), 120, np.uint8)) == []


def test_a_grey_picture_has_the_same_faces(detector, room, faces):
    grey = np.repeat(room.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)

    assert len(detector(grey)) == len(faces)


def test_small_faces_have_no_pose_and_large_ones_do(faces):
    for face in faces:
        large = face.quality.width_px >= 48
        assert (face.pose is not None) == large
    assert {face.pose is None for face in faces} == {True, False}


@pytest.mark.usefixtures("networks_remember")
def test_known_faces_are_found_again_without_a_sweep(detector, room, monkeypatch):
    lesson = RoomDetector(detector)
    for seed in range(2):
        lesson(pictures.another_light(room, 1.1, seed))
    monkeypatch.setattr(detector, "sweep", _no_sweep)

    faces = lesson(pictures.another_light(room, 0.9, 7))

    assert len(faces) == 2


@pytest.mark.usefixtures("networks_remember")
def test_a_newcomer_is_found_without_a_sweep(detector, room, monkeypatch):
    lesson = RoomDetector(detector)
    for seed in range(2):
        lesson(pictures.another_light(room, 1.1, seed))
    monkeypatch.setattr(detector, "sweep", _no_sweep)
    crowded = pictures.hang(room, pictures.portrait(pictures.NAMES[2]), 380, 400, 120)

    faces = lesson(pictures.another_light(crowded, 0.9, 7))

    assert len(faces) == 3
    assert len(_near(faces, 440, 450)) == 1


def test_the_next_captures_search_near_faces_together_and_everything_in_three_rounds(detector, room, monkeypatch):
    lesson, searched = RoomDetector(detector), []
    lesson(room)
    monkeypatch.setattr(detector, "sweep", _no_sweep)

    def noted(picture, plan, threshold):
        searched.extend(plan if threshold == pipeline.FIRST_THRESHOLD else [])
        return nothing()

    monkeypatch.setattr(detector, "search", noted)
    for _ in range(sweep_rota.PARTS * sweep_rota.ELSEWHERE):
        lesson(room)

    assert set(searched) == set(detector.plan(room))


class OneFace:
    """Stands in for a detector, in front of a room of 12 megapixels with one face that may be hidden later."""

    def __init__(self, *, is_hidden_later: bool) -> None:
        self.face = Face(Box(2300, 1500, 60, 75), 0.9, np.zeros((6, 2), np.float32), NO_QUALITY, None, EMPTY[0])
        square = blazeface_square(self.face.box)[None]
        self.found = Detections(square, np.zeros((1, 6, 2), np.float32), *np.full((2, 1), 0.9, np.float32))
        self.later = nothing() if is_hidden_later else self.found
        self.searched: list[Search] = []

    def plan(self, _picture):
        return full_sweep(4608, 2592, 576)

    def sweep(self, _picture):
        return self.found

    def search(self, _picture, plan, threshold):
        if threshold != pipeline.FIRST_THRESHOLD:
            return self.later
        self.searched.extend(plan)
        return nothing()

    def read(self, _picture, found, _without):
        return [self.face] if found else []


@pytest.mark.parametrize("is_hidden", [True, False])
def test_tiles_near_a_place_are_searched_more_often_also_while_its_face_is_seen(is_hidden):
    detector = OneFace(is_hidden_later=is_hidden)
    lesson = RoomDetector(detector)
    for _ in range(1 + sweep_rota.PARTS * sweep_rota.ELSEWHERE):
        lesson(np.zeros((64, 64, 3), np.uint8))

    times = {detector.searched.count(search) for search in detector.plan(None)}
    assert times == {1, sweep_rota.ELSEWHERE}


def test_a_verified_face_wins_against_a_larger_box_with_a_higher_score():
    small, large = (
        Hit(np.array(box, np.float32), np.zeros((6, 2), np.float32), score, 2, checks=(FaceCheck(logit, BARE, *EMPTY),))
        for box, score, logit in (([40, 40, 80, 80], 0.3, 5), ([0, 0, 100, 100], 0.9, -2))
    )

    assert pipeline.one_a_face([large, small]) == [small]


def test_a_small_detection_needs_more_for_a_second_look_than_a_large_one():
    small, large = (
        Hit(np.array([0, 0, side, side], np.float32), np.zeros((6, 2), np.float32), 0.3, 2, checks=(check,))
        for side, check in ((20, FaceCheck(0, BARE, *EMPTY)), (26, FaceCheck(0, BARE, *EMPTY)))
    )

    assert pipeline.one_a_face([small]) == []
    assert pipeline.one_a_face([large]) == [large]


@pytest.mark.usefixtures("networks_remember")
def test_a_person_who_leaves_is_not_found_any_more(detector, room):
    lesson = RoomDetector(detector)
    for seed in range(3):
        lesson(pictures.another_light(room, 1.1, seed))

    assert lesson(pictures.wall(900, 600)) == []


@pytest.mark.usefixtures("networks_remember")
def test_a_picture_of_another_size_is_swept(detector, room):
    lesson = RoomDetector(detector)
    lesson(room)
    lesson(room)

    assert len(lesson(np.ascontiguousarray(room[:, 400:]))) == 1


def test_a_whole_lesson_is_the_same_twice(detector, room):
    def boxes():
        lesson = RoomDetector(detector)
        return [[f.box for f in lesson(pictures.another_light(room, 1.0, seed))] for seed in range(3)]

    assert boxes() == boxes()


def _no_sweep(picture):
    raise AssertionError("a full sweep was not expected")
