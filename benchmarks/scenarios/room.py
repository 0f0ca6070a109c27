"""Draws a room: people in rows of seats, large in front and small behind, in the light of one capture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

CROP_PX = 224
FACE_OF_CROP = 0.75
"""Width of the face, ear to ear, as a share of a crop in the lfw form."""
TINTS = ((0.80, 0.88, 1.0), (0.66, 0.78, 1.0), (0.52, 0.66, 0.94))
"""Skin colours (blue, green, red), because the crops are grey."""
_BODY = np.array([(0.02, 1.0), (0.14, 0.78), (0.38, 0.68), (0.62, 0.68), (0.86, 0.78), (0.98, 1.0)])
"""Outline of neck and shoulders, as shares of a square twice as wide as the crop."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions of the seats."""

    width_px: int
    height_px: int
    rows: int
    columns: int
    face_px: tuple[float, float]
    """Width of faces in the last and in the first row."""

    @property
    def seats(self) -> int:
        """Number of seats."""
        return self.rows * self.columns

    def place(self, seat: int) -> tuple[float, float, float]:
        """Return the centre of the face in a seat, and its width, in pixels."""
        row, column = divmod(seat, self.columns)
        near = row / max(self.rows - 1, 1)
        back, front = self.face_px
        width_px = back * (front / back) ** near
        return (column + 0.5) / self.columns * self.width_px, (0.14 + 0.66 * near) * self.height_px, width_px


def as_crop(picture: Picture) -> Picture:
    """Return a square picture in the lfw form as (CROP_PX, CROP_PX, 3)."""
    return np.asarray(cv2.resize(picture, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA), np.uint8)


def scenery(layout: Layout, rng: np.random.Generator) -> Picture:
    """Return an empty room: wall, floor, boards, desks and objects on them."""
    height, width = layout.height_px, layout.width_px
    wall, floor = rng.uniform(140, 200, 3), rng.uniform(60, 110, 3)
    share = np.linspace(0, 1, height)[:, None, None]
    scene = np.broadcast_to(wall * (1 - share) + floor * share, (height, width, 3)).astype(np.uint8).copy()
    for _ in range(50):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        w, h = int(rng.integers(width // 50, width // 7)), int(rng.integers(height // 50, height // 9))
        colour = tuple(float(c) for c in rng.uniform(50, 210, 3))
        cv2.rectangle(scene, (x, y), (x + w, y + h), colour, -1)
    for row in range(layout.rows):
        _, y, width_px = layout.place(row * layout.columns)
        top = round(y + 1.3 * width_px)
        cv2.rectangle(scene, (0, top), (width, top + max(2, round(0.15 * width_px))), (70, 110, 140), -1)
    return scene


def sit(
    scene: Picture, crop: Picture, clothes: NDArray[np.float64], x: float, y: float, width_px: float
) -> tuple[int, int, int, int]:
    """Draw a person into a scene; return the box of the face (x, y, w, h).

    Args:
        scene: the picture to draw on.
        crop: the face (CROP_PX, CROP_PX, 3).
        clothes: blue, green, red.
        x: horizontal centre of the face.
        y: vertical centre of the face.
        width_px: width of the face.
    """
    person, alpha = _dressed(crop, clothes), _ALPHA
    side = max(16, round(2 * width_px / FACE_OF_CROP))
    method = cv2.INTER_AREA if side < 2 * CROP_PX else cv2.INTER_LINEAR
    person, alpha = cv2.resize(person, (side, side), interpolation=method), cv2.resize(alpha, (side, side))
    left, top = round(x - side / 2), round(y - side / 2)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, scene.shape[1]), min(top + side, scene.shape[0])
    own = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    share = alpha[own][..., None]
    scene[y0:y1, x0:x1] = (person[own] * share + scene[y0:y1, x0:x1] * (1 - share)).astype(np.uint8)
    return round(x - width_px / 2), round(y - 0.62 * width_px), round(width_px), round(1.25 * width_px)


def _dressed(crop: Picture, clothes: NDArray[np.float64]) -> Picture:
    """Return head and shoulders (2 * CROP_PX square)."""
    half = CROP_PX // 2
    picture = cv2.copyMakeBorder(crop, half, half, half, half, cv2.BORDER_REPLICATE)
    fold = np.linspace(1.1, 0.7, 2 * CROP_PX)[:, None]
    cloth = np.clip(fold * clothes, 0, 255).astype(np.uint8)
    rows, columns = _CLOTHED
    picture[rows, columns] = cloth[columns]
    return picture


def _outline() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return masks of the head and of the body."""
    side = 2 * CROP_PX
    head, body = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    axes = (round(0.46 * CROP_PX), round(0.54 * CROP_PX))
    cv2.ellipse(head, (CROP_PX, CROP_PX), axes, 0, 0, 360, 255, -1)
    cv2.fillPoly(body, [np.round(_BODY * side).astype(np.int32)], 255)
    return head > 0, body > 0


_HEAD, _TRUNK = _outline()
_CLOTHED = np.nonzero(_TRUNK & ~_HEAD)
_ALPHA = cv2.GaussianBlur((_HEAD | _TRUNK).astype(np.float32), (0, 0), 0.02 * CROP_PX)


def back_of_head(crop: Picture, rng: np.random.Generator) -> Picture:
    """Return a crop without a face, in a hair colour taken from the crop."""
    hair = crop[4 : CROP_PX // 8, CROP_PX // 3 : -CROP_PX // 3].reshape(-1, 3).mean(axis=0) * rng.uniform(0.5, 0.9)
    noise = rng.standard_normal((CROP_PX, CROP_PX, 1), np.float32) * 50
    strands = cv2.GaussianBlur(noise, (0, 0), sigmaX=1.2, sigmaY=14)[..., None]
    return np.clip(hair + strands, 0, 255).astype(np.uint8)


def captured(scene: Picture, motion_px: float, rng: np.random.Generator) -> Picture:
    """Return a scene as the camera takes it: light, colour, blur and noise of one capture."""
    light = 255 * (np.arange(256) / 255) ** rng.uniform(0.75, 1.35)
    curves = np.clip(light[:, None] * rng.uniform(0.92, 1.08, 3), 0, 255).astype(np.uint8)
    shot = cv2.LUT(scene, curves[None])
    if motion_px >= 2:
        length = round(motion_px)
        shot = cv2.filter2D(shot, -1, np.full((1, length), 1 / length, np.float32))
    shot = cv2.GaussianBlur(shot, (0, 0), rng.uniform(0.3, 0.8))
    grain = 3 * rng.standard_normal((shot.shape[0] // 2, shot.shape[1] // 2, 3), np.float32)
    grain = cv2.resize(grain, shot.shape[1::-1])
    return np.clip(shot + grain, 0, 255).astype(np.uint8)
