"""Find where a picture differs from the previous one, except for changes of light, white balance, focus and noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

SHRINK = 8
"""Scale of the comparison, 1/8: averaging removes noise, and a 26 px face still covers 3 x 4 pixels."""
_LEVELS = 64
_MIN_CHANGE = 7.0
"""Least difference that counts as a change, in levels of 255.

It is three times the noise of an unchanged place in composed lessons (1/8 size, exposure corrected).
"""
_SIGMAS = 4.0
_FOCUS, _AROUND = np.float32(0.1), np.ones((3, 3), np.uint8)
"""Share of the contrast around a pixel that a change of focus may alter."""
_SMALLEST = np.ones((2, 2), np.uint8)
"""The smallest change that counts, in pixels of the thumbnail; a smaller one can't be a face."""


def thumbnail(picture: Picture) -> Picture:
    """Return a small copy for a later comparison."""
    height, width = picture.shape[:2]
    size = (max(width // SHRINK, 1), max(height // SHRINK, 1))
    small: Picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return small


def changed(before: Picture, now: Picture) -> NDArray[np.bool_]:
    """Return which pixels differ between two thumbnails of the same size.

    The function estimates exposure, gamma and white balance from the pictures themselves. For each level of a
    colour channel in the old picture, the expected level is the median of the same pixels in the new picture.

    Returns:
        A mask (H, W) of the thumbnails' size.
    """
    differs = np.zeros(before.shape[:2], np.uint8)
    for channel in range(3):
        differs |= _changed(before[..., channel], now[..., channel])
    opened = cv2.morphologyEx(differs, cv2.MORPH_OPEN, _SMALLEST)
    return opened.astype(bool)


def _changed(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> NDArray[np.uint8]:
    level = (before // (256 // _LEVELS)).astype(np.intp)
    counts = np.bincount((level * 256 + now).ravel(), minlength=_LEVELS * 256).reshape(_LEVELS, 256).cumsum(axis=1)
    low, usual, high = (_quantile(counts, share) for share in (0.25, 0.5, 0.75))
    limit = np.maximum(_MIN_CHANGE, _SIGMAS * (high - low) / 1.35)
    centres = (np.arange(_LEVELS) + 0.5) * (256 / _LEVELS)
    seen = counts[:, -1] > 0
    expected = np.interp(np.arange(256), centres[seen], usual[seen]).astype(np.float32)[before]
    off = np.abs(cv2.blur(now - expected, (3, 3)))
    contrast = cv2.dilate(before, _AROUND) - cv2.erode(before, _AROUND)
    marked: NDArray[np.uint8] = (off > limit.astype(np.float32)[level] + _FOCUS * contrast).astype(np.uint8)
    return marked


def _quantile(cumulated: NDArray[np.intp], share: float) -> NDArray[np.float64]:
    """Return, for each row of cumulated counts, the value below which `share` of them lie."""
    wanted = np.maximum(cumulated[:, -1:] * share, 1)
    return np.asarray((cumulated < wanted).sum(axis=1), np.float64)
