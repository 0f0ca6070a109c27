"""One training crop, with the positions of the face in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Box, Picture
from edge_daemon.vision import align
from edge_daemon.vision.face_reader import blazeface_square

Array = NDArray[np.float32]

SIDE_PX = 96
SQUARES = 2.6
"""Side of a stored crop, in sides of BlazeFace's square.

It is larger than the network's input, so that the crop can be shifted and turned.
"""
UNKNOWN, BARE, LOWER_HIDDEN, UPPER_HIDDEN, PROFILE = -1, 0, 1, 2, 3
NO_POINTS = np.full((5, 2), np.nan, np.float32)
NO_SQUARE = np.full(4, np.nan, np.float32)


@dataclass(frozen=True, slots=True)
class Sample:
    """A crop."""

    crop: Picture
    """(SIDE_PX, SIDE_PX, 3), BGR."""
    face: bool
    visible: int = UNKNOWN
    square: Array = field(default_factory=lambda: NO_SQUARE)
    """(4,) BlazeFace's square of the label, in pixels of the crop."""
    points: Array = field(default_factory=lambda: NO_POINTS)
    """(5, 2) eyes, nose tip, mouth corners, in pixels of the crop."""
    weight: float = 1.0
    file: str = ""
    width_px: float = 0.0
    """Width of the face in its picture."""
    score: float = 0.0
    """The detector's score; 0 for a crop that is no detection."""
    votes: float = 0.0
    pasted: bool = False
    """True if the face was pasted on another background."""


def crop_matrix(square: Array, side_px: int = SIDE_PX, squares: float = SQUARES) -> Array:
    """Return the (2, 3) matrix from the picture to the crop around a square."""
    centre = (square[:2] + square[2:]) / 2
    scale = side_px / max(float(square[2] - square[0]) * squares, 1e-3)
    shift = (side_px - 1) / 2 - scale * centre
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)


def cut(picture: Picture, square: Array) -> tuple[Picture, Array]:
    """Return the crop around a square, and its matrix."""
    matrix = crop_matrix(square)
    return align.warp(picture, matrix, SIDE_PX), matrix


def moved(points: Array, matrix: Array) -> Array:
    """Return points (n, 2) of the picture in pixels of the crop."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def moved_square(square: Array, matrix: Array) -> Array:
    """Return a square (4,) of the picture in pixels of the crop."""
    return moved(square.reshape(2, 2), matrix).reshape(4)


def label_square(label: Array) -> Array:
    """Return the BlazeFace square for a label (x, y, w, h) of any shape: the same middle and area."""
    x, y, w, h = (float(v) for v in label[:4])
    width = max(w * h / 1.25, 1.0) ** 0.5
    return blazeface_square(Box(x + w / 2 - width / 2, y + h / 2 - width * 0.625, width, width * 1.25))


def save(path: Path, samples: Sequence[Sample], held: Sequence[bool]) -> None:
    """Write samples as arrays."""
    np.savez(
        path,
        crop=np.stack([s.crop for s in samples]),
        square=np.stack([s.square for s in samples]),
        points=np.stack([s.points for s in samples]),
        picture=np.array([s.file for s in samples]),
        held=np.array(held),
        **{key: np.array([getattr(s, key) for s in samples]) for key in _NUMBERS},
    )


_NUMBERS = ("face", "visible", "weight", "width_px", "score", "votes", "pasted")
