"""Photographs for enrolment: portraits, in which the face may fill the picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Face, Picture, Vector
from edge_daemon.vision import face_odds, nms, tiles
from edge_daemon.vision.blazeface import BlazeFace, Detections, join
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import LOOK_SHARE, FaceReader, blazeface_square, distinct, hits
from edge_daemon.vision.mobilefacenet import Embedder
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.painted_covers import COVERS

Array = NDArray[np.float32]

WIDTHS_PX = (26.0, 32.0, 40.0, 56.0, 80.0)
"""Face widths to which a photograph is reduced: widths in the last rows, which benefit most from such templates."""

COVERED_WIDTHS_PX = (28.0, 44.0, 80.0)
"""Face widths to which a photograph with a painted cover is reduced: few, because each cover is painted in two ways."""

_THRESHOLD = 0.5
_MARGINS = (0.0, 0.25, 0.6)
"""Widths of the black borders with which each photograph is searched, as shares of its longer side.

BlazeFace detects the face in a tight crop only with a border.
"""
_SMALLER = 0.9
"""A photograph is reduced only if the face becomes narrower than this share of its width in the photograph."""
_BLUR_PX = 0.55
"""Blur (standard deviation) of a far face in a classroom picture."""
_NOISE = 3.0
"""Standard deviation of a classroom picture's noise, in levels of 255."""


class PortraitReader:
    """Reads enrolment photographs. Not safe for concurrent use.

    Args:
        models: verified model files.
        embedder: makes the vectors; if None, the embedder of `models` makes them.
    """

    def __init__(self, models: ModelSet, *, embedder: Embedder | None = None) -> None:
        self._portrait = BlazeFace(models.card("detector_portrait"))
        self._reader = FaceReader(models, embedder=embedder)

    def faces(self, picture: Picture) -> list[Face]:
        """Return all faces in a photograph (BGR, uint8), largest first, including small ones in the background."""
        found = join([*self._close_ups(picture), *self._farther(picture)])
        groups = nms.groups(found.boxes, found.scores)
        best = found.take(np.array([g[0] for g in groups], np.intp))
        read = [
            self._reader.read(picture, self._sure(picture, hit), face_odds.PORTRAIT_PROBABILITY) for hit in hits(best)
        ]
        faces = distinct([face for face in read if face is not None])
        return sorted(faces, key=lambda face: -face.box.w)

    def _close_ups(self, picture: Picture) -> list[Detections]:
        height, width = picture.shape[:2]
        found = []
        for margin in _MARGINS:
            side = max(height, width) * (1 + 2 * margin)
            tile = tiles.Tile((width - side) / 2, (height - side) / 2, side)
            found.append(_detect(self._portrait, picture, tile))
        return found

    def _farther(self, picture: Picture) -> list[Detections]:
        height, width = picture.shape[:2]
        long = max(height, width)
        sides = [long / k for k in (1.0, 2.0, 4.0) if k == 1.0 or long / k >= 192]
        plan = [tile for side in sides for tile in tiles.grid(width, height, side, side / 3)]
        return [self._reader.look(picture, tile, _THRESHOLD) for tile in plan]

    def _sure(self, picture: Picture, hit: Hit) -> Hit:
        """Return the detection of the second look if it is the same face, else `hit`.

        The second look may take a cheek for a face.
        """
        again = self._reader.second_look(picture, hit)
        return again if again.agreement > 0.5 else hit

    def templates(self, picture: Picture, face: Face) -> tuple[Vector, Vector]:
        """Return the vectors of one accepted face: as it is, and as it would look from farther away.

        Each vector is the mean with the vector of the mirror image. The same photograph always gives the same vectors.

        Returns:
            Vectors (n, 192) with length 1, and the face widths in pixels (n,) that they represent.
        """
        context, centred = _surroundings(picture, face)
        rows, widths = [self._vector(context, centred)], [face.quality.width_px]
        for width in WIDTHS_PX:
            scale = width / face.quality.width_px
            if scale < _SMALLER:
                rows.append(self._vector(_farther_away(context, scale), _scaled(centred, scale)))
                widths.append(width)
        return np.stack(rows), np.array(widths, np.float32)

    def covered_templates(self, picture: Picture, face: Face) -> list[tuple[Vector, Vector]]:
        """Return the templates with a mask and with sunglasses painted in, in the order of `COVERS`.

        Each vector is the mean over the two ways of painting. The face is shrunk to widths of
        28, 44 and 80 px; for a width above its own it keeps its size.
        """
        context, centred = _surroundings(picture, face)
        found = []
        for painters in COVERS.values():
            covered = [paint(context, centred.points) for paint in painters]
            rows = []
            for width in COVERED_WIDTHS_PX:
                scale = min(width / face.quality.width_px, 1.0)
                small = [_farther_away(one, scale) for one in covered]
                vectors = [self._covered_vector(one, _scaled(centred, scale)) for one in small]
                mean = np.mean(vectors, axis=0)
                rows.append(mean / max(float(np.linalg.norm(mean)), 1e-9))
            found.append((np.stack(rows).astype(np.float32), np.array(COVERED_WIDTHS_PX, np.float32)))
        return found

    def _covered_vector(self, picture: Picture, hit: Hit) -> Vector:
        return self._reader.embed(picture, self._reader.mesh(picture, self._sure(picture, hit)))

    def _vector(self, picture: Picture, hit: Hit) -> Vector:
        return self._reader.embed(picture, self._reader.mesh(picture, self._sure(picture, hit)), mirrored_too=True)


def _surroundings(picture: Picture, face: Face) -> tuple[Picture, Hit]:
    """Return the part of a photograph that the networks see around a face, and the face's detection in it."""
    box = blazeface_square(face.box)
    side = round(float(box[2] - box[0]) / LOOK_SHARE)
    corner = np.round((box[:2] + box[2:]) / 2 - side / 2).astype(np.float32)
    part = tiles.cut(picture, tiles.Tile(float(corner[0]), float(corner[1]), side), side)
    return part, Hit(box - np.tile(corner, 2), face.keypoints - corner, face.score, votes=1.0)


def _scaled(hit: Hit, scale: float) -> Hit:
    return replace(hit, box=hit.box * np.float32(scale), points=hit.points * np.float32(scale))


def _farther_away(picture: Picture, scale: float) -> Picture:
    """Shrink and blur a picture and add noise, as a classroom camera does with far faces."""
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), _BLUR_PX).astype(np.float32)
    grain = np.random.default_rng(0).normal(0, _NOISE, blurred.shape)
    worn: Picture = np.clip(blurred + grain, 0, 255).astype(np.uint8)
    return worn


def _detect(network: BlazeFace, picture: Picture, tile: tiles.Tile) -> Detections:
    part = tiles.cut(picture, tile, network.side_px)
    return network(part, _THRESHOLD).placed(round(tile.side) / network.side_px, round(tile.left), round(tile.top))
