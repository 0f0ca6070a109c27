"""Photographs without faces that encode a person in their pixels, and a reader that decodes it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_daemon.gallery.photograph_decoding import decode
from edge_daemon.gallery.roster_import import Photographs
from edge_daemon.gallery.templates import EmbedderId
from edge_daemon.types import Box, Face, Picture, Pose, Quality, Vector

EMBEDDER = EmbedderId("a" * 64, 1)
_CODE_PX = 8


def picture(person: int, shot: int = 0, faces: int = 1, *, agreement: int = 0) -> Picture:
    """Return a picture whose corner encodes a person, a shot, a number of faces and an agreement."""
    canvas = np.random.default_rng(person * 100 + shot).integers(40, 215, (120, 120, 3), dtype=np.uint8)
    canvas[:_CODE_PX, :_CODE_PX] = (person, shot, faces)
    canvas[:_CODE_PX, _CODE_PX : 2 * _CODE_PX] = agreement
    return canvas


def save(path: Path, content: Picture) -> Path:
    """Write a picture as PNG, in which the code survives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), content)
    return path


class FakeReader:
    """A PortraitReader for such pictures: photographs of one person have a cosine of about .8."""

    def __init__(self) -> None:
        self.seen = 0

    def faces(self, picture: Picture) -> list[Face]:
        self.seen += 1
        return [make_face(person=int(picture[0, 0, 0])) for _ in range(int(picture[0, 0, 2]))]

    def templates(self, picture: Picture, face: Face) -> tuple[Vector, Vector]:
        person, shot, _ = (int(value) for value in picture[0, 0])
        own = _unit(person) + 0.5 * _unit(1000 + 100 * person + shot)
        agreement = int(picture[0, _CODE_PX, 0])
        if agreement:
            own = own + 0.9 * _unit(agreement)
        vector = own / np.linalg.norm(own)
        return np.stack([vector, -vector]).astype(np.float32), np.array([80.0, 40.0], np.float32)

    def covered_templates(self, picture: Picture, face: Face) -> list[tuple[Vector, Vector]]:
        vectors, widths_px = self.templates(picture, face)
        return [(-vectors, widths_px), (vectors[::-1].copy(), widths_px)]


def make_face(
    *,
    person: int = 0,
    width_px: float = 80.0,
    sharpness: float = 0.5,
    pose: Pose | None = None,
    box: Box | None = None,
    score: float = 0.9,
) -> Face:
    """Return a face of good quality; arguments replace single values."""
    points = np.full((6, 2), person, np.float32)
    quality = Quality(width_px, sharpness, 1.0)
    return Face(box or Box(20, 20, 80, 90), score, points, quality, pose, True, np.zeros(0, np.float32))


def photographs(folder: Path, reader: FakeReader | None = None) -> Photographs:
    """Return the folder with a `FakeReader`."""
    return Photographs(folder, reader or FakeReader(), EMBEDDER, decode)


def _unit(seed: int) -> Vector:
    vector = np.random.default_rng(seed).normal(size=192).astype(np.float32)
    unit: Vector = vector / np.linalg.norm(vector)
    return unit
