"""Alignment: turn, scale and shift a face so that its points lie where the embedder expects them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

Array = NDArray[np.float32]

SIDE_PX = 112

FIVE_POINTS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
"""Places of eyes, nose tip, mouth corners in the 112 px crop (ArcFace convention, as in MobileFaceNet's training)."""


def similarity(source: Array, target: Array, weights: Array | None = None) -> Array:
    """Fit the rotation, scale and shift from `source` to `target` (least squares; Umeyama 1991, no reflection).

    Args:
        source: n points, (n, 2).
        target: the places to which these points shall move, (n, 2).
        weights: weight of each pair of points, (n,); equal by default.

    Returns:
        The (2, 3) matrix for `cv2.warpAffine`.
    """
    w = np.ones(len(source), np.float32) if weights is None else weights
    w = w / w.sum()
    mean_s, mean_t = w @ source, w @ target
    s, t = source - mean_s, target - mean_t
    spread = max(float(w @ (s**2).sum(1)), 1e-12)
    a = float(w @ (s * t).sum(1)) / spread
    b = float(w @ (s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0])) / spread
    turn = np.array([[a, -b], [b, a]], np.float64)
    return np.hstack([turn, (mean_t - turn @ mean_s)[:, None]]).astype(np.float32)


def warp(picture: Picture, matrix: Array, side_px: int = SIDE_PX, *, cubic: bool = False) -> Picture:
    """Cut out a square of `side_px` by a similarity transform. Beyond the picture, its edge pixels are repeated.

    A face of more than twice the target's size is shrunk by averaging. Fine detail would otherwise become noise. Any
    other face is interpolated linearly, or with `cubic` by polynomials of the third degree.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        return _warp_smooth(picture, matrix, side_px, scale)
    crop: Picture = cv2.warpAffine(
        picture,
        matrix,
        (side_px, side_px),
        flags=cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # type: ignore[assignment]
    return crop


def _warp_smooth(picture: Picture, matrix: Array, side_px: int, scale: float) -> Picture:
    factor = int(1 / scale)
    finer = matrix * np.float32(factor)
    finer[:, 2] += (factor - 1) / 2  # pixel centres lie at whole numbers
    larger = warp(picture, finer, side_px * factor)
    return cv2.resize(larger, (side_px, side_px), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def to_rgb(bgr: Picture) -> Picture:
    """Return an RGB copy of a BGR picture. The networks read a copy faster than a view in reverse order."""
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]
