"""Paint covers on a face from its six BlazeFace points: surgical masks and sunglasses, in two ways each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

Points = NDArray[np.float32]
Cover = Callable[[Picture, Points, np.random.Generator], Picture]

_RIGHT_EYE, _LEFT_EYE, _NOSE, _MOUTH, _RIGHT_EAR, _LEFT_EAR = range(6)
_MASK_COLOURS = ((214, 190, 150), (235, 235, 232), (60, 55, 50))
"""Light blue, white, black (BGR)."""


def pleated_mask(picture: Picture, points: Points, rng: np.random.Generator) -> Picture:
    """Return the picture with a surgical mask: straight upper edge over the nose, pleats, bands to the ears."""
    axis, down = _axes(points)
    nose, half = points[_NOSE], np.linalg.norm(axis) * 1.05
    along, below = axis / np.linalg.norm(axis), down / np.linalg.norm(down)
    chin = points[_MOUTH] + 0.75 * down
    top = nose - 0.25 * down
    outline = [
        top - along * half * 0.62,
        top + along * half * 0.62,
        points[_MOUTH] + along * half * 0.85,
        chin + along * half * 0.40,
        chin - along * half * 0.40,
        points[_MOUTH] - along * half * 0.85,
    ]
    colour = _MASK_COLOURS[rng.integers(len(_MASK_COLOURS))]
    found = _filled(picture, outline, colour)
    for step in (0.25, 0.5, 0.75):
        middle = top + (chin - top) * step
        shade = tuple(int(c * 0.85) for c in colour)
        _line(found, middle - along * half * 0.6, middle + along * half * 0.6, shade, picture)
    for ear, side in ((_RIGHT_EAR, -1), (_LEFT_EAR, 1)):
        _line(found, points[ear], top + side * along * half * 0.6 + 0.2 * below, colour, picture)
    return found


def moulded_mask(picture: Picture, points: Points, rng: np.random.Generator) -> Picture:
    """Return the picture with a moulded mask that stands out at the nose, shaded from its middle outwards."""
    axis, down = _axes(points)
    centre = (points[_NOSE] + points[_MOUTH]) / 2 + 0.35 * down
    size = (float(np.linalg.norm(axis)) * 0.88, float(np.linalg.norm(down)) * 0.85)
    angle = float(np.degrees(np.arctan2(axis[1], axis[0])))
    cover = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(cover, (tuple(map(float, centre)), (2 * size[0], 2 * size[1]), angle), 255, -1)
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    away = np.hypot(columns - centre[0], rows - centre[1]) / max(size)
    colour = np.array(_MASK_COLOURS[rng.integers(len(_MASK_COLOURS))], np.float32)
    shaded = colour * np.clip(1.05 - 0.35 * away, 0.5, 1.05)[..., None]
    return np.where(cover[..., None] > 0, np.clip(shaded, 0, 255), picture).astype(np.uint8)


def round_glasses(picture: Picture, points: Points, rng: np.random.Generator) -> Picture:
    """Return the picture with dark round glasses, a bridge and arms."""
    return _glasses(picture, points, rng, aspect=1.0)


def wide_glasses(picture: Picture, points: Points, rng: np.random.Generator) -> Picture:
    """Return the picture with wide dark glasses that cover the brows."""
    return _glasses(picture, points, rng, aspect=0.72)


COVERS: Mapping[str, tuple[Cover, ...]] = {
    "mask": (pleated_mask, moulded_mask),
    "glasses": (round_glasses, wide_glasses),
}
"""The covers for each part of a face."""


def _axes(points: Points) -> tuple[Points, Points]:
    """Return the vector from one eye to the other, left to right in the picture, and from the eyes to the mouth."""
    first, second = sorted((points[_RIGHT_EYE], points[_LEFT_EYE]), key=lambda p: float(p[0]))
    return second - first, points[_MOUTH] - (first + second) / 2


def _glasses(picture: Picture, points: Points, rng: np.random.Generator, *, aspect: float) -> Picture:
    axis, _ = _axes(points)
    width = float(np.linalg.norm(axis)) * 0.78
    angle = float(np.degrees(np.arctan2(axis[1], axis[0])))
    colour = tuple(int(c) for c in rng.integers(12, 45, 3))
    found = picture.copy()
    for eye in (_RIGHT_EYE, _LEFT_EYE):
        place = (tuple(map(float, points[eye])), (width * (1.1 if aspect < 1 else 0.9), width * aspect), angle)
        cv2.ellipse(found, place, colour, -1)
    _line(found, points[_RIGHT_EYE], points[_LEFT_EYE], colour, picture)
    for eye, ear in ((_RIGHT_EYE, _RIGHT_EAR), (_LEFT_EYE, _LEFT_EAR)):
        _line(found, points[eye], points[ear], colour, picture)
    return found


def _filled(picture: Picture, outline: list[Points], colour: tuple[int, int, int]) -> Picture:
    found = picture.copy()
    cv2.fillPoly(found, [np.round(np.stack(outline)).astype(np.int32)], colour)
    return found


def _line(found: Picture, a: Points, b: Points, colour: tuple[int, ...], picture: Picture) -> None:
    thickness = max(1, picture.shape[1] // 90)
    ends = [tuple(round(float(x)) for x in end) for end in (a, b)]
    cv2.line(found, ends[0], ends[1], colour, thickness)
