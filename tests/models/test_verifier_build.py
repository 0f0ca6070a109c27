"""The recipe of the verifier, where it needs no TensorFlow: the split, the crops, what is painted, the odds."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.vision.face_reader import rectangle
from models_tflite.build.verifier import augment, fit, labelled, samples, split
from tests.vision import pictures

NAMES = [f"picture-{number}.jpg" for number in range(3000)]


def test_a_third_is_held_back_and_an_eighth_fits_the_odds_and_none_does_both():
    held, fits = ({name for name in NAMES if which(name)} for which in (split.held_back, split.for_fitting))

    assert not held & fits
    assert len(held) == pytest.approx(1000, abs=100)
    assert len(fits) == pytest.approx(375, abs=60)


def test_a_label_of_the_programs_shape_gives_the_programs_box():
    square = np.array([100, 80, 160, 140], np.float32)
    box = rectangle(square)

    assert samples.label_square(np.array([box.x, box.y, box.w, box.h], np.float32)) == pytest.approx(square, abs=1e-3)


def test_a_cut_crop_lies_where_its_matrix_maps():
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[90:93, 148:151] = 255
    crop, matrix = samples.cut(picture, np.array([120, 60, 180, 120], np.float32))

    brightest = np.unravel_index(crop[..., 0].argmax(), crop.shape[:2])
    assert samples.moved(np.array([[149, 91]], np.float32), matrix)[0] == pytest.approx(brightest[::-1], abs=1.5)


@pytest.mark.parametrize("seed", range(8))
def test_points_move_with_a_picture_that_is_turned_shifted_and_mirrored(seed, monkeypatch):
    monkeypatch.setattr(augment, "_lit", lambda seen, rng: seen)
    monkeypatch.setattr(augment, "_worn", lambda seen, rng: seen)
    crop = np.zeros((96, 96, 3), np.uint8)
    crop[56:59, 40:43] = 255
    seen, matrix, _ = augment.varied(crop, np.random.default_rng(seed))

    x, y = np.array([41, 57]) @ matrix[:, :2].T + matrix[:, 2]
    row, column = np.unravel_index(seen[..., 0].astype(int).argmax(), seen.shape[:2])
    assert (column, row) == pytest.approx((x, y), abs=1.2)


def test_mirroring_swaps_left_and_right_points():
    five = np.arange(10, dtype=np.float32).reshape(5, 2)
    assert augment.mirrored(augment.mirrored(five)) == pytest.approx(five)
    assert augment.mirrored(five)[:, 0] == pytest.approx([2, 0, 4, 8, 6])


def test_the_same_generator_gives_the_same_crop_and_another_gives_another():
    crop = pictures.hang(pictures.wall(96, 96), pictures.portrait(), 10, 0, 76)
    first, again, other = (augment.varied(crop, np.random.default_rng(seed))[0] for seed in (1, 1, 2))

    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("below", [True, False])
def test_a_painted_cover_hides_the_half_that_its_label_names(below):
    crop = pictures.wall(96, 96)
    six = np.array([[38, 40], [58, 40], [48, 52], [48, 62], [28, 46], [68, 46]], np.float32)
    changed = (labelled._hidden_half(crop, six, np.random.default_rng(3), below=below) != crop).any(axis=2)

    rows = np.flatnonzero(changed[:, 48])
    assert len(rows) > 4
    assert rows.min() > 40 if below else rows.max() < 60


def test_logistic_regression_weights_the_feature_that_separates():
    rng = np.random.default_rng(0)
    faces = (rng.random(400) < 0.5).astype(float)
    rows = np.stack([faces * 2 - 1 + rng.normal(0, 1, 400), rng.normal(0, 1, 400), np.ones(400)], axis=1)
    weights = fit.logistic(rows, faces)

    assert weights[0] > 1
    assert abs(weights[1]) < 0.4
