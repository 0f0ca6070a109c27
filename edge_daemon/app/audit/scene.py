"""The picture as a whole: its light, and how sharp its sharpest parts are."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge_daemon.types import Picture
from edge_daemon.vision.quality import sharpness

_BLOCK_PX = 64
_TELLING_SHARE = 0.02
"""Of all blocks, those with most structure: edges of desks, books, windows."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Means over the pictures."""

    luma: float
    """0 (black) to 255."""
    burnt: float
    """Share of the picture that is burnt out, 0 to 1."""
    sharpness: float
    """Of the parts with most structure, 0 to 1, on the scale of `Quality.sharpness`."""


def measure_scene(picture: Picture) -> Scene:
    """Measure a picture (H, W, 3) in BGR."""
    small = cv2.cvtColor(cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    return Scene(float(small.mean()), float((small >= 250).mean()), _scene_sharpness(picture, small))


def mean_scene(scenes: list[Scene]) -> Scene:
    """Return the mean over several pictures, at least one."""
    return Scene(*(float(np.mean([getattr(s, part) for s in scenes])) for part in ("luma", "burnt", "sharpness")))


def _scene_sharpness(picture: Picture, small: np.ndarray) -> float:
    side = _BLOCK_PX // 4
    rows, columns = small.shape[0] // side, small.shape[1] // side
    if not rows or not columns:
        return sharpness(picture)
    blocks = small[: rows * side, : columns * side].reshape(rows, side, columns, side).astype(np.float32)
    structure = blocks.std(axis=(1, 3)).reshape(-1)
    best = np.argsort(-structure)[: max(int(len(structure) * _TELLING_SHARE), 1)]
    parts = ((int(i) // columns * _BLOCK_PX, int(i) % columns * _BLOCK_PX) for i in best)
    return float(np.median([sharpness(picture[y : y + _BLOCK_PX, x : x + _BLOCK_PX]) for y, x in parts]))
