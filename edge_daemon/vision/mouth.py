"""Follows one face close to a camera, frame by frame: the box around its lips, and on request the face's vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture, Vector
from edge_daemon.vision.blazeface import BlazeFace
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import FaceReader, hits
from edge_daemon.vision.landmarks import Mesh
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.tiles import Tile, cut

Array = NDArray[np.float32]
Grey = NDArray[np.uint8]

_LIPS: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
"""Outer outline of the lips in MediaPipe's mesh."""
_SIZE_PX: Final = (64, 48)
_PRESENCE: Final = 0.5
"""Least probability of a face from the mesh (`Mesh.presence`). Below it, the reader detects the face again."""
_DETECTED: Final = 0.5
_MARGINS: Final = (0.0, 0.25)


@dataclass(frozen=True, slots=True, eq=False)
class MouthFrame:
    """The measurements of the face in one frame."""

    mouth: Grey
    """(48, 64): the box around the lips, upright and scaled to this size."""
    mesh: Mesh
    luma: float
    """Mean brightness of the mouth's pixels, 0 to 255."""
    width_px: float
    """Width of the mouth in the frame."""


class MouthReader:
    """Follows the face in a clip. Not safe for concurrent use; it reads one clip at a time, each after `begin`.

    Args:
        models: verified model files.
    """

    def __init__(self, models: ModelSet) -> None:
        self._detector = BlazeFace(models.card("detector_portrait"))
        self._reader = FaceReader(models)
        self._last: Hit | None = None

    def begin(self) -> None:
        """Forget the face of the previous clip."""
        self._last = None

    def read(self, picture: Picture) -> MouthFrame | None:
        """Return the mouth of the largest face; None if no face is visible."""
        for hit in (self._last, None):
            found = hit if hit is not None else self._detected(picture)
            if found is None:
                return None
            mesh = self._reader.mesh(picture, found)
            if mesh.presence >= _PRESENCE:
                self._last = _hit_of(mesh)
                return _mouth_frame(picture, mesh)
        self._last = None
        return None

    def embed(self, picture: Picture, frame: MouthFrame) -> Vector:
        """Return the vector (192,) of the frame's face, with length 1."""
        return self._reader.embed(picture, frame.mesh, mirrored_too=True)

    def _detected(self, picture: Picture) -> Hit | None:
        height, width = picture.shape[:2]
        for margin in _MARGINS:
            side = max(height, width) * (1 + 2 * margin)
            tile = Tile((width - side) / 2, (height - side) / 2, side)
            part = cut(picture, tile, self._detector.side_px)
            found = self._detector(part, _DETECTED).placed(
                round(tile.side) / self._detector.side_px, round(tile.left), round(tile.top)
            )
            if len(found):
                largest = max(hits(found), key=lambda one: float(one.box[2] - one.box[0]))
                return self._reader.second_look(picture, largest)
        return None


def _hit_of(mesh: Mesh) -> Hit:
    """Convert a face's mesh to the detection that the next frame starts with."""
    points = mesh.points[:, :2]
    low, high = points.min(0), points.max(0)
    centre, half = (low + high) / 2, float((high - low).max()) / 2
    eyes = mesh.five_points()[:2]
    keypoints = np.zeros((6, 2), np.float32)
    keypoints[:2] = eyes
    box = np.array([*(centre - half), *(centre + half)], np.float32)
    return Hit(box, keypoints, mesh.presence, votes=1.0, look_score=mesh.presence, agreement=1.0)


def _mouth_frame(picture: Picture, mesh: Mesh) -> MouthFrame:
    eyes = mesh.five_points()[:2]
    across = eyes[1] - eyes[0]
    angle = float(np.arctan2(across[1], across[0]))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    upright = mesh.points[list(_LIPS), :2] @ turn.T
    low, high = upright.min(0), upright.max(0)
    size = np.maximum(high - low, 1.0)
    scale = np.diag(np.array(_SIZE_PX, np.float32) / size) @ turn
    shift = -(np.array(_SIZE_PX, np.float32) / size) * low
    matrix = np.hstack([scale, shift[:, None]]).astype(np.float32)
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    mouth = np.asarray(cv2.warpAffine(grey, matrix, _SIZE_PX, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    return MouthFrame(mouth, mesh, float(mouth.mean()), float(size[0]))
