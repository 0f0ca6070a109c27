from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_daemon.vision import change
from tests.vision import pictures


@pytest.mark.parametrize("gamma", [0.75, 1.0, 1.35])
def test_other_light_and_noise_are_no_change(room, gamma):
    before, now = (change.thumbnail(shot) for shot in (room, pictures.another_light(room, gamma)))

    assert change.changed(before, now).mean() < 0.005


def test_a_new_face_is_a_change_and_nothing_else_is(room):
    crowded = pictures.hang(room, pictures.portrait(pictures.NAMES[2]), 400, 400, 80)
    before, now = change.thumbnail(room), change.thumbnail(pictures.another_light(crowded))

    marked = change.changed(before, now)

    assert marked[50:61, 50:60].mean() > 0.5
    marked[49:62, 49:61] = False
    assert marked.mean() < 0.005


def test_tiny_pictures_have_a_thumbnail():
    small = change.thumbnail(np.zeros((1, 1, 3), np.uint8))

    assert small.shape == (1, 1, 3)
    assert not change.changed(small, small).any()


def test_a_shrunk_picture_is_the_same_whether_it_is_made_in_strips_or_not():
    picture = np.random.default_rng(1).integers(0, 255, (2 * 320 + 1, 2 * 20 + 1, 3), np.uint8)
    whole = cv2.resize(picture[:640, :40], (20, 320), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(change.shrunk(picture, 1), whole)
    np.testing.assert_array_equal(change.shrunk(picture, 0), picture)
    assert change.shrunk(picture[:3, :30], 3).shape == (1, 3, 3)
