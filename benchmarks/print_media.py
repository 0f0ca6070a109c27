"""Draws what a seat shows over a lesson: a living person, one animated photograph, or prints of one photograph.

A living person is drawn from photographs of several days. That is too easy, because nobody changes so much in a lesson.
A *sitter* is therefore one photograph whose mesh is moved: the head turns and nods, mouth and brows move, and the eyes
blink. A print is one photograph on a flat or bent sheet. The light changes on all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.scenarios.room import CROP_PX
from edge_daemon.types import Picture

Medium = Literal["living", "sitter", "pinned", "held", "bent"]
MEDIA: tuple[Medium, ...] = get_args(Medium)
PRINTS: tuple[Medium, ...] = ("pinned", "held", "bent")

Points = NDArray[np.float32]

_GRID = 48
"""Side of the grid on which a warp is computed."""
_REACH_PX = 7.0
"""Distance in pixels within which the surroundings of a mesh point move with it."""
_RIGHT_LIDS = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
_LEFT_LIDS = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
_CORNERS, _INNER_LIPS, _BROWS, _CHIN = (61, 291), (13, 14), (105, 334), 152
_TURNS_DEG = {"yaw": (4.0, 14.0), "pitch": (3.0, 8.0), "roll": (2.0, 5.0)}
"""Smallest and largest standard deviation of a sitter's head turn over a lesson, in degrees, by axis.

In three videos of drivers, 14 to 19 s long, it is 4 to 20 degrees of yaw, 3 to 10 of pitch and 3 to 6 of roll.
"""
_BLINKS = 0.08
"""Share of captures with shut eyes."""
_SPEAKS = 0.2
"""Share of captures with an open mouth."""


@dataclass(frozen=True, slots=True)
class Original:
    """A photograph and the mesh of the face in it."""

    crop: Picture
    """(CROP_PX, CROP_PX, 3)."""
    mesh: Points
    """(468, 3) in pixels of the crop."""


class Seat:
    """One seat of one lesson.

    Args:
        medium: whether the seat has a living person, a sitter or a kind of print.
        originals: photographs of one person; every medium except `living` shows only the first one.
        rng: source of all random choices.
    """

    def __init__(self, medium: Medium, originals: Sequence[Original], rng: np.random.Generator) -> None:
        self.medium, self._rng = medium, rng
        self._originals = list(originals) if medium == "living" else list(originals[:1])
        self._spread = {axis: rng.uniform(*limits) for axis, limits in _TURNS_DEG.items()}
        self._turned = rng.normal(0, 0.06, (4, 2))

    def shown(self) -> Picture:
        """Return the seat's picture in the next capture, (CROP_PX, CROP_PX, 3)."""
        original = self._originals[int(self._rng.integers(len(self._originals)))]
        if self.medium == "living":
            return lit(original.crop, self._rng)
        if self.medium == "sitter":
            return lit(self._alive(original), self._rng)
        sway = 0.0 if self.medium == "pinned" else 0.035
        tilted = _tilted(original.crop, self._turned + self._rng.normal(0, sway, (4, 2)))
        return lit(_bent(tilted, self._rng) if self.medium == "bent" else tilted, self._rng)

    def _alive(self, original: Original) -> Picture:
        rng = self._rng
        crop = _with_shut_eyes(original) if rng.random() < _BLINKS else original.crop
        moved = _with_expression(original.mesh, rng)
        return _warped(crop, original.mesh[:, :2], _turned_head(moved, self._spread, rng)[:, :2])


def lit(crop: Picture, rng: np.random.Generator) -> Picture:
    """Return a crop in light that falls from some side."""
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35)
    along = np.linspace(-1, 1, CROP_PX)
    slope = np.cos(angle) * along[None, :] + np.sin(angle) * along[:, None]
    return np.clip(crop * (1 + strength * slope)[..., None], 0, 255).astype(np.uint8)


