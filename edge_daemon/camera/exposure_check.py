"""Detects unusable pictures: black, over-exposed, or a repetition of the last one."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

DARK_BELOW = 40
FLAT_BELOW = 12
"""A picture counts as black if its mean is below `DARK_BELOW` and its contrast between cells is below this.

The average over a cell removes the noise, and a dark room still has contrast between cells. The brightest pixels are no
evidence: at full gain, the picture of a covered lens is brighter than that of a dim room (benchmarks/camera_light.py).
"""
WHITE_FROM = 250
WHITE_SHARE = 0.80
"""Share of white pixels from which a picture counts as over-exposed.

A smaller share may be windows and boards. At this share fewer than half of the faces are found
(benchmarks/camera_light.py).
"""
_ENOUGH_PX = 480
"""Number of rows that are sampled. The result is as good as with all rows, and takes a tenth of the time."""
_CELLS = 24
"""Number of cells along the shorter side of a picture."""


def fault_of(picture: Picture) -> str:
    """Return in plain words why a picture, (height, width, 3) uint8 BGR, is unusable; empty if it is usable."""
    part = sampled(picture)
    if part.mean() < DARK_BELOW and contrast_of(part[..., 1]) < FLAT_BELOW:
        return "the picture is black"
    if (part.min(axis=2) >= WHITE_FROM).mean() > WHITE_SHARE:
        return "the picture is over-exposed"
    return ""


def sampled(picture: Picture) -> Picture:
    """Return a smaller picture of every n-th row and column, which is enough to measure the light."""
    step = max(1, min(picture.shape[:2]) // _ENOUGH_PX)
    return picture[::step, ::step]


def contrast_of(channel: NDArray[np.uint8]) -> float:
    """Return the difference between bright and dark cells of one channel, (height, width). Noise does not count."""
    side = max(1, min(channel.shape) // _CELLS)
    rows, columns = channel.shape[0] // side, channel.shape[1] // side
    cells = channel[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
    low, high = np.percentile(cells, (1, 99))
    return float(high - low)


def digest_of(picture: Picture) -> str:
    """Return a digest of all pixels.

    Because of sensor noise, two pictures of a working camera always differ. A driver that hangs returns its last
    picture again, which has the same digest.
    """
    return hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).hexdigest()


def repeats(kind: str, digest: str, last: str) -> bool:
    """Return whether two digests in a row are equal, which shows that the camera is frozen. False for a replay."""
    return kind != "files" and digest == last
