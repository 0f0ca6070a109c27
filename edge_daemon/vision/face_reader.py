"""Makes a detection into a `Face`: verifier, second look, mesh, alignment, embedding, quality."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_daemon.traits import FacePoints
from edge_daemon.types import Box, Face, Picture, Quality, Vector
from edge_daemon.vision import align, face_odds, nms, quality, standard_points, tiles
from edge_daemon.vision.analysers.trait_reader import TraitReader
from edge_daemon.vision.blazeface import BlazeFace, Detections
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_verifier import FaceCheck, FaceVerifier
from edge_daemon.vision.landmarks import FaceMesh, Mesh
from edge_daemon.vision.mobilefacenet import Embedder, MobileFaceNet
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.one_loaded import OneLoaded

Array = NDArray[np.float32]

LOOK_SHARE = 0.33
"""Width of BlazeFace's box as a share of the crop for a second look. Values from 0.15 to 0.5 work."""
LOOK_THRESHOLD = 0.1
POSE_WIDTH_PX = 48.0
"""Least face width for the pose, which can't be measured in narrower faces."""

POINTS_WIDTH_PX = 24.0
"""Least face width for the points of the mesh. In narrower faces they are only a guess, and do not show movement."""

BOX_SIDE, BOX_DOWN, BOX_ASPECT = 0.88, -0.06, 1.25
"""Convert BlazeFace's square to the face rectangle.

`BOX_SIDE` is the rectangle's width, and `BOX_DOWN` the downward shift of its centre, both in sides of the square.
`BOX_ASPECT` is its height divided by its width. The first two are fitted on 221 faces of 26 to 116 px in three composed
lessons, where the width from ear to ear is known. Their means are 0.879 +- 0.062 and -0.059 +- 0.031.
"""


def hits(found: Detections) -> list[Hit]:
    """Return the detections one by one, before their second look."""
    rows = zip(found.boxes, found.points, found.scores, found.votes, strict=True)
    return [Hit(box, points, float(score), float(votes)) for box, points, score, votes in rows]


def rectangle(box: Array) -> Box:
    """Return the face's rectangle, ear to ear and forehead to chin, for BlazeFace's square."""
    side = float(box[2] - box[0])
    w = side * BOX_SIDE
    cx, cy = float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2 + BOX_DOWN * side
    return Box(cx - w / 2, cy - w * BOX_ASPECT / 2, w, w * BOX_ASPECT)


def blazeface_square(box: Box) -> Array:
    """Return BlazeFace's square (4,) for a face's rectangle: the inverse of `rectangle`."""
    side = box.w / BOX_SIDE
    cx, cy = box.x + box.w / 2, box.y + box.h / 2 - BOX_DOWN * side
    return np.array([cx - side / 2, cy - side / 2, cx + side / 2, cy + side / 2], np.float32)


def distinct(faces: list[Face]) -> list[Face]:
    """Return the faces, ordered from top to bottom, without those that duplicate a face with a better score."""
    boxes = np.array([[f.box.x, f.box.y, f.box.x + f.box.w, f.box.y + f.box.h] for f in faces], np.float32)
    scores = np.array([f.score for f in faces], np.float32)
    groups = nms.groups(boxes.reshape(-1, 4), scores, nms.FACES_IOU, nms.FACES_COVER)
    kept = [faces[group[0]] for group in groups]
    return sorted(kept, key=lambda face: (face.box.y, face.box.x))


@dataclass(frozen=True, slots=True)
class MeasuredHit:
    """A detection with its mesh."""

    hit: Hit
    mesh: Mesh
    probability: float
    """Probability that the detection is a face, without regard to other detections."""


