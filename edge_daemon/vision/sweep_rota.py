"""Shares a full sweep among several captures: which of its tiles one capture searches."""

from __future__ import annotations

from collections.abc import Sequence

from edge_daemon.vision.tile_memory import KnownFace
from edge_daemon.vision.tiles import Search, Tile

PARTS = 8
"""Each tile near a known place is searched once in this many captures.

That also holds while the place shows its face. Only these tiles find a newcomer who sits still in a gap of a row.
"""
ELSEWHERE = 3
"""The other tiles are searched this many times less often, but all are searched."""
_NEAR = 4.0
"""A tile is near a place if it reaches to within this many sides of the face."""
_SMALLEST_SHARE = 0.025
"""Smallest face, as a share of a tile's side, that a sweep finds: 14 of 576 px."""


def due(plan: Sequence[Search], capture: int, places: Sequence[KnownFace]) -> list[Search]:
    """Return the tiles that a capture searches.

    Args:
        plan: the tiles of a full sweep.
        capture: the number of captures before it.
        places: the faces of earlier captures.
    """
    chosen = []
    for index, search in enumerate(plan):
        turn, rest = divmod(capture - index, PARTS)
        if rest == 0 and (turn % ELSEWHERE == 0 or any(_could_show(search.tile, place) for place in places)):
            chosen.append(search)
    return chosen


def _could_show(tile: Tile, place: KnownFace) -> bool:
    reach = _NEAR * place.side
    beside = tile.left - reach <= place.x <= tile.left + tile.side + reach
    level = tile.top - reach <= place.y <= tile.top + tile.side + reach
    return beside and level and place.side >= _SMALLEST_SHARE * tile.side
