"""Varies crops like a classroom's camera: shifted, turned, far, blurred, dark, compressed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture

Array = NDArray[np.float32]

INPUT_PX = 48
INPUT_SQUARES = 1.75
"""Side of the network's input, as a multiple of the side of BlazeFace's square."""
_STORED_PX, _STORED_SQUARES = 96, 2.6
_MIRRORED = (1, 0, 2, 4, 3)
_NOISE = np.random.default_rng(3).standard_normal(1 << 21, np.float32)
"""Noise that is drawn once, because drawing it anew for each crop took a sixth of the time."""


def plain(crop: Picture) -> tuple[Picture, Array]:
    """Return the network's input for a stored crop, and the (2, 3) matrix that maps points to it."""
    return _warped(crop, 1.0, 0.0, np.zeros(2), mirror=False)


def varied(crop: Picture, rng: np.random.Generator) -> tuple[Picture, Array, bool]:
    """Return a random variation of a crop, its matrix, and whether it is mirrored."""
    mirror = bool(rng.random() < 0.5)
    scale, angle = float(np.exp(rng.normal(0, 0.14))), float(rng.normal(0, 9))
    shift = rng.normal(0, 0.08, 2) * INPUT_PX / INPUT_SQUARES
    seen, matrix = _warped(crop, scale, angle, shift, mirror=mirror)
    return _worn(_lit(seen, rng), rng), matrix, mirror


def mirrored(points: Array) -> Array:
    """Return five points in the order of a mirrored face."""
    return points[list(_MIRRORED)]


def _warped(
    crop: Picture, scale: float, angle_deg: float, shift: NDArray[np.float64], *, mirror: bool
) -> tuple[Picture, Array]:
    k = INPUT_PX / INPUT_SQUARES / (_STORED_PX / _STORED_SQUARES) * scale
    a = np.deg2rad(angle_deg)
    turn = k * np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    if mirror:
        turn = np.array([[-1.0, 0], [0, 1]]) @ turn
    middle = np.full(2, (_STORED_PX - 1) / 2)
    offset = np.full(2, (INPUT_PX - 1) / 2) - turn @ middle + shift
    matrix = np.hstack([turn, offset[:, None]]).astype(np.float32)
    seen = cv2.warpAffine(crop, matrix, (INPUT_PX, INPUT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8), matrix


def _lit(seen: Picture, rng: np.random.Generator) -> Picture:
    """Return other light and colours; some crops become grey, like many data sets, and some tinted."""
    how = rng.random()
    if how < 0.2:
        seen = np.repeat(cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    tint = np.ones(3)
    if how < 0.35:
        tint = np.array([rng.uniform(0.5, 1.0), rng.uniform(0.68, 1.0), 1.0])
    elif how < 0.6:
        tint = rng.uniform(0.8, 1.2, 3)
    dark = rng.random() < 0.08
    gain = rng.uniform(0.25, 0.6) if dark else rng.uniform(0.6, 1.3)
    middle = float((np.array(cv2.mean(seen)[:3]) * tint).mean())
    steps = (np.arange(256)[:, None] * tint - middle) * rng.uniform(0.6, 1.3) + middle
    steps = 255 * (np.clip(steps * gain, 0, 255) / 255) ** rng.uniform(0.7, 1.4)
    lit = np.asarray(cv2.LUT(seen, steps.astype(np.uint8)[None]), np.uint8)
    return _grainy(lit, rng.uniform(2, 6), rng) if dark else lit


def _grainy(seen: Picture, deviation: float, rng: np.random.Generator) -> Picture:
    first = int(rng.integers(_NOISE.size - seen.size))
    noise = _NOISE[first : first + seen.size].reshape(seen.shape) * np.float32(deviation)
    return np.clip(seen + noise, 0, 255).astype(np.uint8)


def _worn(seen: Picture, rng: np.random.Generator) -> Picture:
    """Return a smaller, blurred, grainy, compressed copy."""
    if rng.random() < 0.35:
        px = int(rng.uniform(0.4, 0.9) * INPUT_PX)
        small = cv2.resize(seen, (px, px), interpolation=cv2.INTER_AREA)
        seen = np.asarray(cv2.resize(small, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_LINEAR), np.uint8)
    how = rng.random()
    if how < 0.25:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.4, 1.4)), np.uint8)
    elif how < 0.35:
        length = int(rng.integers(2, 6))
        kernel = np.full((1, length), 1 / length, np.float32)
        seen = np.asarray(cv2.filter2D(seen, -1, kernel if rng.random() < 0.7 else kernel.T), np.uint8)
    if rng.random() < 0.4:
        seen = _grainy(seen, rng.uniform(1, 8), rng)
    if rng.random() < 0.35:
        _, data = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 95))])
        seen = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    if rng.random() < 0.06:
        seen = _patched(seen, rng)
    return seen


def _patched(seen: Picture, rng: np.random.Generator) -> Picture:
    """Cover a side or a corner of the crop, as a shoulder, a hand or a door would."""
    found = seen.copy()
    size = rng.integers(INPUT_PX // 6, INPUT_PX // 2, 2)
    x, y = (int(rng.integers(0, INPUT_PX - s)) for s in size)
    if rng.random() < 0.6:
        x = 0 if rng.random() < 0.5 else INPUT_PX - int(size[0])
    found[y : y + size[1], x : x + size[0]] = rng.integers(0, 256, 3)
    return found
