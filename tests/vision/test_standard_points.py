"""The 68 points: each part lies where that part of a face is."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.vision import standard_points as standard
from tests.vision import pictures


@pytest.fixture(scope="module")
def faces(detector):
    """A face of about 35 px and one of 76 px."""
    scene = pictures.hang(pictures.wall(500, 400), pictures.portrait(pictures.NAMES[3]), 20, 40, 220)
    found = detector(pictures.hang(scene, pictures.portrait(pictures.NAMES[0]), 290, 60, 170))
    return sorted(found, key=lambda face: face.quality.width_px)


@pytest.fixture(scope="module")
def points(faces):
    face = faces[-1]
    assert face.landmarks.shape == (68, 2)
    return (face.landmarks - (face.box.x, face.box.y)) / (face.box.w, face.box.h)


def test_every_point_is_another_point_of_the_mesh():
    assert len(set(standard.INDEX.tolist())) == 68
    assert standard.INDEX.min() >= 0
    assert standard.INDEX.max() < 468


def test_parts_lie_above_each_other(points):
    brows = points[17:27, 1].mean()
    eyes = points[36:48, 1].mean()
    nose, lips, chin = points[30, 1], points[standard.LIPS, 1].mean(), points[8, 1]
    assert brows < eyes < nose < lips < chin


def test_left_and_right_parts_lie_on_their_sides(points):
    for right, left in (
        (standard.RIGHT_BROW, standard.LEFT_BROW),
        (standard.RIGHT_EYE, standard.LEFT_EYE),
    ):
        assert points[right, 0].max() < points[left, 0].min()
    jaw = points[standard.JAW, 0]
    assert (np.diff(jaw[2:15]) > 0).all()  # from ear to ear
    middle = points[[8, 27, 30, 51, 57], 0]
    assert np.ptp(middle) < 0.2


def test_inner_lips_lie_within_the_lips(points):
    lips, inner = points[standard.LIPS], points[standard.INNER_LIPS]
    assert (lips.min(axis=0) <= inner.min(axis=0) + 0.02).all()
    assert (inner.max(axis=0) <= lips.max(axis=0) + 0.02).all()


def test_a_small_face_has_no_landmarks(faces):
    assert len(faces) == 2
    assert [face.landmarks is None for face in faces] == [True, False]
