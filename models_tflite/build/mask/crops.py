"""Crops of the labelled faces, read once, with random variations for training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import folder
from benchmarks.mask_faces import LABELLED_SHAPE, LabelledFace
from edge_daemon.vision.analysers.aligned_face import CropShape, aligned_face

Bytes = NDArray[np.uint8]

SIDE_PX = LABELLED_SHAPE.side_px
ROOM = 1.5
"""Side of a stored crop relative to the network's crop, with room to shift, turn and scale."""
WIDE = CropShape(round(SIDE_PX * ROOM), LABELLED_SHAPE.scale * ROOM)
LEAST_PX = 10.0
"""Narrower faces are not used for training, because nobody could label them from the crop."""

SHIFT = 0.07
"""Largest random shift of a crop in either direction, as a share of its side."""
SCALE = 0.15
"""Largest absolute logarithm of a crop's random scale."""
TURN_DEG = 12.0
"""Largest random turn of a crop in either direction."""
_COARSE_PX = (12, 48)
CENTRE = (WIDE.side_px - 1) / 2
"""Middle of a wide crop, in its pixels."""


def read_crops(images: Path, faces: Sequence[LabelledFace]) -> Bytes:
    """Return the wide crops (n, side, side, 3) in RGB of faces that are ordered by picture; raises DataError."""
    found = np.empty((len(faces), WIDE.side_px, WIDE.side_px, 3), np.uint8)
    name, picture = "", None
    for i, face in enumerate(faces):
        if face.file != name or picture is None:
            name, picture = face.file, folder.picture(images / face.file)
        found[i] = aligned_face(picture, face.box, None, WIDE).crop[..., ::-1]
    return found


def centre(wide: Bytes) -> Bytes:
    """Return the network's crop of each wide crop, without variation."""
    rim = (WIDE.side_px - SIDE_PX) // 2
    return np.ascontiguousarray(wide[:, rim : rim + SIDE_PX, rim : rim + SIDE_PX])


def varied(wide: Bytes, random: np.random.Generator) -> Bytes:
    """Return a variation of a wide crop (side, side, 3): turned, shifted, scaled, coarser, in another light."""
    angle = np.radians(random.uniform(-TURN_DEG, TURN_DEG))
    scale = np.exp(random.uniform(-SCALE, SCALE))
    mirror = -1.0 if random.random() < 0.5 else 1.0
    turn = scale * np.array([[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]])
    shift = random.uniform(-SHIFT, SHIFT, 2) * SIDE_PX + (SIDE_PX - 1) / 2 - turn @ [CENTRE, CENTRE]
    matrix = np.hstack([turn, shift[:, None]])
    side = (SIDE_PX, SIDE_PX)
    crop = cv2.warpAffine(wide, matrix, side, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if random.random() < 0.5:
        crop = coarser(np.asarray(crop, np.uint8), int(np.exp(random.uniform(*np.log(_COARSE_PX)))))
    return in_other_light(np.asarray(crop, np.uint8), random)


def coarser(crop: Bytes, side_px: int) -> Bytes:
    """Return a crop of the same size with the detail of a crop of `side_px` pixels."""
    small = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR), np.uint8)


def in_other_light(crop: Bytes, random: np.random.Generator) -> Bytes:
    """Return a crop with another exposure, contrast, colour of light, and noise."""
    gain = random.uniform(0.7, 1.3) * random.uniform(0.88, 1.12, 3)
    offset = random.uniform(-25, 25)
    light = (crop.astype(np.float32) - 128) * gain + 128 + offset
    if random.random() < 0.15:
        light = np.repeat(light.mean(-1, keepdims=True), 3, axis=-1)
    if random.random() < 0.3:
        light += random.normal(0, random.uniform(1, 8), light.shape)
    return np.clip(light, 0, 255).astype(np.uint8)
