"""Paints a mask or sunglasses on a portrait, to show how the person looks with a part of the face covered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

Points = NDArray[np.float32]
Painter = Callable[[Picture, Points], Picture]

_RIGHT_EYE, _LEFT_EYE, _NOSE, _MOUTH = range(4)
_LIGHT, _DARK = (222, 205, 178), (92, 84, 78)
"""Colours of the light and the dark mask, each as (blue, green, red)."""
_GLASS = (30, 28, 26)
_SUPERSAMPLED_BITS = 3
"""Fractional bits of the coordinates, so that edges can lie between pixels."""


def light_mask(picture: Picture, points: Points) -> Picture:
    """Return the picture with a light surgical mask from below the eyes to under the chin."""
    return _mask(picture, points, _LIGHT, top=0.42)


def dark_mask(picture: Picture, points: Points) -> Picture:
    """Return the picture with a dark cloth mask that begins lower on the nose."""
    return _mask(picture, points, _DARK, top=0.6)


def round_sunglasses(picture: Picture, points: Points) -> Picture:
    """Return the picture with round dark glasses."""
    return _glasses(picture, points, width=0.36, height=0.36)


def broad_sunglasses(picture: Picture, points: Points) -> Picture:
    """Return the picture with broad dark glasses."""
    return _glasses(picture, points, width=0.46, height=0.3)


COVERS: Mapping[str, tuple[Painter, ...]] = {
    "mask": (light_mask, dark_mask),
    "glasses": (round_sunglasses, broad_sunglasses),
}
"""Face covers, each painted in two ways, because it is unknown which kind a person will wear."""


def _axes(points: Points) -> tuple[Points, Points, Points]:
    """Return the midpoint of the eyes, the vector from eye to eye, and the vector from the midpoint to the mouth."""
    left, right = sorted((points[_RIGHT_EYE], points[_LEFT_EYE]), key=lambda point: float(point[0]))
    middle = (left + right) / 2
    return middle, right - left, points[_MOUTH] - middle


def _mask(picture: Picture, points: Points, colour: tuple[int, int, int], *, top: float) -> Picture:
    """Paint a mask. `top` is the position of its upper edge, as a share of the way from the eyes to the mouth."""
    middle, across, down = _axes(points)
    outline = [
        middle + top * down,
        middle + (top + 0.12) * down + 0.7 * across,
        middle + 1.15 * down + 0.85 * across,
        middle + 1.75 * down + 0.45 * across,
        middle + 1.9 * down,
        middle + 1.75 * down - 0.45 * across,
        middle + 1.15 * down - 0.85 * across,
        middle + (top + 0.12) * down - 0.7 * across,
    ]
    found: Picture = picture.copy()
    cv2.fillPoly(found, [_fixed(np.stack(outline))], colour, cv2.LINE_AA, _SUPERSAMPLED_BITS)
    return found


def _glasses(picture: Picture, points: Points, *, width: float, height: float) -> Picture:
    """Paint glasses.

    Args:
        picture: BGR.
        points: (68, 2), in pixels.
        width: half the width of a lens, as a share of the distance between the eyes.
        height: half the height of a lens, in the same unit.
    """
    _, across, _ = _axes(points)
    distance = float(np.hypot(*across))
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    found: Picture = picture.copy()
    for eye in (points[_RIGHT_EYE], points[_LEFT_EYE]):
        centre = (float(eye[0]), float(eye[1]))
        cv2.ellipse(found, (centre, (2 * width * distance, 2 * height * distance), angle), _GLASS, -1, cv2.LINE_AA)
    ends = _fixed(np.stack([points[_RIGHT_EYE], points[_LEFT_EYE]]))
    thickness = max(1, round(0.08 * distance))
    cv2.line(found, ends[0].tolist(), ends[1].tolist(), _GLASS, thickness, cv2.LINE_AA, _SUPERSAMPLED_BITS)
    return found


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.asarray(np.round(points * 2**_SUPERSAMPLED_BITS), np.int32)
