"""The places of a room, learned over the captures of a lesson: where faces are, and how large."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
"""Number of nearest known places whose median size is the expected size of a new face."""
_TRIED, _TRIED_NEIGHBOURS = 8, 2
"""How many places are tried for the next tile, and with how many neighbours each."""
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
        now = _numbers(fresh)
        older = [replace(p, unseen=p.unseen + 1) for p in self.known if not _is_among(p, now)]
        self.known = fresh + [p for p in older if p.unseen <= _FORGET_AFTER]

    def tiles(self) -> list[Tile]:
        """Return a small number of tiles that show every place at a suitable size; neighbours share a tile."""
        return _TileChoice(self.known).tiles()

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
            return cover(strange, cell, _usual_side(_numbers(self.known)))
        return [tile for side in _ANY_SIDES for tile in cover(strange, cell, _always(side))]


@dataclass(frozen=True, slots=True)
class _Offer:
    """A tile for a place, with the indices of the places that it shows."""

    tile: Tile
    shown: frozenset[int]
    considered: frozenset[int]
    """The place and its nearest neighbours. If one of these gets another tile, the offer is made again."""


class _TileChoice:
    """Chooses tiles for places. A place is considered again only if one of its neighbours has got a tile.

    So the time grows little faster than the number of places. A hall has hundreds.

    Args:
        known: the places.
    """

    def __init__(self, known: Sequence[KnownFace]) -> None:
        self._places = sorted(known, key=lambda p: (p.y, p.x))
        self._numbers = _numbers(self._places)
        self._is_left = np.ones(len(self._places), bool)

    def tiles(self) -> list[Tile]:
        """Return tiles that show every place.

        Each time, the tiles for the first few places without a tile are compared, and the one that shows most is taken.
        """
        plan: list[Tile] = []
        offers: dict[int, _Offer] = {}
        while len(first := np.flatnonzero(self._is_left)[:_TRIED]):
            for index in first.tolist():
                if index not in offers:
                    offers[index] = self._offer(index)
            best = max((offers[index] for index in first.tolist()), key=lambda offer: len(offer.shown))
            plan.append(best.tile)
            self._is_left[list(best.shown)] = False
            offers = {i: o for i, o in offers.items() if best.shown.isdisjoint(o.shown | o.considered)}
        return plan

    def _offer(self, index: int) -> _Offer:
        """Return a tile for a place, shifted, if possible, so that it also suits the nearest neighbour."""
        place = self._places[index]
        near = self._nearest(index)
        tile = next(filter(None, (_for_both(place, self._places[other]) for other in near)), None) or _alone(place)
        return _Offer(tile, frozenset(np.flatnonzero(self._shown(tile)).tolist()), frozenset((index, *near)))

    def _nearest(self, index: int) -> list[int]:
        x, y, _ = self._numbers.T
        distance = np.hypot(x - x[index], y - y[index])
        distance[~self._is_left] = np.inf
        distance[index] = np.inf
        return [int(i) for i in np.argsort(distance, kind="stable")[:_TRIED_NEIGHBOURS] if np.isfinite(distance[i])]

    def _shown(self, tile: Tile) -> NDArray[np.bool_]:
        """Return, for each place, whether it has no tile yet and this tile suits it as `KnownFace.fits` requires."""
        x, y, side = self._numbers.T
        reach = side * (0.5 + _MARGIN)
        inside_x = (tile.left <= x - reach) & (x + reach <= tile.left + tile.side)
        inside_y = (tile.top <= y - reach) & (y + reach <= tile.top + tile.side)
        share = side / tile.side
        shown: NDArray[np.bool_] = inside_x & inside_y & (SHARES[0] <= share) & (share <= SHARES[1]) & self._is_left
        return shown


def _place(face: Face) -> KnownFace:
    box = blazeface_square(face.box)
    return KnownFace(float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2, float(box[2] - box[0]))


def _numbers(places: Sequence[KnownFace]) -> NDArray[np.float64]:
    """Return x, y and side of each place, (n, 3)."""
    return np.array([(p.x, p.y, p.side) for p in places], np.float64).reshape(-1, 3)


def _is_among(place: KnownFace, others: NDArray[np.float64]) -> bool:
    """Return whether a place is the same as one of others, given as x, y and side (n, 3)."""
    x, y, side = others.T
    return bool((np.hypot(x - place.x, y - place.y) < 0.5 * np.maximum(side, place.side)).any())


def _alone(place: KnownFace) -> Tile:
    side = place.side / LOOK_SHARE
    return Tile(place.x - side / 2, place.y - side / 2, side)


def _for_both(place: KnownFace, other: KnownFace) -> Tile | None:
    """Return a tile that suits two places, None if there is none."""
    middle_x, middle_y = (place.x + other.x) / 2, (place.y + other.y) / 2
    for size in (place.side / LOOK_SHARE, max(place.side, other.side) / (SHARES[0] + 0.04)):
        both = Tile(middle_x - size / 2, middle_y - size / 2, size)
        if place.fits(both) and other.fits(both):
            return both
    return None


def _usual_side(places: NDArray[np.float64]) -> Callable[[float, float], float]:
    """Return a function that estimates the side of a face at (x, y) from the nearest places, (n, 3)."""
    known_x, known_y, side = places.T

    def nearby(x: float, y: float) -> float:
        near = np.argsort((known_x - x) ** 2 + (known_y - y) ** 2, kind="stable")[:_ENOUGH]
        return float(np.median(side[near]))

    return nearby


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
    plan, left, row = [], marked.copy(), 0
    while row < len(left):
        if not left[row].any():
            row += 1
            continue
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
