"""The crops that the mask network learns from: where painted masks lie, and what varies."""

from __future__ import annotations

import numpy as np
import pytest

from models_tflite.build.mask.crops import SIDE_PX, WIDE
from models_tflite.build.mask.hard_crops import crowded, painted, varied_hard

FACE = np.full((WIDE.side_px, WIDE.side_px, 3), 120, np.uint8)
NOSE, MOUTH, FOREHEAD = 0.55, 0.97, 0.1
"""Heights in the labelled box, from its upper edge."""


def changed(crop: np.ndarray, height: float) -> bool:
    """Return whether the middle of the face has another colour at a height of the box."""
    box_px = WIDE.side_px / WIDE.scale
    row = round((WIDE.side_px - box_px) / 2 + box_px * height)
    return bool((np.abs(crop[row, WIDE.side_px // 2].astype(int) - 120) > 4).any())


@pytest.mark.parametrize("seed", range(8))
def test_a_mask_painted_right_covers_the_nose_and_one_painted_wrong_leaves_it_free(seed: int):
    right = painted(FACE, np.random.default_rng(seed), wrong=False)
    wrong = painted(FACE, np.random.default_rng(seed), wrong=True)
    assert changed(right, NOSE)
    assert not changed(wrong, NOSE)
    assert changed(right, MOUTH)
    assert changed(wrong, MOUTH)
    assert not changed(right, FOREHEAD)
    assert not changed(wrong, FOREHEAD)


def test_a_mask_in_the_cloth_of_another_has_its_colours():
    worn = np.full_like(FACE, (40, 90, 160))
    crop = painted(FACE, np.random.default_rng(3), wrong=False, worn=worn).astype(int)
    red, green, blue = crop[(np.abs(crop - 120) > 4).any(2)].mean(0)
    assert red < green < blue


@pytest.mark.parametrize("seed", range(8))
def test_a_head_in_front_of_a_face_leaves_the_eyes_and_the_nose_free(seed: int):
    crop = crowded(FACE, np.full_like(FACE, 10), np.random.default_rng(seed))
    assert (np.abs(crop.astype(int) - 120) > 4).any(2).mean() > 0.05
    assert not changed(crop, FOREHEAD)
    assert not changed(crop, NOSE)


def test_a_hard_variation_is_the_same_for_the_same_seed_and_has_other_colours_for_others():
    crops = [varied_hard(FACE, np.random.default_rng(seed)) for seed in (1, 1, 2, 3, 4)]
    assert all(crop.shape == (SIDE_PX, SIDE_PX, 3) and crop.dtype == np.uint8 for crop in crops)
    assert np.array_equal(crops[0], crops[1])
    assert len({tuple(np.median(crop, (0, 1))) for crop in crops}) == 4
