"""What a capture shows of the room, cell by cell: brightness, overexposed parts, contrast and sharpness.

The view has 128 cells with two numbers each, from 16 by 16 samples a cell. No face can be reconstructed from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import VIEW_COLUMNS, VIEW_ROWS, Picture, RoomView
from edge_daemon.vision.change import SHRINK, shrunk, thumbnail

_SAMPLES: Final = 16
"""Number of samples of a cell in each direction. Each sample is a mean of pixels, which removes the sensor's noise."""
BURNT_FROM: Final = 250
_BLOCK_PX: Final = 64
_BLOCKS: Final = 24
"""Number of blocks in which sharpness is measured: those with most contrast, such as edges of desks and windows."""
_LEAST_CONTRAST: Final = 20.0
_STEP_OF_BLUR: Final = 0.4
"""The largest step between neighbouring pixels of an edge with a blur of s pixels is 0.4 / s of its contrast."""


def room_view(picture: Picture, eighth: Picture | None = None) -> RoomView:
    """Measure a picture.

    Args:
        picture: (height, width, 3) uint8 in BGR. If it is under 64 pixels high or wide, it has no blur.
        eighth: its thumbnail (`change.thumbnail`), if there is one already.
    """
    burnt = cv2.inRange(_every_fourth(picture), (BURNT_FROM,) * 3, (255,) * 3).astype(np.float32) / 255
    eighth = thumbnail(picture) if eighth is None else eighth
    width, height = VIEW_COLUMNS * _SAMPLES, VIEW_ROWS * _SAMPLES
    is_fine = eighth.shape[1] >= 2 * width and eighth.shape[0] >= 2 * height
    samples = _small_grey(eighth if is_fine else picture, width, height)
    cells = samples.astype(np.float32).reshape(VIEW_ROWS, _SAMPLES, VIEW_COLUMNS, _SAMPLES)
    return RoomView(
        luma=cells.mean(axis=(1, 3)),
        burnt=np.asarray(cv2.resize(burnt, (VIEW_COLUMNS, VIEW_ROWS), interpolation=cv2.INTER_AREA), np.float32),
        structure=cells.std(axis=(1, 3)),
        blur_px=_blur_px(picture, eighth),
    )


def _every_fourth(picture: Picture) -> Picture:
    """Return every fourth pixel of every fourth row. OpenCV copies them several times as fast as NumPy."""
    height, width = picture.shape[:2]
    if height % 4 or width % 4:
        return np.ascontiguousarray(picture[::4, ::4])
    return cv2.resize(picture, (width // 4, height // 4), interpolation=cv2.INTER_NEAREST)  # type: ignore[return-value]


def _small_grey(picture: Picture, width: int, height: int) -> NDArray[np.uint8]:
    """Shrink a picture to another size, then turn it grey. A grey copy of 12 megapixels would take 12 MB.

    The picture is halved as often as possible. That is several times as fast as one step.
    """
    halvings = min(picture.shape[1] // width, picture.shape[0] // height).bit_length() - 2
    small = shrunk(picture, max(halvings, 0))
    small = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def _blur_px(picture: Picture, eighth: Picture) -> float:
    """Return the blur along the more blurred axis, px; motion blurs only the edges across its direction."""
    height, width = picture.shape[:2]
    rows, columns = height // _BLOCK_PX, width // _BLOCK_PX
    if not rows or not columns:
        return 0.0  # too small to judge
    side = _BLOCK_PX // SHRINK
    grey = cv2.cvtColor(eighth[: rows * side, : columns * side], cv2.COLOR_BGR2GRAY).astype(np.float32)
    blocks = grey.reshape(rows, side, columns, side)
    return max(
        _axis_blur_px(picture, np.abs(np.diff(blocks, axis=axis)).mean(axis=(1, 3)), axis // 2) for axis in (1, 3)
    )


def _axis_blur_px(picture: Picture, change: NDArray[np.floating], axis: int) -> float:
    """Return the blur along one axis, px, from the blocks that change most along it; infinite if none has contrast."""
    best = np.argsort(-change.reshape(-1))[:_BLOCKS]
    steps = [_step(picture, int(at) // change.shape[1], int(at) % change.shape[1], axis) for at in best]
    found = [step for step in steps if step > 0]
    return _STEP_OF_BLUR / float(np.median(found)) if found else float("inf")


def _step(picture: Picture, row: int, column: int, axis: int) -> float:
    """Return the largest step between neighbouring pixels of a block as a share of its contrast; 0 without contrast."""
    top, left = row * _BLOCK_PX, column * _BLOCK_PX
    block = picture[top : top + _BLOCK_PX, left : left + _BLOCK_PX]
    smooth = np.asarray(cv2.GaussianBlur(cv2.cvtColor(block, cv2.COLOR_BGR2GRAY), (0, 0), 0.7), np.uint8)
    low, high = percentiles(smooth, (2, 98))
    if high - low < _LEAST_CONTRAST:
        return 0.0
    before, after = (smooth[:-1], smooth[1:]) if axis == 0 else (smooth[:, :-1], smooth[:, 1:])
    return percentiles(np.asarray(cv2.absdiff(after, before), np.uint8), (99.5,))[0] / (high - low)


def percentiles(values: NDArray[np.uint8], shares: Sequence[float]) -> list[float]:
    """Return the percentiles of 8-bit numbers as NumPy's `percentile` does, from their counts, which is faster."""
    upto = np.bincount(values.reshape(-1), minlength=256).cumsum()
    found = []
    for share in shares:
        place = share / 100 * (values.size - 1)
        first = int(place)
        low, high = np.searchsorted(upto, (first, min(first + 1, values.size - 1)), side="right")
        found.append(float(low + (high - low) * (place - first)))
    return found
