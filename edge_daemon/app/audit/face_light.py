"""Measures the light on a face and behind it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge_daemon.types import Box, Picture

_BURNT = 250
"""A pixel with at least this luma counts as burnt out."""
_BLACK = 5
"""A pixel with at most this luma counts as black."""
_INNER_W, _INNER_H = 0.6, 0.7
"""Width and height of the middle part of a face's rectangle, as shares; it shows skin, but no hair and no wall."""


@dataclass(frozen=True, slots=True)
class FaceLight:
    """Light of one face; luma is that of ITU-R BT.601, 0 (black) to 255."""

    luma: float
    """Mean luma over the middle of the face."""
    clipped: float
    """Share of the face that is burnt out or black, 0 to 1."""
    behind: float
    """Mean luma above and beside the head."""


def face_light(picture: Picture, box: Box) -> FaceLight:
    """Measure the light of a face in a picture (H, W, 3) in BGR."""
    dx, dy = box.w * (1 - _INNER_W) / 2, box.h * (1 - _INNER_H) / 2
    inner = _grey(picture, box.x + dx, box.y + dy, box.x + box.w - dx, box.y + box.h - dy)
    clipped = float(((inner >= _BURNT) | (inner <= _BLACK)).mean()) if inner.size else 0.0
    luma = float(inner.mean()) if inner.size else 0.0
    return FaceLight(luma, clipped, _behind(picture, box, luma))


def _behind(picture: Picture, box: Box, otherwise: float) -> float:
    """Return the mean luma beside and above a head and its hair; `otherwise` if the picture shows neither."""
    x, y, w, h = box.x, box.y, box.w, box.h
    parts = [
        _grey(picture, x - 0.25 * w, y - 0.8 * h, x + 1.25 * w, y - 0.4 * h),
        _grey(picture, x - 0.8 * w, y - 0.8 * h, x - 0.25 * w, y + 0.6 * h),
        _grey(picture, x + 1.25 * w, y - 0.8 * h, x + 1.8 * w, y + 0.6 * h),
    ]
    seen = [part.reshape(-1) for part in parts if part.size]
    return float(np.concatenate(seen).mean()) if seen else otherwise


def _grey(picture: Picture, left: float, top: float, right: float, bottom: float) -> Picture:
    """Return the luma of a part of a picture, cut at the picture's edges; empty if the part lies outside."""
    part = picture[max(int(top), 0) : max(int(bottom), 0), max(int(left), 0) : max(int(right), 0)]
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.uint8) if part.size else np.zeros(0, np.uint8)
