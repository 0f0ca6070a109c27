"""Finds where a picture differs from the previous one, except for changes of light, white balance, focus and noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

_HALVINGS = 3
SHRINK = 2**_HALVINGS
"""Pictures are compared at 1/8 of their size: averaging removes noise, and a 26 px face still covers 3 x 4 pixels."""
_STRIP_ROWS = 32
"""Number of rows of the small copy that are computed at a time."""
_LEVELS = 64
_MIN_CHANGE = 7.0
"""Least difference that counts as a change, in levels of 255.

It is three times the noise of an unchanged place in composed lessons (1/8 size, exposure corrected).
"""
_SIGMAS = 4.0
_FOCUS = np.float32(0.1)
"""Largest difference that a change of focus explains, as a share of the contrast around the pixel."""
_AROUND = np.ones((3, 3), np.uint8)
"""The area around a pixel in which its contrast is measured."""
_SMALLEST = np.ones((2, 2), np.uint8)
"""The smallest change that counts, in pixels of the thumbnail; a smaller one can't be a face."""


def thumbnail(picture: Picture) -> Picture:
    """Return a small copy for a later comparison."""
    return shrunk(picture, _HALVINGS)


def shrunk(picture: Picture, halvings: int) -> Picture:
    """Return a picture that is halved several times, without the rows and columns that do not fill a last pixel.

    Halving is several times as fast as shrinking to an eighth at once. The picture is halved in strips of rows, because
    a half of 12 megapixels would take 9 MB.
    """
    scale = 2**halvings
    height, width = (max(side // scale, 1) for side in picture.shape[:2])
    if min(picture.shape[:2]) < scale:
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
    small = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP_ROWS):
        strip = picture[top * scale : min(top + _STRIP_ROWS, height) * scale, : width * scale]
        for _ in range(halvings):
            size = strip.shape[1] // 2, strip.shape[0] // 2
            strip = cv2.resize(strip, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        small[top : top + _STRIP_ROWS] = strip
    return small


def changed(before: Picture, now: Picture) -> NDArray[np.bool_]:
    """Return which pixels differ between two thumbnails of the same size.

    The function estimates exposure, gamma and white balance from the pictures themselves. For each level of a
    colour channel in the old picture, the expected level is the median of the same pixels in the new picture.

    Returns:
        A mask (H, W) of the thumbnails' size.
    """
    differs = np.zeros(before.shape[:2], np.uint8)
    for old, new in zip(cv2.split(before), cv2.split(now), strict=True):
        differs |= _changed(np.asarray(old, np.uint8), np.asarray(new, np.uint8))
    opened = cv2.morphologyEx(differs, cv2.MORPH_OPEN, _SMALLEST)
    return opened.astype(bool)


def _changed(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> NDArray[np.uint8]:
    counts = cv2.calcHist([before, now], [0, 1], None, [_LEVELS, 256], [0, 256, 0, 256]).astype(np.intp).cumsum(axis=1)
    low, usual, high = (_quantile(counts, share) for share in (0.25, 0.5, 0.75))
    limit = np.maximum(_MIN_CHANGE, _SIGMAS * (high - low) / 1.35)
    centres = (np.arange(_LEVELS) + 0.5) * (256 / _LEVELS)
    seen = counts[:, -1] > 0
    expected = cv2.LUT(before, np.interp(np.arange(256), centres[seen], usual[seen]).astype(np.float32))
    most = cv2.LUT(before, np.repeat(limit, 256 // _LEVELS).astype(np.float32))
    off = np.abs(cv2.blur(now - expected, (3, 3)))
    contrast = cv2.dilate(before, _AROUND) - cv2.erode(before, _AROUND)
    marked: NDArray[np.uint8] = (off > most + _FOCUS * contrast).astype(np.uint8)
    return marked


def _quantile(cumulated: NDArray[np.intp], share: float) -> NDArray[np.float64]:
    """Return, for each row of cumulated counts, the value below which this share of the counts lies."""
    wanted = np.maximum(cumulated[:, -1:] * share, 1)
    return np.asarray((cumulated < wanted).sum(axis=1), np.float64)
