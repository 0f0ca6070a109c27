from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.vision import tiles
from edge_daemon.vision.tiles import Tile

_LENGTHS = st.integers(1, 3000)


@given(_LENGTHS, _LENGTHS, st.integers(64, 800))
def test_a_grid_covers_the_picture(width, height, side):
    plan = tiles.grid(width, height, side, side * 0.1)

    for length, starts in ((width, {t.left for t in plan}), (height, {t.top for t in plan})):
        ordered = sorted(starts)
        assert ordered[0] <= 0
        assert ordered[-1] + side >= length
        assert all(b - a <= side * 0.9 + 1 for a, b in pairwise(ordered))


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_a_sweep_ends_with_the_whole_picture_and_stays_affordable(width, height):
    plan = tiles.pyramid(width, height, 576)

    last = plan[-1]
    assert last.left <= 0
    assert last.left + last.side >= width
    assert last.top + last.side >= height
    assert len(plan) <= 130


def test_a_12_megapixel_sweep_needs_few_tiles():
    assert len(tiles.pyramid(4608, 2592, 576)) <= 52


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_a_full_sweep_searches_every_pixel_with_few_close_ups(width, height):
    plan = tiles.full_sweep(width, height, 576)

    close = [search.tile for search in plan if search.network == "close_up"]
    assert len(close) <= 250
    assert all(tiles.CLOSE_UP_PX[0] <= tile.side <= tiles.CLOSE_UP_PX[1] for tile in close)
    assert [s.tile for s in plan if s.network == "sweep"] == tiles.pyramid(width, height, 576)
    assert sum(s.network == "look" for s in plan) == 1


def test_large_pictures_have_no_close_ups_and_small_ones_have():
    assert not tiles.close_ups(4608, 2592)
    assert {tile.side for tile in tiles.close_ups(1024, 768)} == {256, 128}


def test_a_tile_inside_the_picture_at_full_size_is_its_pixels():
    picture = np.random.default_rng(0).integers(0, 255, (50, 60, 3), dtype=np.uint8)

    assert (tiles.cut(picture, Tile(10, 5, 32), 32) == picture[5:37, 10:42]).all()


def test_beyond_the_edge_a_tile_is_black():
    picture = np.full((20, 20, 3), 200, np.uint8)

    part = tiles.cut(picture, Tile(-8, -8, 32), 32)

    assert (part[8:28, 8:28] == 200).all()
    assert part.sum() == 200 * 20 * 20 * 3


@pytest.mark.parametrize("tile", [Tile(500, 500, 32), Tile(-100, 0, 40), Tile(0.4, 0.4, 0.2)])
def test_a_tile_outside_the_picture_is_no_error(tile):
    assert tiles.cut(np.full((20, 20, 3), 9, np.uint8), tile, 32).shape == (32, 32, 3)
