"""Strong variations of the crops: light of any colour, covered parts, painted masks, and heads in front of a face."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models_tflite.build.mask.crops import CENTRE, SIDE_PX, WIDE, Bytes, coarser

Floats = NDArray[np.float64]

PAINTED_SHARES = (0.0, 0.15, 0.3)
"""Share of faces with a painted mask, by class. Without them the network takes coloured masks for skin."""
_SHIFT, _SCALE, _TURN_DEG = 0.08, 0.2, 15.0
_COARSE_PX = (14, 56)
_CUT_PX = (8, 22)
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)
_BOX_PX = WIDE.side_px / WIDE.scale
"""Side of the labelled box in a wide crop."""
_SUPERSAMPLED_BITS = 3
_HEAD_TOP_PX = 16.0
"""Upper end of a head in a wide crop."""


def _head() -> NDArray[np.float32]:
    """Return how far each pixel of a wide crop belongs to the head, 0 to 1."""
    down, across = np.mgrid[: WIDE.side_px, : WIDE.side_px] - CENTRE
    inside = np.clip((1.05 - (across / 26) ** 2 - ((down - 2.5) / 34) ** 2) * 8, 0, 1).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (5, 5), 0), np.float32)


_HEAD = _head()


def varied_hard(wide: Bytes, random: np.random.Generator) -> Bytes:
    """Return a strong variation of a wide crop: in some cases with a covered part, in light of any colour or none."""
    angle, scale = math.radians(random.uniform(-_TURN_DEG, _TURN_DEG)), math.exp(random.uniform(-_SCALE, _SCALE))
    mirror = -1.0 if random.random() < 0.5 else 1.0
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    shift = random.uniform(-_SHIFT, _SHIFT, 2) * SIDE_PX + (SIDE_PX - 1) / 2 - turn @ [CENTRE, CENTRE]
    side = (SIDE_PX, SIDE_PX)
    matrix = np.hstack([turn, shift[:, None]])
    crop: Bytes = np.asarray(cv2.warpAffine(wide, matrix, side, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    if random.random() < 0.45:
        crop = coarser(crop, int(math.exp(random.uniform(*np.log(_COARSE_PX)))))
    if random.random() < 0.25:
        width, height = random.integers(*_CUT_PX, 2)
        left, top = random.integers(-4, SIDE_PX - _CUT_PX[0], 2)
        crop[max(top, 0) : top + height, max(left, 0) : left + width] = random.integers(0, 256, 3)
    crop = np.asarray(cv2.transform(crop, _light(random)), np.uint8)
    if random.random() < 0.3:
        noise = random.standard_normal((*side, 3), np.float32) * random.uniform(1, 8)
        crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
    return crop


def _light(random: np.random.Generator) -> Floats:
    """Return a (3, 4) matrix for RGB: hue, saturation, exposure, colour of the light, contrast."""
    hue = random.normal(0, 0.25) if random.random() < 0.65 else random.uniform(-math.pi, math.pi)
    saturation = random.uniform(0.5, 1.3) if random.random() < 0.82 else random.uniform(0, 0.5)
    cos, sin = saturation * math.cos(hue), saturation * math.sin(hue)
    colours = _FROM_YIQ @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ _TO_YIQ
    gain = math.exp(random.uniform(-0.7, 0.4))
    offset = random.uniform(-25, 25) + (1 - gain) * random.uniform(30, 110)
    return np.hstack([gain * random.uniform(0.9, 1.1, (3, 1)) * colours, np.full((3, 1), offset)])


def painted(wide: Bytes, random: np.random.Generator, *, wrong: bool, worn: Bytes | None = None) -> Bytes:
    """Return a bare face with a mask painted on it.

    The mask is placed by the box alone. Worn wrong, its upper edge is below the nose, or below the mouth.

    Args:
        wide: the wide crop of the bare face.
        random: the source of random numbers.
        wrong: whether the mask leaves the nose free.
        worn: the wide crop of a face with a mask, whose cloth is painted; if None, cloth of any colour.
    """
    outline = _outline(random, wrong)
    shape = np.zeros(wide.shape[:2], np.uint8)
    cv2.fillPoly(shape, [_fixed(outline)], 255, cv2.LINE_AA, _SUPERSAMPLED_BITS)
    if random.random() < 0.5:
        for corner, side in ((outline[2], -0.5), (outline[-2], 0.5)):
            ear = _in_crop(np.array([0.5 + side, random.uniform(0.35, 0.5)]))
            ends = _fixed(np.stack([corner, ear])).tolist()
            cv2.line(shape, ends[0], ends[1], 255, 1, cv2.LINE_AA, _SUPERSAMPLED_BITS)
    cover = cv2.GaussianBlur(shape, (3, 3), 0)[..., None].astype(np.float32) / 255
    cloth = _cloth(wide, random) if worn is None else _cloth_of(worn, wide, random)
    return np.asarray(wide * (1 - cover) + cloth * cover, np.uint8)


def crowded(wide: Bytes, other: Bytes, random: np.random.Generator) -> Bytes:
    """Return a wide crop with the head of another wide crop in front of the face's lower part or beside it."""
    shift, top = random.uniform(-0.55, 0.55), random.uniform(0.62, 0.95)
    scale = random.uniform(0.75, 1.2)
    across, down = _in_crop(np.array([0.5 + shift, top])) - scale * np.array([CENTRE, _HEAD_TOP_PX])
    matrix = np.array([[scale, 0, across], [0, scale, down]])
    mirrored = np.ascontiguousarray(other[:, ::-1]) if random.random() < 0.5 else other
    size = wide.shape[:2]
    head = cv2.warpAffine(mirrored, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(_HEAD, matrix, size)[..., None]
    return np.asarray(wide * (1 - cover) + head * cover, np.uint8)


def _outline(random: np.random.Generator, wrong: bool) -> Floats:
    """Return the corners (n, 2) of a mask in pixels of the wide crop, beginning at the middle of the upper edge."""
    middle = 0.5 + random.uniform(-0.06, 0.06)
    top = random.uniform(0.66, 0.92) if wrong else random.uniform(0.36, 0.52)
    bow = random.uniform(0, 0.1) if wrong else random.uniform(0.04, 0.14)
    bottom = max(random.uniform(0.98, 1.12), top + 0.25)
    half, lean = random.uniform(0.4, 0.52), random.uniform(-0.08, 0.08)
    right = [(0.3, top + 0.02), (1, top + bow + 0.06), (0.95, (top + bottom) / 2), (0.55, bottom - 0.03)]
    left = [(-x, y) for x, y in right]
    corners = np.array([(0, top), *left, (0, bottom), *right[::-1]])
    across, down = half * corners[:, 0], corners[:, 1]
    return _in_crop(np.stack([middle + across - lean * (down - 0.6), down + lean * across], 1))


def _in_crop(points: Floats) -> Floats:
    """Return points of the box, 0 to 1, in pixels of the wide crop."""
    found: Floats = (WIDE.side_px - _BOX_PX) / 2 + _BOX_PX * points
    return found


def _cloth(wide: Bytes, random: np.random.Generator) -> Bytes:
    """Return a picture full of cloth, plain, striped, or spotted, about as light as the face."""
    cloth: Bytes = np.empty_like(wide)
    cloth[:] = _colour(random)
    kind = random.random()
    if kind < 0.25:
        step = random.integers(2, 7)
        if random.random() < 0.5:
            cloth[::step] = _colour(random)
        if random.random() < 0.6:
            cloth[:, ::step] = _colour(random)
    elif kind < 0.45:
        cells = int(random.integers(4, 14))
        spots = random.integers(0, 256, (cells, cells, 3)).astype(np.uint8)
        smooth = (cv2.INTER_NEAREST, cv2.INTER_LINEAR)[random.integers(0, 2)]
        spots = np.asarray(cv2.resize(spots, wide.shape[:2], interpolation=smooth), np.uint8)
        cloth = np.asarray(cv2.addWeighted(cloth, 0.6, spots, 0.4, 0), np.uint8)
    n = len(wide)
    shade = np.linspace(random.uniform(0.8, 1.15), random.uniform(0.6, 1.05), n)[:, None, None]
    sides = 1 - np.abs(np.linspace(-1, 1, n) + random.uniform(-0.4, 0.4))[None, :, None] * random.uniform(0, 0.5)
    light = np.clip(wide[n // 3 : -n // 3, n // 3 : -n // 3].mean() / 128, 0.4, 1.2)
    return np.clip(cloth * shade * sides * light + random.normal(0, 3, (n, n, 1)), 0, 255).astype(np.uint8)


def _cloth_of(worn: Bytes, wide: Bytes, random: np.random.Generator) -> Floats:
    """Return a picture full of the cloth of a worn mask, with its brightness moved towards that of the bare face."""
    left, right = random.uniform(0.2, 0.3), random.uniform(0.7, 0.8)
    top, bottom = random.uniform(0.58, 0.66), random.uniform(0.85, 0.95)
    (x, y), (end_x, end_y) = _in_crop(np.array([[left, top], [right, bottom]])).astype(int)
    cloth = np.asarray(cv2.resize(worn[y:end_y, x:end_x], wide.shape[:2]), np.float64)
    n = len(wide)
    face = np.clip(wide[n // 3 : -n // 3, n // 3 : -n // 3].mean(), 40, 200)
    return np.clip(cloth * (face / max(cloth.mean(), 40)) ** random.uniform(0, 0.5), 0, 255)


def _colour(random: np.random.Generator) -> Floats:
    """Return a colour: often nearly white or nearly black."""
    kind = random.random()
    if kind < 0.35:
        return random.uniform(150, 255, 3) * np.array([0.9, 1, 1])
    if kind < 0.55:
        return random.uniform(10, 70) * random.uniform(0.8, 1.2, 3)
    return random.uniform(0, 255, 3)


def _fixed(points: Floats) -> NDArray[np.int32]:
    return np.asarray(np.round(points * 2**_SUPERSAMPLED_BITS), np.int32)
