"""The places of a room, learned over the captures of a lesson: where faces are, and how large."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Face
from edge_daemon.vision.face_reader import LOOK_SHARE, blazeface_square
from edge_daemon.vision.tiles import Tile

SHARES = (0.2, 0.45)
"""A tile suits a face if the side of the face's BlazeFace square, as a share of the tile's side, is in this range."""
_MARGIN = 0.6
"""Space for movement on each side of a face, as a multiple of the side of its BlazeFace square."""
_ENOUGH = 4
"""Least number of known places for an estimate of the size of a new face: the median of this many nearby."""
_ANY_SIDES = (45.0, 100.0)
"""Sides in px of the BlazeFace squares that are searched for while fewer places than `_ENOUGH` are known."""
_FORGET_AFTER = 30
"""Number of captures without a face at a place after which the place is forgotten.

A sweep would find a new face there.
"""


@dataclass(frozen=True, slots=True)
class KnownFace:
    """The place of an earlier face."""

    x: float
    y: float
    side: float
    """Side of BlazeFace's square, px; `x` and `y` are its centre."""
    unseen: int = 0
    """Captures since the last face there."""

    def fits(self, tile: Tile) -> bool:
        """Return whether a tile shows this place at a suitable size, with space to move."""
        reach = self.side * (0.5 + _MARGIN)
        inside_x = tile.left <= self.x - reach and self.x + reach <= tile.left + tile.side
        inside_y = tile.top <= self.y - reach and self.y + reach <= tile.top + tile.side
        return inside_x and inside_y and SHARES[0] <= self.side / tile.side <= SHARES[1]


class TileMemory:
    """The places where faces were in the captures of one lesson."""

    def __init__(self) -> None:
        self.known: list[KnownFace] = []

    def learn(self, faces: list[Face]) -> None:
        """Learn from the faces of a capture: add and update their places, and forget old ones."""
        fresh = [_place(face) for face in faces]
        older = [replace(p, unseen=p.unseen + 1) for p in self.known if not any(_same(p, f) for f in fresh)]
        self.known = fresh + [p for p in older if p.unseen <= _FORGET_AFTER]

    def tiles(self) -> list[Tile]:
        """Return a small number of tiles that show every place at a suitable size; neighbours share a tile."""
        left = sorted(self.known, key=lambda p: (p.y, p.x))
        plan = []
        while left:
            best = max((_shared(p, left) for p in left[:8]), key=lambda tile: sum(p.fits(tile) for p in left))
            served = [p for p in left if p.fits(best)]
            plan.append(best)
            left = [p for p in left if p not in served]
        return plan

    def newcomers(self, changed: NDArray[np.bool_], cell: float) -> list[Tile]:
        """Return tiles for changes away from the known places, each sized for faces as large as those nearby.

        Args:
            changed: a mask of the picture.
            cell: side of one cell of the mask, px.
        """
        strange = changed.copy()
        for place in self.known:
            _erase(strange, cell, place.x, place.y, place.side)
        if len(self.known) >= _ENOUGH:
            return cover(strange, cell, self._usual_side)
        return [tile for side in _ANY_SIDES for tile in cover(strange, cell, _always(side))]

    def _usual_side(self, x: float, y: float) -> float:
        near = sorted(self.known, key=lambda p: (p.x - x) ** 2 + (p.y - y) ** 2)[:_ENOUGH]
        return float(np.median([p.side for p in near]))


def _place(face: Face) -> KnownFace:
    box = blazeface_square(face.box)
    return KnownFace(float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2, float(box[2] - box[0]))


def _same(a: KnownFace, b: KnownFace) -> bool:
    return float(np.hypot(a.x - b.x, a.y - b.y)) < 0.5 * max(a.side, b.side)


def _shared(place: KnownFace, others: list[KnownFace]) -> Tile:
    """Return a tile for a place, shifted, if possible, so that it also suits the nearest neighbour."""
    side = place.side / LOOK_SHARE
    alone = Tile(place.x - side / 2, place.y - side / 2, side)
    near = sorted((o for o in others if o is not place), key=lambda o: np.hypot(o.x - place.x, o.y - place.y))
    for other in near[:2]:
        middle_x, middle_y = (place.x + other.x) / 2, (place.y + other.y) / 2
        for size in (side, max(place.side, other.side) / (SHARES[0] + 0.04)):
            both = Tile(middle_x - size / 2, middle_y - size / 2, size)
            if place.fits(both) and other.fits(both):
                return both
    return alone


def _always(side: float) -> Callable[[float, float], float]:
    def anywhere(_x: float, _y: float) -> float:
        return side

    return anywhere


def _erase(marked: NDArray[np.bool_], cell: float, x: float, y: float, side: float) -> None:
    """Remove a person from a mask: head and chest around a face."""
    top, bottom = int((y - 1.1 * side) / cell), math.ceil((y + 2.2 * side) / cell)
    left, right = int((x - 1.4 * side) / cell), math.ceil((x + 1.4 * side) / cell)
    marked[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = False


def cover(marked: NDArray[np.bool_], cell: float, face_side: Callable[[float, float], float]) -> list[Tile]:
    """Return tiles that show every marked cell of a mask, from top to bottom.

    Args:
        marked: the mask.
        cell: side of one of its cells, px.
        face_side: returns the expected side of BlazeFace's square at (x, y), px.
    """
    plan, left = [], marked.copy()
    while left.any():
        row = int(left.any(axis=1).argmax())
        first = int(left[row].argmax())
        gap = np.flatnonzero(~left[row, first:])
        column = first + (int(gap[0]) if len(gap) else left.shape[1] - first) // 2
        x, y = (column + 0.5) * cell, (row + 0.5) * cell
        side = max(face_side(x, y), cell)
        tile = Tile(x - side / LOOK_SHARE / 2, y - 0.7 * side, side / LOOK_SHARE)
        plan.append(tile)
        rim = 0.45 * side  # the detector may miss a face at the very edge of a tile
        rows = slice(row, max(int((tile.top + tile.side - rim) / cell), row + 1))
        left[rows, max(int((tile.left + rim) / cell), 0) : max(math.ceil((tile.left + tile.side - rim) / cell), 0)] = (
            False
        )
    return plan
