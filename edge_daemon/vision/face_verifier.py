"""The face verifier estimates whether a detection is a face, which parts are visible, and where its points are.

It is this project's own network (models_tflite/build/verifier), and reads a crop of 48 px around each detection.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.traits import VISIBLE_PARTS, VisibleParts
from edge_daemon.types import Picture
from edge_daemon.vision.align import to_rgb, warp
from edge_daemon.vision.interpreter import pick
from edge_daemon.vision.models import ModelCard

Array = NDArray[np.float32]

CROP_SQUARES = 1.75
"""Side of the crop around a detection, as a multiple of the side of BlazeFace's square."""
_SIDE_WEIGHT = 0.5
"""Scale of the network's output for the size of a face.

The output is this factor times log(side of the face / side of the checked square).
"""
_CONTRAST, _LEAST_CONTRAST = 48.0, 5.0
_NUMBERS = 13
"""Number of outputs for the place of a face: centre (2) and side (1) of its square, and five points (10)."""
_MIDDLE_AND_POINTS = [0, 1, *range(3, _NUMBERS)]


@dataclass(frozen=True, slots=True)
class FaceCheck:
    """The verifier's result for one detection."""

    logit: float
    """Logarithm of the odds that the detection is a face, from its crop alone."""
    visible: VisibleParts
    square: Array
    """(4,) BlazeFace's square as the network estimates it: left, top, right, bottom, in pixels of the picture."""
    points: Array
    """(5, 2) right eye, left eye (the person's own), nose tip, mouth corners; hidden points at their expected place."""


class FaceVerifier:
    """Runs the verifier network. Not safe for concurrent use.

    Args:
        card: the file's entry in the manifest.
    """

    def __init__(self, card: ModelCard) -> None:
        self._card, self._model = card, card.open()
        self._side_px = card.size_px[0]

    def __call__(self, picture: Picture, square: Array) -> FaceCheck:
        """Verify a detection.

        Args:
            picture: BGR.
            square: (4,) BlazeFace's left, top, right, bottom.
        """
        matrix = crop_matrix(square, self._side_px)
        crop = levelled(warp(picture, matrix, self._side_px))
        outputs = self._model(self._card.encode(to_rgb(crop))[None])
        numbers = pick(outputs, _NUMBERS)[0]
        visible = VisibleParts(*_softmax(pick(outputs, len(VISIBLE_PARTS))[0]))
        middle_and_points = (numbers[_MIDDLE_AND_POINTS].reshape(6, 2) + 0.5) * self._side_px
        placed = ((middle_and_points - matrix[:, 2]) / matrix[0, 0]).astype(np.float32)
        half = float(square[2] - square[0]) * math.exp(min(max(float(numbers[2]) / _SIDE_WEIGHT, -2.0), 2.0)) / 2
        found = np.concatenate([placed[0] - half, placed[0] + half]).astype(np.float32)
        return FaceCheck(float(pick(outputs, 1)[0, 0]), visible, found, placed[1:])


def levelled(crop: Picture) -> Picture:
    """Return the crop with a mean of 128 and a contrast (standard deviation) of 48, to remove the effect of light."""
    mean, deviation = (values.ravel() for values in cv2.meanStdDev(crop))
    middle = float(mean.mean())
    contrast = math.sqrt(float((deviation**2 + (mean - middle) ** 2).mean()))
    steps = (np.arange(256, dtype=np.float32) - middle) * (_CONTRAST / max(contrast, _LEAST_CONTRAST)) + 128
    return np.asarray(cv2.LUT(crop, np.clip(steps, 0, 255).astype(np.uint8)), np.uint8)


def _softmax(logits: Array) -> list[float]:
    shares = np.exp(logits - logits.max())
    return [float(share) for share in shares / shares.sum()]


def crop_matrix(square: Array, side_px: int) -> Array:
    """Return the (2, 3) matrix from the picture to the crop around a square, upright."""
    centre = (square[:2] + square[2:]) / 2
    scale = side_px / max(float(square[2] - square[0]) * CROP_SQUARES, 1e-3)
    shift = (side_px - 1) / 2 - scale * centre
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
