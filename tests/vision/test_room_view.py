"""What a capture shows of the room: light, what is burnt out, shapes, and how sharp it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_daemon.types import VIEW_COLUMNS, VIEW_ROWS
from edge_daemon.vision.change import thumbnail
from edge_daemon.vision.room_view import BURNT_FROM, percentiles, room_view


def room(seed: int = 1) -> np.ndarray:
    """Return a drawn room of 1280 by 720 pixels: furniture with sharp edges, and a sensor's noise."""
    rng = np.random.default_rng(seed)
    picture = np.full((720, 1280, 3), 120, np.uint8)
    for _ in range(400):
        x, y, w, h = (int(v) for v in rng.integers((0, 0, 15, 15), (1250, 700, 90, 70)))
        cv2.rectangle(picture, (x, y), (x + w, y + h), rng.uniform(40, 220, 3).tolist(), -1)
    return np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def test_the_cells_have_the_light_of_their_place():
    picture = room()
    picture[:, :640] = picture[:, :640] // 10
    view = room_view(picture)
    assert view.luma.shape == view.burnt.shape == view.structure.shape == (VIEW_ROWS, VIEW_COLUMNS)
    assert view.luma[:, :8].max() < 25 < 60 < view.luma[:, 8:].min()


def test_burnt_out_pixels_are_counted_by_cell():
    picture = room()
    picture[:90, :80] = 255
    view = room_view(picture)
    assert view.burnt[0, 0] == pytest.approx(1)
    assert view.burnt[1:].max() < 0.1


@pytest.mark.parametrize("height", [720, 718])
def test_one_pixel_of_sixteen_decides_what_is_burnt_out(height):
    picture = room()[:height]
    picture[::4, ::4] = BURNT_FROM
    assert room_view(picture).burnt.min() == 1
    picture[:] = BURNT_FROM
    picture[::4, ::4] = 0
    assert room_view(picture).burnt.max() == 0


def test_a_thumbnail_that_exists_already_gives_the_same_view():
    picture = room()
    view, again = room_view(picture), room_view(picture, thumbnail(picture))
    assert (view.luma == again.luma).all()
    assert view.blur_px == again.blur_px


@pytest.mark.parametrize("sigma_px", [2.0, 4.0, 8.0])
def test_the_blur_of_a_lens_out_of_focus_is_measured_in_pixels(sigma_px):
    assert room_view(cv2.GaussianBlur(room(), (0, 0), sigma_px)).blur_px == pytest.approx(sigma_px, rel=0.3)


@pytest.mark.parametrize("axis", [0, 1])
def test_motion_in_one_direction_is_blur_though_the_edges_along_it_stay_sharp(axis):
    kernel = np.full((1, 24) if axis else (24, 1), 1 / 24, np.float32)
    assert room_view(room()).blur_px < 1.5
    assert room_view(cv2.filter2D(room(), -1, kernel)).blur_px > 4


def test_without_any_contrast_the_blur_is_not_known():
    assert room_view(np.full((720, 1280, 3), 90, np.uint8)).blur_px == float("inf")


def test_a_picture_of_a_few_pixels_is_measured_without_its_blur():
    assert room_view(room()[:40, :300]).blur_px == 0


def test_a_cover_has_no_structure_and_a_dark_room_keeps_its_shapes():
    dark, cover = room() // 20, np.full((720, 1280, 3), 20, np.uint8)
    assert np.median(room_view(dark).structure) > 0.5
    assert room_view(cover).structure.max() < 0.1


def test_percentiles_from_counts_are_those_of_numpy():
    values = np.random.default_rng(2).integers(0, 200, (9, 7)).astype(np.uint8)
    assert percentiles(values, (0, 2, 50, 99.5, 100)) == pytest.approx(np.percentile(values, (0, 2, 50, 99.5, 100)))
    assert percentiles(values[:1, :1], (2, 98)) == [values[0, 0]] * 2