class FaceReader:
    """The networks that run once for each face. Not safe for concurrent use.

    Args:
        models: verified model files.
        embed: whether faces get a vector.
        embedder: makes the vectors; if None, the embedder of `models` makes them.
        traits: further measurements on each face, by the names of the fields of `Traits`.
        one_loaded: loads the large networks for traits, and keeps one network in memory at a time.
    """

    def __init__(
        self,
        models: ModelSet,
        *,
        embed: bool = True,
        embedder: Embedder | None = None,
        traits: Sequence[str] = (),
        one_loaded: OneLoaded[Any] | None = None,
    ) -> None:
        self._look = BlazeFace(models.card("detector_look"))
        self._verify = FaceVerifier(models.card("verifier"))
        self._mesh = FaceMesh(models.card("mesh"))
        self._embedder = (embedder or MobileFaceNet(models.embedder())) if embed else None
        self._traits = TraitReader(models, traits, one_loaded)

    def look(self, picture: Picture, tile: tiles.Tile, threshold: float) -> Detections:
        """Detect faces in one tile, in pixels of the picture."""
        return detect(self._look, picture, tile, threshold)

    def second_look(self, picture: Picture, hit: Hit) -> Hit:
        """Run the detector again, on a crop in which it detects a face of this size best.

        If it then detects nothing at the same place, return the first detection.
        """
        side = float(hit.box[2] - hit.box[0]) / LOOK_SHARE
        centre = (hit.box[:2] + hit.box[2:]) / 2
        corner = centre - side / 2
        found = self.look(picture, tiles.Tile(float(corner[0]), float(corner[1]), side), LOOK_THRESHOLD)
        iou = nms.overlaps(hit.box, found.boxes)[0] * (found.scores + 0.1)
        if not len(found) or iou.max() < 0.02:
            return hit
        best = int(iou.argmax())
        agreement = float(nms.overlaps(hit.box, found.boxes[best : best + 1])[0][0])
        score = float(found.scores[best])
        return replace(hit, box=found.boxes[best], points=found.points[best], look_score=score, agreement=agreement)

    def mesh(self, picture: Picture, hit: Hit) -> Mesh:
        """Return the face mesh that fits a detection best, even if the detection is not a face."""
        return self._mesh(picture, hit.box, hit.points)

    def check(self, picture: Picture, hit: Hit) -> Hit:
        """Run the verifier on a detection, and return the detection with the result."""
        return replace(hit, checks=(*hit.checks, self._verify(picture, hit.box)))

    def refine(self, picture: Picture, hit: Hit) -> Hit:
        """Run the verifier again on the square that it has estimated, and return the detection with the new square."""
        if hit.look_score:
            return hit
        again = self.check(picture, replace(hit, box=hit.checks[-1].square))
        drawn = again.checks[-1]
        return replace(again, box=drawn.square, points=_six_points(hit, drawn))

    def confirm(self, picture: Picture, hit: Hit) -> Hit:
        """Give a verified detection its second look, and verify the detection that this look finds.

        A detection beyond doubt is returned unchanged, as is one that the second look does not find. The new box
        is the square that the verifier estimates, because BlazeFace's square leaves out a mask.
        """
        if hit.look_score or face_odds.is_beyond_doubt(hit):
            return hit
        looked = self.second_look(picture, hit)
        if not looked.look_score:
            return hit
        again = self.check(picture, looked)
        return replace(again, box=again.checks[-1].square)

    def read(self, picture: Picture, hit: Hit, least: float) -> Face | None:
        """Return the face, or None if its probability is below `least`."""
        candidate = self.measure(picture, self.check(picture, hit))
        return self.describe(picture, candidate) if candidate.probability >= least else None

    def measure(self, picture: Picture, hit: Hit) -> MeasuredHit:
        """Return a verified detection with its mesh and its own probability."""
        mesh = self.mesh(picture, hit)
        return MeasuredHit(hit, mesh, face_odds.probability(hit, mesh.presence))

    def describe(self, picture: Picture, candidate: MeasuredHit, without: Collection[str] = ()) -> Face:
        """Return the face for an accepted detection; the traits named in `without` are not measured."""
        hit, mesh = candidate.hit, candidate.mesh
        box = rectangle(hit.box)
        is_large_enough = box.w >= POSE_WIDTH_PX
        measured = Quality(box.w, quality.sharpness(_own_pixels(picture, box)), mesh.presence)
        return Face(
            box=box,
            score=candidate.probability,
            keypoints=hit.points.astype(np.float32),
            quality=measured,
            pose=mesh.pose() if is_large_enough else None,
            embedding=self.embed(picture, mesh),
            landmarks=mesh.points[standard_points.INDEX, :2] if is_large_enough else None,
            traits=replace(
                self._traits(picture, box, hit.points, without),
                visible=hit.checks[-1].visible,
                points=_points_in(box, mesh) if box.w >= POINTS_WIDTH_PX else None,
            ),
        )

    def embed(self, picture: Picture, mesh: Mesh, *, mirrored_too: bool = False) -> Vector:
        """Return the vector of the aligned face; it is empty if this reader has no embedder."""
        if self._embedder is None:
            return np.zeros(0, np.float32)
        return self._embedder(align.warp(picture, mesh.alignment()), mirrored_too=mirrored_too)


def _points_in(box: Box, mesh: Mesh) -> FacePoints:
    """Return the standard points of a mesh, in widths of the face from the middle of its box."""
    middle = np.array([box.x + box.w / 2, box.y + box.h / 2])
    x, y = ((mesh.points[standard_points.INDEX, :2] - middle) / box.w).T.tolist()
    return FacePoints.of(zip(x, y, strict=True))


def detect(network: BlazeFace, picture: Picture, tile: tiles.Tile, threshold: float) -> Detections:
    """Detect the faces of one tile, in pixels of the picture."""
    part = tiles.cut(picture, tile, network.side_px)
    return network(part, threshold).placed(round(tile.side) / network.side_px, round(tile.left), round(tile.top))


def _six_points(hit: Hit, drawn: FaceCheck) -> Array:
    """Return eyes, nose and mouth from the verifier, and the detector's ears, moved and scaled with the square."""
    mouth = drawn.points[3:].mean(axis=0, keepdims=True)
    scale = (drawn.square[2] - drawn.square[0]) / max(float(hit.box[2] - hit.box[0]), 1e-3)
    before, now = (hit.box[:2] + hit.box[2:]) / 2, (drawn.square[:2] + drawn.square[2:]) / 2
    return np.concatenate([drawn.points[:3], mouth, (hit.points[4:] - before) * scale + now]).astype(np.float32)


def _own_pixels(picture: Picture, box: Box) -> Picture:
    top, left = max(int(box.y), 0), max(int(box.x), 0)
    return picture[top : max(int(box.y + box.h), top + 1), left : max(int(box.x + box.w), left + 1)]
