"""Pictures that are none: black, over-exposed, or the last one once more."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

DARK_BELOW = 40
FLAT_BELOW = 12
"""A black picture is dark, and what it has is noise, which is gone in the means of cells; a dark room keeps its shapes.
(By its brightest pixels a covered lens at full gain looks brighter than a dim room: benchmarks/camera_light.py.)"""
WHITE_FROM = 250
WHITE_SHARE = 0.80
"""Windows and boards may be white; at this share fewer than half of the faces are left (benchmarks/camera_light.py)."""
_ENOUGH_PX = 480
"""Rows of this number tell as much of a picture's light as all of them, in a tenth of the time."""
_CELLS = 24
"""Over the shorter side."""


def fault_of(picture: Picture) -> str:
    """Return why nobody could be seen in a picture, (height, width, 3) uint8 BGR, in plain words; empty: it is good."""
    part = sampled(picture)
    if part.mean() < DARK_BELOW and contrast_of(part[..., 1]) < FLAT_BELOW:
        return "the picture is black"
    if (part.min(axis=2) >= WHITE_FROM).mean() > WHITE_SHARE:
        return "the picture is over-exposed"
    return ""


def sampled(picture: Picture) -> Picture:
    """Return every n-th row and column of a picture, enough to judge its light."""
    step = max(1, min(picture.shape[:2]) // _ENOUGH_PX)
    return picture[::step, ::step]


def contrast_of(channel: NDArray[np.uint8]) -> float:
    """Return how far bright and dark cells of one channel, (height, width), are apart: what is left without noise."""
    side = max(1, min(channel.shape) // _CELLS)
    rows, columns = channel.shape[0] // side, channel.shape[1] // side
    cells = channel[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
    low, high = np.percentile(cells, (1, 99))
    return float(high - low)


def digest_of(picture: Picture) -> str:
    """Return a digest of all pixels.

    The noise of a living sensor makes no two pictures alike to the last bit; a driver that hangs gives its last buffer
    again and again.
    """
    return hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).hexdigest()


def repeats(kind: str, digest: str, last: str) -> bool:
    """Return whether a camera of this kind is frozen; a replay may show a picture twice, it has no sensor."""
    return kind != "files" and digest == last
