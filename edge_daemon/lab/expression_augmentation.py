"""Converts pictures to the input of the networks, and makes randomly changed pictures for the training."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.lab.expression_classes import SIDE_PX

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_SHIFT_PX, _SCALE, _TURN_DEG = 3.5, 0.1, 12.0
_CUT_SHARE = 0.3


def as_input(pictures: Bytes) -> Floats:
    """Return grey pictures (n, 48, 48) as input of the networks: (n, 48, 48, 1), -1 to 1."""
    return ((pictures.astype(np.float32) - 127.5) / 127.5)[..., None]


def varied(picture: Bytes, random: np.random.Generator) -> Bytes:
    """Return a randomly changed picture: rotated, shifted, scaled, mirrored, with other light and a covered part."""
    angle, scale = np.radians(random.uniform(-_TURN_DEG, _TURN_DEG)), np.exp(random.uniform(-_SCALE, _SCALE))
    mirror = -1.0 if random.random() < 0.5 else 1.0
    turn = scale * np.array([[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]])
    middle = (SIDE_PX - 1) / 2
    shift = middle - turn @ [middle, middle] + random.uniform(-_SHIFT_PX, _SHIFT_PX, 2)
    moved = cv2.warpAffine(
        picture, np.hstack([turn, shift[:, None]]), (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE
    )
    lit = cv2.convertScaleAbs(moved, alpha=random.uniform(0.75, 1.25), beta=random.uniform(-20, 20))
    if random.random() < 0.3:
        side = int(random.uniform(0.1, _CUT_SHARE) * SIDE_PX)
        top, left = random.integers(0, SIDE_PX - side, 2)
        lit[top : top + side, left : left + side] = random.integers(0, 256)
    return np.asarray(lit, np.uint8)
