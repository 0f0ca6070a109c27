"""The crop that an analyser sees: a square around one face, upright, with the face's points in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Box, Picture
from edge_daemon.vision.align import warp

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CropShape:
    """The crop that an analyser requires."""

    side_px: int
    """Side of the crop, after scaling."""
    scale: float
    """Side of the part of the picture that is cropped, as a multiple of the longer side of the face's box."""
    down: float = 0.0
    """Distance of the crop's centre below the centre of the face's box, as a multiple of the box's longer side."""
    cubic: bool = False
    """Whether an enlarged face is interpolated by cubic polynomials. If False, the interpolation is linear."""


@dataclass(frozen=True, slots=True)
class AlignedFace:
    """One face as an analyser sees it."""

    crop: Picture
    """(side, side, 3), BGR, with the eyes on a horizontal line."""
    points: Array
    """(n, 2) the face's points in pixels of the crop; empty if only the box of the face was known."""


def aligned_face(picture: Picture, box: Box, points: Array | None, shape: CropShape) -> AlignedFace:
    """Cut a face out of its picture.

    Args:
        picture: BGR.
        box: the face, in pixels of the picture.
        points: (n, 2) in pixels of the picture, right eye and left eye first; if None, the face counts as upright.
        shape: the crop that the analyser requires.
    """
    matrix = crop_matrix(box, 0.0 if points is None else _turn(points), shape)
    placed = np.zeros((0, 2), np.float32) if points is None else points @ matrix[:, :2].T + matrix[:, 2]
    return AlignedFace(warp(picture, matrix, shape.side_px, cubic=shape.cubic), placed.astype(np.float32))


def crop_matrix(box: Box, turn_rad: float, shape: CropShape) -> Array:
    """Return the (2, 3) matrix from the picture to the crop.

    Args:
        box: the face, in pixels of the picture.
        turn_rad: slope of the line from eye to eye in the picture, clockwise.
        shape: the crop that the analyser requires.
    """
    longer = max(box.w, box.h, 1e-3)
    scale = shape.side_px / (longer * shape.scale)
    cos, sin = math.cos(turn_rad) * scale, math.sin(turn_rad) * scale
    rotation = np.array([[cos, sin], [-sin, cos]])
    # Pixel centres lie at whole numbers, and the box's edges lie between pixels.
    middle = np.array([box.x + box.w / 2 - 0.5, box.y + box.h / 2 - 0.5])
    centre = middle + shape.down * longer * np.array([-math.sin(turn_rad), math.cos(turn_rad)])
    shift = np.full(2, (shape.side_px - 1) / 2) - rotation @ centre
    return np.hstack([rotation, shift[:, None]]).astype(np.float32)


def _turn(points: Array) -> float:
    right_eye, left_eye = points[0], points[1]
    return math.atan2(float(left_eye[1] - right_eye[1]), float(left_eye[0] - right_eye[0]))
