"""Square parts of a picture that fit the detector's input."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge_daemon.types import Picture


@dataclass(frozen=True, slots=True)
class Tile:
    """A square of the picture; it may reach over its edges."""

    left: float
    top: float
    side: float


def grid(width: int, height: int, side: float, overlap: float) -> list[Tile]:
    """Cover a picture with tiles, spread evenly, each overlapping its neighbours by at least `overlap` px.

    A picture smaller than a tile gets one tile in that direction, centred.
    """
    return [Tile(x, y, side) for y in _starts(height, side, overlap) for x in _starts(width, side, overlap)]


def _starts(length: int, side: float, overlap: float) -> list[float]:
    if length <= side:
        return [(length - side) / 2]
    count = math.ceil((length - overlap) / (side - overlap))
    return [float(round(x)) for x in np.linspace(0, length - side, count)]


def cut(picture: Picture, tile: Tile, side_px: int) -> Picture:
    """Return a tile's pixels, resized to (side_px, side_px, 3); black beyond the picture's edges."""
    height, width = picture.shape[:2]
    left, top, side = round(tile.left), round(tile.top), max(1, round(tile.side))
    inside = left >= 0 and top >= 0 and left + side <= width and top + side <= height
    part = picture[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    if not part.size:
        return np.zeros((side_px, side_px, 3), np.uint8)
    if not inside:
        part = _padded(part, max(-top, 0), max(-left, 0), side)
    if side == side_px:
        return part
    smoothing = cv2.INTER_AREA if side > side_px else cv2.INTER_LINEAR
    resized: Picture = cv2.resize(part, (side_px, side_px), interpolation=smoothing)  # type: ignore[assignment]
    return resized


def _padded(part: Picture, above: int, before: int, side: int) -> Picture:
    whole = np.zeros((side, side, 3), np.uint8)
    whole[above : above + part.shape[0], before : before + part.shape[1]] = part
    return whole
