"""Crops of single faces that fill their picture, pasted on other backgrounds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks import folder
from edge_daemon.types import Picture
from edge_daemon.vision import tiles
from edge_daemon.vision.blazeface import BlazeFace
from edge_daemon.vision.landmarks import FaceMesh
from edge_daemon.vision.models import ModelSet
from models_tflite.build.verifier import samples
from models_tflite.build.verifier.labelled import BARE_YAW_DEG, MESH_PRESENCE, PROFILE_YAW_DEG, painted
from models_tflite.build.verifier.samples import Array, Sample

MOST = 2
"""Largest number of photographs of a person that are used."""
_THRESHOLD = 0.3
_MARGIN = 0.3
_SMALLEST, _LARGEST = 26.0, 60.0
"""Least and largest width to which a face is scaled, px."""


def people(data: Path) -> list[tuple[Path, str]]:
    """Return the path and the person's name of the first `MOST` photographs of each person."""
    files = defaultdict(list)
    for row in folder.rows(data / "images.csv", ("file", "identity")):
        files[row["identity"]].append(row["file"])
    return [(data / "images" / f, who) for who, own in sorted(files.items()) for f in sorted(own)[:MOST]]


def mask_crops(data: Path) -> list[tuple[Path, int]]:
    """Return the path of each crop, and its class: `LOWER_HIDDEN` for a mask, otherwise `UNKNOWN`."""
    rows = folder.rows(data / "labels.csv", ("file", "label"))
    return [
        (data / "images" / r["file"], samples.LOWER_HIDDEN if r["label"] == "with_mask" else samples.UNKNOWN)
        for r in rows
    ]


class Portraits:
    """Makes the crops.

    Args:
        models: verified model files.
        backgrounds: crops without a face, (SIDE_PX, SIDE_PX, 3).
    """

    def __init__(self, models: ModelSet, backgrounds: Sequence[Picture]) -> None:
        self._look, self._mesh = BlazeFace(models.card("detector_look")), FaceMesh(models.card("mesh"))
        self._backgrounds = backgrounds

    def samples(self, path: Path, visible: int) -> list[Sample]:
        """Return crops of the face, of the face with a painted cover, and of a background treated in the same way."""
        picture = folder.picture(path)
        rng = np.random.default_rng(int.from_bytes(path.name.encode(), "little") % 2**32)
        height, width = picture.shape[:2]
        side = max(height, width) * (1 + 2 * _MARGIN)
        tile = tiles.Tile((width - side) / 2, (height - side) / 2, side)
        part = tiles.cut(picture, tile, self._look.side_px)
        scale = round(side) / self._look.side_px
        found = self._look(part, _THRESHOLD).placed(scale, round(tile.left), round(tile.top))
        if not len(found):
            return []
        square, six = found.boxes[0], found.points[0]
        mesh = self._mesh(picture, square, six)
        sure = mesh.presence > MESH_PRESENCE
        if visible == samples.UNKNOWN and sure:
            yaw = abs(mesh.pose().yaw_deg)
            visible = samples.PROFILE if yaw >= PROFILE_YAW_DEG else samples.BARE if yaw < BARE_YAW_DEG else visible
        crop, matrix = samples.cut(picture, square)
        edge = samples.moved(np.array([[0, 0], [width, height]], np.float32), matrix)
        pasted = self._pasted(crop, edge, rng)
        points = samples.moved(mesh.five_points(), matrix) if sure else samples.NO_POINTS
        px = float(rng.uniform(_SMALLEST, _LARGEST))
        face = Sample(
            pasted, True, visible, samples.moved_square(square, matrix), points, 1.0, path.name, px, pasted=True
        )
        other = Sample(self._pasted(self._any(rng), edge, rng), False, file=path.name, width_px=px, pasted=True)
        covered = [painted(face, samples.moved(six, matrix), rng)] if visible == samples.BARE else []
        return [face, *covered, other]

    def _any(self, rng: np.random.Generator) -> Picture:
        return self._backgrounds[rng.integers(len(self._backgrounds))]

    def _pasted(self, crop: Picture, edge: Array, rng: np.random.Generator) -> Picture:
        """Paste the part within the picture's edge on another background, in most cases with a soft oval edge."""
        mask = np.zeros(crop.shape[:2], np.float32)
        middle, half = edge.mean(axis=0), (edge[1] - edge[0]) / 2
        if rng.random() < 0.7:
            size = (float(2 * half[0] * 0.95), float(2 * half[1] * 1.02))
            cv2.ellipse(mask, ((float(middle[0]), float(middle[1])), size, 0), 1, -1)
            inside = np.zeros_like(mask)
            (left, top), (right, bottom) = np.round(np.clip(edge, 0, len(mask))).astype(int)
            inside[top:bottom, left:right] = 1
            mask *= inside
        else:
            (left, top), (right, bottom) = np.round(np.clip(edge, 0, len(mask))).astype(int)
            mask[top:bottom, left:right] = 1
        soft = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.5, 2.5)))[..., None]
        return (crop * soft + self._any(rng) * (1 - soft)).astype(np.uint8)
