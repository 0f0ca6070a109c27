"""What a room teaches over the captures of a lesson: where faces are, and how large."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Face
from edge_daemon.vision.reader import LOOK_SHARE, blazeface_square
from edge_daemon.vision.tiles import Tile

SHARES = (0.2, 0.45)
"""A tile serves faces whose BlazeFace square takes such a share of its side."""
_MARGIN = 0.6
"""Room for movement around a face, in its own sides."""
_FORGET_AFTER = 30
"""Captures without a face after which a place is given up; a sweep would find it again."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face was."""

    x: float
    y: float
    side: float
    """Centre and side of BlazeFace's square, px."""
    unseen: int = 0
    """Captures since then."""

    def fits(self, tile: Tile) -> bool:
        """Return whether a tile shows this place at a good size, with room to move."""
        reach = self.side * (0.5 + _MARGIN)
        inside_x = tile.left <= self.x - reach and self.x + reach <= tile.left + tile.side
        inside_y = tile.top <= self.y - reach and self.y + reach <= tile.top + tile.side
        return inside_x and inside_y and SHARES[0] <= self.side / tile.side <= SHARES[1]


class Places:
    """Places of one lesson."""

    def __init__(self) -> None:
        self.known: list[Place] = []

    def learn(self, faces: list[Face]) -> None:
        """Take in the faces of a capture."""
        fresh = [_place(face) for face in faces]
        older = [replace(p, unseen=p.unseen + 1) for p in self.known if not any(_same(p, f) for f in fresh)]
        self.known = fresh + [p for p in older if p.unseen <= _FORGET_AFTER]

    def tiles(self) -> list[Tile]:
        """Return few tiles that show every place well; neighbours share one."""
        left = sorted(self.known, key=lambda p: (p.y, p.x))
        plan = []
        while left:
            best = max((_shared(p, left) for p in left[:8]), key=lambda tile: sum(p.fits(tile) for p in left))
            served = [p for p in left if p.fits(best)]
            plan.append(best)
            left = [p for p in left if p not in served]
        return plan

    def sides(self) -> tuple[float, float]:
        """Return the smallest and largest face of the room, as sides of BlazeFace's square, px."""
        sides = [p.side for p in self.known] or [0.0]
        return min(sides), max(sides)


def _place(face: Face) -> Place:
    box = blazeface_square(face.box)
    return Place(float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2, float(box[2] - box[0]))


def _same(a: Place, b: Place) -> bool:
    return float(np.hypot(a.x - b.x, a.y - b.y)) < 0.5 * max(a.side, b.side)


def _shared(place: Place, others: list[Place]) -> Tile:
    """Return a tile for a place, shifted so that it may serve its nearest neighbour, too."""
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


def cover(mask: NDArray[np.bool_], cell: float, side: float) -> list[Tile]:
    """Return tiles of a side that cover the marked cells of a map, whose cells are `cell` px wide."""
    plan = []
    marked = mask.copy()
    reach = max(int(side / cell / 2), 1)
    while marked.any():
        rows = np.flatnonzero(marked.any(axis=1))
        row = int(rows[0])
        column = int(np.flatnonzero(marked[row])[0])
        bottom, right = row + reach, column + reach
        centre_y, centre_x = (row + reach / 2) * cell, (column + reach / 2) * cell
        plan.append(Tile(centre_x - side / 2, centre_y - side / 2, side))
        marked[row:bottom, column:right] = False
    return plan
