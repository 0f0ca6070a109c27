"""Measures the whole picture: its light, and the sharpness of its sharpest parts."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge_daemon.types import Picture

_BLOCK_PX = 64
_TELLING_SHARE = 0.02
"""Sharpness is measured on this share of the blocks: those with most contrast, such as edges of desks or windows."""
_LEAST_CONTRAST = 20.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Measurements of the whole picture; means over all pictures."""

    luma: float
    """Mean luma, 0 (black) to 255."""
    burnt: float
    """Share of the picture that is burnt out, 0 to 1."""
    sharpness: float
    """Sharpness of the strongest edges: the share of their contrast between two neighbouring pixels, 0 to 1. An edge
    blurred by s pixels (standard deviation) has .4 / s."""


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
        return _edge(picture)
    blocks = small[: rows * side, : columns * side].reshape(rows, side, columns, side).astype(np.float32)
    contrast = blocks.std(axis=(1, 3)).reshape(-1)
    best = np.argsort(-contrast)[: max(int(len(contrast) * _TELLING_SHARE), 1)]
    parts = ((int(i) // columns * _BLOCK_PX, int(i) % columns * _BLOCK_PX) for i in best)
    return float(np.median([_edge(picture[y : y + _BLOCK_PX, x : x + _BLOCK_PX]) for y, x in parts]))


def _edge(part: Picture) -> float:
    """Return the largest step between neighbouring pixels as a share of all contrast, 0 to 1."""
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).astype(np.float32)
    low, high = np.percentile(grey, (2, 98))
    if high - low < _LEAST_CONTRAST or min(grey.shape) < 2:
        return 0.0
    steps = [np.percentile(np.abs(np.diff(grey, axis=axis)), 99.5) for axis in (0, 1)]
    return float(np.clip(max(steps) / (high - low), 0, 1))
