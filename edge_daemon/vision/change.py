"""Where a picture differs from the one before, apart from light, white balance, focus and noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

SHRINK = 8
"""The pictures are compared at this fraction: noise is averaged away, a 26 px face still covers 3 x 4 pixels."""
_LEVELS = 32
_MIN_CHANGE = 7.0
"""Grey levels: three times the noise of a quiet place in composed lessons at 1/8 size, exposure evened out."""
_SIGMAS = 5.0


def thumbnail(picture: Picture) -> NDArray[np.uint8]:
    """Return a small grey copy to compare with later."""
    height, width = picture.shape[:2]
    size = (max(width // SHRINK, 1), max(height // SHRINK, 1))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    grey: NDArray[np.uint8] = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)  # type: ignore[assignment]
    return grey


def changed(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which pixels of two thumbnails differ.

    Exposure and gamma are learned from the pictures themselves: where the old picture had a grey level, the median
    of the new one is what that level looks like now.

    Returns:
        (H, W) of the thumbnails.
    """
    level = before // (256 // _LEVELS)
    usual, spread = np.zeros(_LEVELS, np.float32), np.full(_LEVELS, 255, np.float32)
    for k in range(_LEVELS):
        values = now[level == k].astype(np.float32) - before[level == k]
        if values.size:
            usual[k] = np.median(values)
            spread[k] = 1.5 * np.median(np.abs(values - usual[k]))
    expected = before + np.interp(before, (np.arange(_LEVELS) + 0.5) * (256 / _LEVELS), usual)
    difference = cv2.blur((now - expected).astype(np.float32), (3, 3))
    marked: NDArray[np.bool_] = np.abs(difference) > np.maximum(_MIN_CHANGE, _SIGMAS * spread[level] / 3)
    return marked
