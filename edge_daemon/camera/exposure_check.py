"""Detects unusable pictures: black, over-exposed, or a repetition of the last one."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

DARK_BELOW = 40
FLAT_BELOW = 12
"""Limits for a black picture.

Averaging over cells removes its noise, while a dark room keeps contrast between cells. The brightest pixels can't
decide: at full gain a covered lens looks brighter than a dim room (benchmarks/camera_light.py).
"""
WHITE_FROM = 250
WHITE_SHARE = 0.80
"""Windows and boards may be white.

At this share fewer than half of the faces are found (benchmarks/camera_light.py).
"""
_ENOUGH_PX = 480
"""Rows that are sampled: they measure a picture's light as well as all rows, in a tenth of the time."""
_CELLS = 24
"""Cells along the shorter side."""


def fault_of(picture: Picture) -> str:
    """Return why a picture, (height, width, 3) uint8 BGR, can show nobody, in plain words; empty: it is good."""
    part = sampled(picture)
    if part.mean() < DARK_BELOW and contrast_of(part[..., 1]) < FLAT_BELOW:
        return "the picture is black"
    if (part.min(axis=2) >= WHITE_FROM).mean() > WHITE_SHARE:
        return "the picture is over-exposed"
    return ""


def sampled(picture: Picture) -> Picture:
    """Return every n-th row and column of a picture, enough to measure its light."""
    step = max(1, min(picture.shape[:2]) // _ENOUGH_PX)
    return picture[::step, ::step]


def contrast_of(channel: NDArray[np.uint8]) -> float:
    """Return the difference between bright and dark cells of one channel, (height, width), without the noise."""
    side = max(1, min(channel.shape) // _CELLS)
    rows, columns = channel.shape[0] // side, channel.shape[1] // side
    cells = channel[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
    low, high = np.percentile(cells, (1, 99))
    return float(high - low)


def digest_of(picture: Picture) -> str:
    """Return a digest of all pixels.

    Sensor noise makes any two pictures of a working camera differ. A driver that hangs returns its last buffer again.
    """
    return hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).hexdigest()


def repeats(kind: str, digest: str, last: str) -> bool:
    """Return whether a camera of this kind is frozen. A replay has no sensor and may repeat a picture."""
    return kind != "files" and digest == last
