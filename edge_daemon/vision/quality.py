"""Measures how sharp a picture of a face is."""

from __future__ import annotations

import cv2
import numpy as np

from edge_daemon.types import Picture

_SIDE_PX = 64


def sharpness(crop: Picture) -> float:
    """Return how sharp a face is, from 0 (entirely blurred) to 1.

    The measure is the loss of contrast between neighbouring pixels when the picture is blurred once more (after Crete
    et al., "The blur effect", 2007). A blurred picture loses little. Large faces are first reduced to 64 px, so that
    the measure is the same for all sizes.

    Args:
        crop: the face's own pixels, not enlarged.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    scale = _SIDE_PX / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if min(grey.shape) < 4:
        return 0.0
    before = _change(grey.astype(np.float32))
    after = _change(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.5))
    return float(np.clip(1 - after / before, 0, 1)) if before > 1e-6 else 0.0


def _change(grey: np.ndarray) -> float:
    return cv2.norm(grey[1:], grey[:-1], cv2.NORM_L1) + cv2.norm(grey[:, 1:], grey[:, :-1], cv2.NORM_L1)
