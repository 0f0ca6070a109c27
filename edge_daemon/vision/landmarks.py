"""MediaPipe's face mesh: 468 points in three dimensions, and the probability that there is a face.

Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs" (2019). Input 192 px.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture, Pose
from edge_daemon.vision import mesh_shape
from edge_daemon.vision.align import similarity, to_rgb, warp
from edge_daemon.vision.interpreter import pick
from edge_daemon.vision.models import ModelCard

Array = NDArray[np.float32]

ROI_SHARE = 1.5
"""Side of the crop as a multiple of BlazeFace's box (MediaPipe's face_landmark graph)."""

_RIGHT_EYE, _LEFT_EYE, _NOSE, _MOUTH = (33, 133), (362, 263), 1, (61, 291)
_SIDES, _FOREHEAD, _CHIN = (234, 454), 10, 152

_PITCH_AT_REST_DEG = 7.5
"""Slope from forehead to chin in a face that looks straight ahead: median of 1,803 press photographs (LFW)."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """The mesh of one face."""

    points: Array
    """(468, 3) in pixels of the picture; z has the same scale, and a smaller z is nearer to the camera."""
    presence: float
    """Probability that this is a face."""

    def five_points(self) -> Array:
        """Return eyes, nose tip and mouth corners (5, 2)."""
        p = self.points[:, :2]
        eyes = [p[list(eye)].mean(0) for eye in (_RIGHT_EYE, _LEFT_EYE)]
        return np.stack([*eyes, p[_NOSE], p[_MOUTH[0]], p[_MOUTH[1]]]).astype(np.float32)

    def alignment(self) -> Array:
        """Return the (2, 3) matrix that moves this face to the position that the embedder expects."""
        return similarity(self.points[mesh_shape.INDEX, :2], mesh_shape.TARGET)

    def pose(self) -> Pose:
        """Return the head's rotation, from the directions from ear to ear and from forehead to chin in space."""
        across = self.points[_SIDES[1]] - self.points[_SIDES[0]]
        down = self.points[_CHIN] - self.points[_FOREHEAD]
        yaw = np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1])))
        pitch = _PITCH_AT_REST_DEG - np.degrees(np.arctan2(down[2], np.hypot(down[0], down[1])))
        roll = np.degrees(np.arctan2(across[1], across[0]))
        return Pose(float(yaw), float(pitch), float(roll))


class FaceMesh:
    """Runs the mesh network. Not safe for concurrent use.

    Args:
        card: the file's entry in the manifest.
    """

    def __init__(self, card: ModelCard) -> None:
        self._card, self._model = card, card.open()
        self._side_px = card.size_px[0]

    def __call__(self, picture: Picture, box: Array, points: Array) -> Mesh:
        """Return the mesh that fits a detection.

        Args:
            picture: BGR.
            box: (4,) BlazeFace's left, top, right, bottom.
            points: (6, 2) BlazeFace's keypoints; the eyes determine the crop's rotation.
        """
        to_crop = self._crop_matrix(box, points)
        crop = warp(picture, to_crop, self._side_px)
        outputs = self._model(self._card.encode(to_rgb(crop))[None])
        mesh = pick(outputs, 1404).reshape(468, 3).astype(np.float32)
        logit = float(pick(outputs, 1).reshape(-1)[0])
        return Mesh(_back(mesh, to_crop), float(1 / (1 + np.exp(-np.clip(logit, -80, 80)))))

    def _crop_matrix(self, box: Array, points: Array) -> Array:
        centre, side = (box[:2] + box[2:]) / 2, float(np.max(box[2:] - box[:2])) * ROI_SHARE
        eyes = points[1] - points[0]
        turn, scale = np.arctan2(eyes[1], eyes[0]), self._side_px / max(side, 1e-3)
        cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
        rotation = np.array([[cos, sin], [-sin, cos]])
        shift = np.full(2, (self._side_px - 1) / 2) - rotation @ centre
        return np.hstack([rotation, shift[:, None]]).astype(np.float32)


def _back(mesh: Array, to_crop: Array) -> Array:
    rotation, shift = to_crop[:, :2], to_crop[:, 2]
    scale = np.float32(np.hypot(to_crop[0, 0], to_crop[1, 0]))
    flat = (mesh[:, :2] - shift) @ np.linalg.inv(rotation).T
    return np.concatenate([flat, mesh[:, 2:] / scale], axis=1).astype(np.float32)
