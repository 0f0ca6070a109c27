"""The verifier on the demo's portraits: a face or not, what is visible of it, where it is, and its points."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks import covers
from edge_daemon.vision.blazeface import BlazeFace
from edge_daemon.vision.face_verifier import FaceVerifier
from edge_daemon.vision.landmarks import FaceMesh
from tests.vision import pictures


@pytest.fixture(scope="module")
def verify(model_set):
    return FaceVerifier(model_set.card("verifier_int8"))


@pytest.fixture(scope="module")
def faces(model_set):
    """Each portrait in a small picture, with BlazeFace's square and points."""
    look, found = BlazeFace(model_set.card("detector_look")), []
    for name in pictures.NAMES:
        picture = pictures.portrait(name)
        small = pictures.hang(pictures.wall(192, 192), picture, 40, 20, 110)
        seen = look(small, 0.3)
        found.append((small, seen.boxes[0], seen.points[0]))
    return found


def test_faces_are_faces_and_bare(verify, faces):
    checks = [verify(picture, square) for picture, square, _ in faces]

    assert min(check.logit for check in checks) > 1
    assert [check.visible.part for check in checks] == ["bare"] * len(faces)


@pytest.mark.parametrize("seed", range(3))
def test_a_wall_is_no_face(verify, seed):
    wall = pictures.wall(200, 200, seed)

    assert verify(wall, np.array([60, 60, 120, 120], np.float32)).logit < -1


def test_clothes_and_parts_of_a_face_are_no_face(verify, faces):
    for picture, square, _ in faces:
        side = float(square[2] - square[0])
        below = square + np.array([0, 1.6, 0, 1.6], np.float32) * side
        assert verify(picture, below).logit < verify(picture, square).logit - 2


def test_a_mask_hides_the_lower_half_and_the_face_stays_a_face(verify, faces):
    rng = np.random.default_rng(0)
    for picture, square, points in faces:
        check = verify(covers.pleated_mask(picture, points, rng), square)
        assert check.visible.part == "lower_hidden"
        assert check.logit > 0


def test_dark_glasses_hide_the_upper_half(verify, faces):
    rng = np.random.default_rng(0)
    seen = [verify(covers.wide_glasses(picture, points, rng), square) for picture, square, points in faces]

    assert sum(check.visible.part == "upper_hidden" for check in seen) >= len(faces) - 1
    assert min(check.logit for check in seen) > 0


def test_points_lie_where_the_mesh_has_them(verify, faces, model_set):
    mesh = FaceMesh(model_set.card("mesh"))
    for picture, square, points in faces:
        side = float(square[2] - square[0])
        away = verify(picture, square).points - mesh(picture, square, points).five_points()
        assert np.linalg.norm(away, axis=1).mean() < 0.1 * side


def test_points_move_with_the_picture_and_its_size(verify, faces):
    picture, square, _ = faces[0]
    near = verify(picture, square).points
    larger = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    shifted = np.roll(picture, (5, 9), axis=(0, 1))

    assert np.abs(verify(larger, square * 2).points / 2 - near).max() < 3
    moved = verify(shifted, square + np.array([9, 5, 9, 5], np.float32)).points
    assert np.abs(moved - near - np.array([9, 5])).max() < 1


def test_a_box_that_is_off_is_drawn_better(verify, faces):
    for picture, square, _ in faces:
        side = float(square[2] - square[0])
        off = square + np.array([0.22, 0.15, 0.22, 0.15], np.float32) * side
        centre = (verify(picture, off).square.reshape(2, 2)).mean(axis=0)
        assert np.abs(centre - square.reshape(2, 2).mean(axis=0)).max() < 0.18 * side


def test_a_square_without_extent_or_outside_the_picture_is_answered(verify):
    picture = pictures.wall(40, 30)
    for square in ([5, 5, 5, 5], [-90, -90, -50, -50], [0, 0, 4000, 4000]):
        check = verify(picture, np.array(square, np.float32))
        assert np.isfinite([check.logit, *check.square, *check.points.reshape(-1)]).all()


def test_float16_says_the_same(verify, faces, model_set):
    exact = FaceVerifier(model_set.card("verifier_float16"))
    for picture, square, _ in faces:
        ours, theirs = verify(picture, square), exact(picture, square)
        assert ours.visible.part == theirs.visible.part
        assert abs(ours.logit - theirs.logit) < 1
        assert np.abs(ours.points - theirs.points).max() < 0.08 * float(square[2] - square[0])


def test_the_file_is_small(model_set):
    assert model_set.card("verifier_int8").path.stat().st_size <= 150_000
