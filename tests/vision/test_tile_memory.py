from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.types import Box, Face, Quality
from edge_daemon.vision import tile_memory
from edge_daemon.vision.tile_memory import TileMemory, cover


def _face(x: float, y: float, w: float) -> Face:
    quality = Quality(w, 0.5, 1.0)
    none = np.zeros(0, np.float32)
    return Face(Box(x, y, w, w * 1.25), 0.9, np.zeros((6, 2), np.float32), quality, None, None, none)


_FACES = st.lists(st.builds(_face, st.floats(0, 4000), st.floats(0, 2500), st.floats(26, 116)), min_size=1, max_size=40)


@given(_FACES)
def test_every_place_is_shown_well_by_some_tile(faces):
    places = TileMemory()
    places.learn(faces)

    plan = places.tiles()

    assert all(any(place.fits(tile) for tile in plan) for place in places.known)
    assert len(plan) <= len(places.known)


def test_neighbours_share_a_tile():
    places = TileMemory()
    places.learn([_face(100, 100, 40), _face(150, 105, 42)])

    assert len(places.tiles()) == 1


def _looked_at(monkeypatch: pytest.MonkeyPatch, rows: int) -> float:
    """Return how often a place of a hall is looked at until all have tiles."""
    looked, offer = [], tile_memory._TileChoice._offer
    monkeypatch.setattr(
        tile_memory._TileChoice, "_offer", lambda self, index: looked.append(index) or offer(self, index)
    )
    places = TileMemory()
    places.learn([_face(100 + 180 * x + 7 * (y % 5), 100 + 150 * y, 40) for y in range(rows) for x in range(20)])
    places.tiles()
    monkeypatch.undo()
    return len(looked) / len(places.known)


def test_the_work_for_each_place_does_not_grow_with_the_hall(monkeypatch):
    assert _looked_at(monkeypatch, 20) < 1.2 * _looked_at(monkeypatch, 5)


def test_a_face_that_moves_a_little_keeps_its_place():
    places = TileMemory()
    places.learn([_face(100, 100, 40)])
    places.learn([_face(108, 97, 41)])

    assert [(p.unseen, round(p.x)) for p in places.known] == [(0, 128)]


def test_a_place_is_kept_for_a_while_and_then_given_up():
    places = TileMemory()
    places.learn([_face(100, 100, 40)])
    places.learn([])
    assert [p.unseen for p in places.known] == [1]
    for _ in range(40):
        places.learn([])
    assert places.known == []


@pytest.mark.parametrize("seed", range(5))
def test_changed_parts_are_covered(seed):
    mask = np.random.default_rng(seed).random((60, 80)) > 0.98

    plan = cover(mask, 8, lambda x, y: 20 + y / 10)

    for row, column in zip(*np.nonzero(mask), strict=True):
        x, y = (column + 0.5) * 8, (row + 0.5) * 8
        assert any(t.left <= x <= t.left + t.side and t.top <= y <= t.top + t.side for t in plan)


def test_a_newcomer_is_sought_at_the_size_of_the_people_nearby():
    places = TileMemory()
    places.learn([_face(x, 100, 30) for x in (0, 200, 400, 600)] + [_face(x, 900, 90) for x in (0, 500, 1000, 1500)])
    changed = np.zeros((150, 250), bool)
    changed[12:17, 100:104] = True  # far away, beside the last row
    changed[110:125, 32:40] = True  # near, between two people

    far, near = places.newcomers(changed, 8)

    assert far.side == pytest.approx(30 / 0.88 / 0.33, rel=0.01)
    assert near.side == pytest.approx(90 / 0.88 / 0.33, rel=0.01)


def test_known_people_who_move_are_no_newcomers():
    places = TileMemory()
    places.learn([_face(x, 400, 60) for x in (100, 400, 700, 1000)])
    changed = np.zeros((150, 150), bool)
    changed[48:70, 48:62] = True

    assert places.newcomers(changed, 8) == []
