from __future__ import annotations

import pytest

from edge_daemon.vision import sweep_rota
from edge_daemon.vision.tile_memory import KnownFace
from edge_daemon.vision.tiles import Search, full_sweep

PLAN = full_sweep(4608, 2592, 576)
ROUND = sweep_rota.PARTS * sweep_rota.ELSEWHERE


def _turns(places: list[KnownFace]) -> dict[Search, list[int]]:
    turns: dict[Search, list[int]] = {search: [] for search in PLAN}
    for capture in range(1, ROUND + 1):
        for search in sweep_rota.due(PLAN, capture, places):
            turns[search].append(capture)
    return turns


def test_the_whole_picture_is_searched_in_three_rounds_even_without_faces():
    assert {len(turns) for turns in _turns([]).values()} == {1}


def test_tiles_near_faces_are_searched_in_every_round():
    place = KnownFace(2300, 1500, 60)
    turns = _turns([place])

    near = [s for s in PLAN if len(turns[s]) == sweep_rota.ELSEWHERE]
    assert all(len(turns[search]) == 1 for search in PLAN if search not in near)
    assert near
    assert len(near) < len(PLAN) / 2
    assert any(s.tile.left < place.x < s.tile.left + s.tile.side and s.tile.side < 1000 for s in near)
    assert all(s.tile.side < 4608 for s in near)  # too coarse to find a face of 60 px


@pytest.mark.parametrize("places", [[], [KnownFace(x, 1500, 60) for x in range(300, 4300, 300)]])
def test_no_capture_searches_much_more_than_another(places):
    counts = [len(sweep_rota.due(PLAN, capture, places)) for capture in range(1, ROUND + 1)]

    assert max(counts) <= len(PLAN) // sweep_rota.PARTS + 1
