from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.vision import align


@given(st.floats(-3, 3), st.floats(0.2, 5), st.floats(-200, 200), st.floats(-200, 200))
def test_a_known_turn_scale_and_shift_is_found_again(angle, scale, dx, dy):
    matrix = np.array(
        [[scale * np.cos(angle), -scale * np.sin(angle), dx], [scale * np.sin(angle), scale * np.cos(angle), dy]]
    )
    moved = align.FIVE_POINTS @ matrix[:, :2].T + matrix[:, 2]

    found = align.similarity(align.FIVE_POINTS, moved.astype(np.float32))

    assert np.allclose(found, matrix, atol=0.02)


def test_a_mirrored_face_is_not_mirrored_back():
    mirrored = align.FIVE_POINTS * np.array([-1, 1], np.float32)

    matrix = align.similarity(mirrored, align.FIVE_POINTS)

    assert np.linalg.det(matrix[:, :2]) > 0


def test_the_points_land_on_the_target():
    picture = np.zeros((400, 400, 3), np.uint8)
    points = align.FIVE_POINTS * 2.5 + np.array([60, 40], np.float32)
    for x, y in points:
        cv2.circle(picture, (round(float(x)), round(float(y))), 5, (255, 255, 255), -1)

    crop = align.warp(picture, align.similarity(points, align.FIVE_POINTS))

    assert crop.shape == (112, 112, 3)
    for x, y in align.FIVE_POINTS:
        assert crop[round(float(y)), round(float(x)), 0] > 128


def test_a_large_face_is_averaged_down_without_a_shift():
    picture = np.zeros((1000, 1000, 3), np.uint8)
    cv2.circle(picture, (500, 500), 40, (255, 255, 255), -1)
    shrink = np.array([[0.1, 0, 6], [0, 0.1, 6]], np.float32)

    crop = align.warp(picture, shrink)[..., 0].astype(np.float64)

    rows, columns = np.mgrid[:112, :112]
    assert abs((crop * columns).sum() / crop.sum() - 56) < 0.1
    assert abs((crop * rows).sum() / crop.sum() - 56) < 0.1
