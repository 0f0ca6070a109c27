"""Square parts of a picture that fit the detector's input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from edge_daemon.types import Picture

OVERLAP_PX = 32
"""Least overlap of neighbouring tiles, in pixels of the network.

The next coarser scale finds faces that a border cuts.
"""
STEPS = (1.6, 2.45)
"""The two possible ratios between one scale of a sweep and the next: the finer, then the coarser.

BlazeFace with an input of 576 px finds faces that are 24 to 120 px wide in its input equally well, but several scales
find more faces. The sweep uses the finer ratio if it then needs no more than MAX_TILES.
"""
MAX_TILES = 42
BUDGET_PX = 8.6e6
FINEST = (0.82, 2.5)
"""Least and largest factor by which a picture is scaled for its smallest tiles.

The factor is chosen so that these tiles have about BUDGET_PX pixels in all.

Measured before the verifier (threshold 0.2) on 142 faces of 26 to 40 px in 24 composed captures of 12 megapixels. Scale
0.83 with 28 tiles finds 0.986 of them, 0.71 with 24 tiles 0.972, and 0.64 with 18 tiles 0.958.
"""
CLOSE_UPS = (1, 2, 4, 8)
"""The sides of the short-range detector's tiles are the longer side of the picture divided by these numbers."""
CLOSE_UP_PX = (90.0, 450.0)
"""Smallest and largest side of a tile of the short-range detector, px.

The short-range detector finds faces from about a tenth of its tile on; the full-range detector finds larger faces as
well.
"""


@dataclass(frozen=True, slots=True)
class Tile:
    """A square of the picture; it may extend beyond the picture's edges."""

    left: float
    top: float
    side: float


@dataclass(frozen=True, slots=True)
class Search:
    """A tile, and the network that searches it."""

    network: Literal["sweep", "look", "close_up"]
    tile: Tile


@lru_cache(maxsize=8)
def full_sweep(width: int, height: int, side_px: int) -> tuple[Search, ...]:
    """Plan the search of a whole picture; `side_px` is the input of the network for sweeps."""
    whole = grid(width, height, max(width, height), 0)
    return (
        *(Search("sweep", tile) for tile in pyramid(width, height, side_px)),
        *(Search("look", tile) for tile in whole),
        *(Search("close_up", tile) for tile in close_ups(width, height)),
    )


def grid(width: int, height: int, side: float, overlap: float) -> list[Tile]:
    """Cover a picture with tiles, spread evenly, each overlapping its neighbours by at least `overlap` px.

    A picture smaller than a tile gets one centred tile in that direction.
    """
    return [Tile(x, y, side) for y in _starts(height, side, overlap) for x in _starts(width, side, overlap)]


def pyramid(width: int, height: int, side_px: int) -> list[Tile]:
    """Plan a full sweep: tiles of several sizes, finest first, down to one that shows the whole picture.

    At the finest scale the tiles have about 8.6 million pixels in all. The scale is at least 0.82 (large pictures are
    shrunk) and at most 2.5 (small ones are enlarged). Each scale may change by 3 % to save tiles.
    """
    fine, coarse = (_pyramid(width, height, side_px, step) for step in STEPS)
    return fine if len(fine) <= MAX_TILES else coarse


def close_ups(width: int, height: int) -> list[Tile]:
    """Plan the tiles that the short-range detector searches in addition; none in pictures over 3,600 pixels wide."""
    sides = [max(width, height) / part for part in CLOSE_UPS]
    wanted = [side for side in sides if CLOSE_UP_PX[0] <= side <= CLOSE_UP_PX[1]]
    return [tile for side in wanted for tile in grid(width, height, side, side / 3)]


def _pyramid(width: int, height: int, side_px: int, step: float) -> list[Tile]:
    wanted = float(np.clip(math.sqrt(BUDGET_PX / (width * height)), *FINEST))
    whole = side_px / max(width, height)
    plan: list[Tile] = []
    while wanted > 1.5 * whole:
        scale = _economical(width, height, side_px, wanted)
        plan += grid(width, height, side_px / scale, OVERLAP_PX / scale)
        wanted = scale / step
    return plan + grid(width, height, max(width, height), 0)


def _economical(width: int, height: int, side_px: int, wanted: float) -> float:
    """Return the scale within 3 % of `wanted` that needs the fewest tiles; if several do, the finest of them."""
    scales = [wanted * k for k in (1.03, 1.0, 0.97)]
    return min(scales, key=lambda s: len(grid(width, height, side_px / s, OVERLAP_PX / s)))


def _starts(length: int, side: float, overlap: float) -> list[float]:
    if length <= side:
        return [(length - side) / 2]
    count = math.ceil((length - overlap) / (side - overlap))
    return [float(round(x)) for x in np.linspace(0, length - side, count)]


def cut(picture: Picture, tile: Tile, side_px: int) -> Picture:
    """Return a tile's pixels, resized to (side_px, side_px, 3), with black beyond the picture's edges."""
    height, width = picture.shape[:2]
    left, top, side = round(tile.left), round(tile.top), max(1, round(tile.side))
    inside = left >= 0 and top >= 0 and left + side <= width and top + side <= height
    part = picture[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    if not part.size:
        return np.zeros((side_px, side_px, 3), np.uint8)
    if not inside:
        part = _padded(part, max(-top, 0), max(-left, 0), side, shrink=max(side // side_px, 1))
    return _resized(part, side_px)


def _resized(part: Picture, side_px: int) -> Picture:
    """Halve a square as often as possible, which is fast, and interpolate the rest."""
    side = len(part)
    while side >= 2 * side_px:
        side //= 2
        part = cv2.resize(part[: 2 * side, : 2 * side], (side, side), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    if side == side_px:
        return part
    return cv2.resize(part, (side_px, side_px), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def _padded(part: Picture, above: int, before: int, side: int, shrink: int) -> Picture:
    """Shrink a part, then put it into a black square. A square around 12 megapixels would take 64 MB."""
    height, width = max(part.shape[0] // shrink, 1), max(part.shape[1] // shrink, 1)
    if shrink > 1:
        part = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    top, left, side = above // shrink, before // shrink, max(side // shrink, height, width)
    whole = np.zeros((side, side, 3), np.uint8)
    room = whole[top : top + height, left : left + width]
    room[:] = part[: room.shape[0], : room.shape[1]]
    return whole
