"""Describes a clip of a mouth by numbers: mean picture, movement, and amount of movement.

It needs no network or training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Grey = NDArray[np.uint8]

FEATURES_VERSION: Final = 1
"""Must be increased if the same clip would give other numbers; templates of other versions are refused."""
HEIGHT_PX, WIDTH_PX = 48, 64
"""Size to which the box around the lips is stretched, whatever its shape."""
STEPS: Final = 24
"""Time steps to which a clip is resampled."""

_LIGHT: Final = (8, 10)
_EDGES: Final = (6, 8)
"""Numbers of 2-D DCT coefficients that are used, (down, across): of the picture, and of its horizontal edges."""
_FLAT: Final = 4.0
"""Grey levels added to the contrast of a frame, so that a frame without contrast is not amplified."""
_LENGTH: Final = 6.0
"""Length to which every movement is scaled; the amount of movement is compared separately."""
FEATURES: Final = _LIGHT[0] * _LIGHT[1] + _EDGES[0] * _EDGES[1]


@dataclass(frozen=True, slots=True, eq=False)
class MouthMovement:
    """One clip as numbers; the frames are no longer needed."""

    sequence: Array
    """(STEPS, FEATURES): the movement without the mean picture, scaled to one length."""
    mean: Array
    """(FEATURES,): the mean picture."""
    energy: float
    """Length of the movement before scaling."""


def mouth_movement(frames: Sequence[Grey]) -> MouthMovement:
    """Return a clip as numbers.

    Args:
        frames: grey pictures of the box around the lips, in order, at least two, of any size; (height, width), uint8.

    Raises:
        ValueError: there are fewer than two frames.
    """
    if len(frames) < 2:
        raise ValueError("a movement has two frames or more")
    features = _features(np.stack([_scaled(frame) for frame in frames]).astype(np.float32))
    mean = features.mean(0)
    sequence = _resampled(features - mean, STEPS)
    energy = float(np.linalg.norm(sequence))
    return MouthMovement((sequence * (_LENGTH / max(energy, 1e-6))).astype(np.float32), mean, energy)


def _scaled(frame: Grey) -> Grey:
    if frame.shape == (HEIGHT_PX, WIDTH_PX):
        return frame
    return np.asarray(cv2.resize(frame, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8)


def _features(frames: Array) -> Array:
    """Return the weighted coefficients (n, FEATURES) of frames (n, HEIGHT_PX, WIDTH_PX)."""
    deviations = frames.std((1, 2), keepdims=True) + _FLAT
    light = (frames - frames.mean((1, 2), keepdims=True)) / deviations
    edges = np.stack([np.abs(cv2.Sobel(one, cv2.CV_32F, 0, 1, ksize=3)) for one in light])
    joined: Array = np.hstack(
        [_coefficients(light, *_LIGHT) * _weights(*_LIGHT, 0.0), _coefficients(edges, *_EDGES) * _weights(*_EDGES, 1.0)]
    )
    return joined


def _coefficients(pictures: Array, down: int, across: int) -> Array:
    spectrum = _basis(HEIGHT_PX, down).T @ pictures @ _basis(WIDTH_PX, across)
    flat: Array = spectrum.reshape(len(pictures), down * across).astype(np.float32)
    return flat


@cache
def _basis(size: int, count: int) -> Array:
    """Return the first `count` vectors of the DCT-II of `size` samples, (size, count), scaled by 1 / sqrt(size)."""
    at, frequency = np.arange(size)[:, None] + 0.5, np.arange(count)[None]
    basis = np.cos(np.pi * at * frequency / size) * np.sqrt(2) / size
    basis[:, 0] /= np.sqrt(2)
    basis32: Array = basis.astype(np.float32)
    return basis32


@cache
def _weights(down: int, across: int, constant: float) -> Array:
    """Return the weight of each coefficient (down * across,), because pictures have little at high frequencies."""
    u, v = np.meshgrid(np.arange(down), np.arange(across), indexing="ij")
    weights = (1.0 + u**2 + v**2) ** 0.25
    weights[0, 0] = constant
    flat: Array = weights.reshape(-1).astype(np.float32)
    return flat


def _resampled(sequence: Array, steps: int) -> Array:
    at = np.linspace(0, len(sequence) - 1, steps)
    low = np.minimum(at.astype(np.intp), len(sequence) - 2)
    share = (at - low)[:, None].astype(np.float32)
    between: Array = sequence[low] * (1 - share) + sequence[low + 1] * share
    return between