def _tilted(crop: Picture, corners: NDArray[np.float64]) -> Picture:
    """Return a flat print whose corners are moved by `corners` (4, 2), in shares of its side."""
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32) * CROP_PX
    matrix = cv2.getPerspectiveTransform(square, square + np.asarray(corners, np.float32) * CROP_PX)
    return np.asarray(cv2.warpPerspective(crop, matrix, (CROP_PX, CROP_PX), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _bent(crop: Picture, rng: np.random.Generator) -> Picture:
    """Return a print on a sheet that is bent about a random axis."""
    angle, bend = rng.uniform(0, np.pi), rng.uniform(-0.07, 0.07) * CROP_PX
    rows, columns = np.mgrid[:CROP_PX, :CROP_PX].astype(np.float32)
    along = np.array([np.cos(angle), np.sin(angle)], np.float32)
    u = ((columns - CROP_PX / 2) * along[0] + (rows - CROP_PX / 2) * along[1]) / (CROP_PX / 2)
    shift = bend * (u**2 - 0.3)
    maps = (columns + shift * along[0], rows + shift * along[1])
    return np.asarray(cv2.remap(crop, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _with_shut_eyes(original: Original) -> Picture:
    """Return the crop with the skin above the eyes drawn over them, and lashes below."""
    found = original.crop.copy()
    for lids in (_RIGHT_LIDS, _LEFT_LIDS):
        ring = original.mesh[list(lids), :2]
        height = max(float(np.ptp(ring[:, 1])), 2.0)
        x0, x1 = int(ring[:, 0].min()), int(ring[:, 0].max()) + 1
        y0 = int(ring[:, 1].min() - 0.7 * height)
        skin = original.crop[max(y0, 0) : max(int(ring[:, 1].min()), 1), max(x0, 0) : max(x1, 1)].reshape(-1, 3)
        colour = tuple(float(c) for c in (np.median(skin, axis=0) if len(skin) else (120, 130, 150)))
        cv2.fillPoly(found, [np.round(ring * 8).astype(np.int32)], colour, cv2.LINE_AA, 3)
        lower = ring[8:]
        cv2.polylines(found, [np.round(lower * 8).astype(np.int32)], False, (40, 40, 50), 2, cv2.LINE_AA, 3)
    return found


def _with_expression(mesh: Points, rng: np.random.Generator) -> Points:
    """Return the mesh with jaw, corners of the mouth and brows moved."""
    moved = mesh.copy()
    width = float(np.ptp(mesh[:, 0]))
    lips, chin = mesh[list(_INNER_LIPS), :2].mean(0), mesh[_CHIN, 1]
    opened = width * (rng.uniform(0.02, 0.12) if rng.random() < _SPEAKS else max(rng.normal(0, 0.006), 0.0))
    below = np.clip((mesh[:, 1] - lips[1]) / max(chin - lips[1], 1.0) * 3, 0, 1)
    moved[:, 1] += opened * below
    stretch = rng.normal(0, 0.015) * width
    for corner, side in zip(_CORNERS, (-1, 1), strict=True):
        near = np.exp(-((mesh[:, :2] - mesh[corner, :2]) ** 2).sum(1) / (2 * (0.09 * width) ** 2))
        moved[:, 0] += side * stretch * near
        moved[:, 1] -= 0.6 * stretch * near
    lift = rng.normal(0, 0.012) * width
    for brow in _BROWS:
        near = np.exp(-((mesh[:, :2] - mesh[brow, :2]) ** 2).sum(1) / (2 * (0.1 * width) ** 2))
        moved[:, 1] -= lift * near
    return moved


def _turned_head(mesh: Points, spread_deg: dict[str, float], rng: np.random.Generator) -> Points:
    """Return the mesh of a head that is turned about its neck, seen from far away."""
    yaw, pitch, roll = (np.radians(rng.normal(0, spread_deg[axis])) for axis in ("yaw", "pitch", "roll"))
    width = float(np.ptp(mesh[:, 0]))
    pivot = np.array([mesh[:, 0].mean(), mesh[:, 1].mean(), mesh[:, 2].max() + 0.2 * width], np.float32)
    across = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    lean = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    turned: Points = ((mesh - pivot) @ (lean @ nod @ across).T + pivot).astype(np.float32)
    turned[:, :2] -= 0.8 * (turned[:, :2].mean(0) - mesh[:, :2].mean(0))  # the crop follows the head
    return turned


def _warped(crop: Picture, before: Points, after: Points) -> Picture:
    """Return a crop whose points, with their surroundings, are moved from `before` to `after`."""
    step = CROP_PX / _GRID
    places = (np.arange(_GRID) + 0.5) * step
    grid = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2).astype(np.float32)
    squared = (grid**2).sum(1)[:, None] + (after**2).sum(1) - 2 * grid @ after.T
    near = np.exp(-squared / (2 * _REACH_PX**2))
    weight = near.sum(1, keepdims=True)
    shift = (near @ (before - after)) / np.maximum(weight, 1e-6) * (weight / (weight + 0.05))
    field = cv2.resize(shift.reshape(_GRID, _GRID, 2).astype(np.float32), (CROP_PX, CROP_PX))
    rows, columns = np.mgrid[:CROP_PX, :CROP_PX].astype(np.float32)
    maps = (columns + field[..., 0], rows + field[..., 1])
    return np.asarray(cv2.remap(crop, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
