"""Checks whether all seats stay in the picture when the camera is moved, turned or given another lens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_daemon.app.audit.optics import Optics
from edge_daemon.app.audit.seat_finder import Seat

RIM = 0.02
"""Share of the picture to keep free at each edge, because people move."""
_NEAREST_M = 1.0


@dataclass(frozen=True, slots=True)
class PictureSpan:
    """The span of all heads, in shares of the picture's width and height from the left and upper edge."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> tuple[float, float]:
        """The point in the middle of all heads."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


def span(seats: Sequence[Seat], optics: Optics) -> PictureSpan:
    """Return the span of the heads of at least one seat."""
    edges = _edges(seats)
    w, h = optics.width_px, optics.height_px
    return PictureSpan(edges[:, 0].min() / w, edges[:, 1].min() / h, edges[:, 2].max() / w, edges[:, 3].max() / h)


def longest_lens(span: PictureSpan) -> float:
    """Return the factor by which the focal length may grow so that a camera pointed at the heads still shows all."""
    room = 1 - 2 * RIM
    return min(room / max(span.right - span.left, 1e-3), room / max(span.bottom - span.top, 1e-3))


def most_metres(seats: Sequence[Seat], optics: Optics) -> float:
    """Return how many metres closer the camera may move, in its direction, while all heads stay in the picture."""
    half = np.array([optics.width_px, optics.height_px]) * (0.5 - RIM)
    edges, middle = _edges(seats), np.array([optics.width_px, optics.height_px]) / 2
    reach = np.maximum(np.abs(edges[:, :2] - middle), np.abs(edges[:, 2:] - middle))
    distances = np.array([optics.distance_m(seat.width_px) for seat in seats])
    grows = (half / np.maximum(reach, 1.0)).min(axis=1)  # the factor by which each head may become larger
    return max(float(np.minimum(distances * (1 - 1 / np.maximum(grows, 1.0)), distances - _NEAREST_M).min()), 0.0)


def _edges(seats: Sequence[Seat]) -> NDArray[np.float64]:
    """Return left, top, right and bottom (n, 4) of the heads: each face with the hair around it."""
    boxes = np.array([(s.box.x, s.box.y, s.box.w, s.box.h) for s in seats], np.float64)
    x, y, w, h = boxes.T
    return np.stack([x - 0.2 * w, y - 0.3 * h, x + 1.2 * w, y + 1.1 * h], axis=1)
