"""Finds the faces in a picture: by a full sweep, or with the places known from earlier captures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Face, Picture
from edge_daemon.vision import change, face_odds, nms, sweep_rota, tiles
from edge_daemon.vision.blazeface import Detections, join
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import MeasuredHit, distinct, hits
from edge_daemon.vision.interpreter_pool import InterpreterPool, PooledInterpreters
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.tile_memory import TileMemory

T = TypeVar("T")

FIRST_THRESHOLD = 0.2
"""Least score of a first detection. It is low, because the verifier removes the false ones."""

_SEAT_THRESHOLD = 0.25
"""Least score of a detection at a known place.

A face's box is the mean of the boxes of its detections. Detections with lower scores would make it inexact.
"""
_SURE = 0.5
"""If a face at a known place has at least this score, overlapping detections from other tiles are dropped."""
_CLEAR = 0.7
"""A detection at a known place with at least this score needs no second look."""
_AGREEMENT = 0.85
"""`Hit.agreement` for a detection that needs no second look: the median of second looks in composed lessons."""
_MAX_TILES = 200
"""If the changed parts of a picture need more small tiles than this, a full sweep is cheaper."""


class Detector:
    """Finds every face in a single picture by a full sweep.

    Args:
        models: verified model files.
        threads: number of tiles and faces in work at the same time; the result does not depend on it.
        embed: whether faces get a vector.
        traits: further measurements on each face, by the names of the fields of `Traits`.
    """

    def __init__(self, models: ModelSet, *, threads: int = 2, embed: bool = True, traits: Sequence[str] = ()) -> None:
        self.interpreters = InterpreterPool(models, threads=threads, embed=embed, traits=traits)
        self._side_px = models.card("detector_sweep").size_px[0]

    def __call__(self, picture: Picture) -> list[Face]:
        """Return the faces in a picture (H, W, 3) in BGR, uint8, from top to bottom."""
        return self.read(picture, hits(self.sweep(picture)))

    def sweep(self, picture: Picture) -> Detections:
        """Search the whole picture; the result may have several detections for one face."""
        return self.search(picture, self.plan(picture), FIRST_THRESHOLD)

    def plan(self, picture: Picture) -> Sequence[tiles.Search]:
        """Return the tiles of a full sweep of a picture, each with the network that searches it."""
        height, width = picture.shape[:2]
        return tiles.full_sweep(width, height, self._side_px)

    def search(self, picture: Picture, plan: Sequence[tiles.Search], threshold: float) -> Detections:
        """Search tiles of a picture; of detections with nearly the same box, only the best is returned."""
        found = join(self.interpreters.run(lambda worker, one: worker.search(picture, one, threshold), plan))
        return found.take(nms.thinned(found.boxes, found.scores))

    def read(self, picture: Picture, found: list[Hit], without: Collection[str] = ()) -> list[Face]:
        """Return the faces among the detections; the traits named in `without` are not measured."""

        def describe(worker: PooledInterpreters, candidate: MeasuredHit) -> Face:
            return worker.reader.describe(picture, candidate, without)

        looked = self.confirmed(picture, found)
        best_case = [face_odds.probability(hit, presence=1.0) for hit in looked]
        measured = self.measured(picture, _accepted(looked, [hit.box for hit in looked], best_case))
        own = [candidate.probability for candidate in measured]
        faces = _accepted(measured, [candidate.hit.box for candidate in measured], own)
        return distinct(self.interpreters.run(describe, faces))

    def measured(self, picture: Picture, looked: list[Hit]) -> list[MeasuredHit]:
        """Return the detections, each with the mesh that fits it."""

        def measure(worker: PooledInterpreters, hit: Hit) -> MeasuredHit:
            return worker.reader.measure(picture, hit)

        return self.interpreters.run(measure, looked)

    def confirmed(self, picture: Picture, found: list[Hit]) -> list[Hit]:
        """Return the detections that the verifier accepts as possible faces, one for each face.

        Those that are not beyond doubt get their second look first.
        """

        def check(worker: PooledInterpreters, hit: Hit) -> Hit:
            return worker.reader.check(picture, hit)

        def refine(worker: PooledInterpreters, hit: Hit) -> Hit:
            return worker.reader.refine(picture, hit)

        def confirm(worker: PooledInterpreters, hit: Hit) -> Hit:
            return worker.reader.confirm(picture, hit)

        checked = self.interpreters.run(check, found)
        refined = self.interpreters.run(refine, [hit for hit in checked if hit.logit >= face_odds.LEAST_LOGIT])
        return self.interpreters.run(confirm, one_a_face(refined))


class RoomDetector:
    """Finds the faces in the captures of one lesson, in order, with less work than full sweeps.

    The detector reads tiles around the known places, and searches the changed parts elsewhere. Each capture also
    searches one part of the whole picture.

    Args:
        detector: the detector whose networks it uses.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._places = TileMemory()
        self._before: Picture | None = None
        self._captures = 0

    def __call__(self, picture: Picture, *, without: Collection[str] = ()) -> list[Face]:
        """Return the faces of the next capture, from top to bottom.

        Args:
            picture: (H, W, 3) in BGR, uint8.
            without: traits not measured in this capture.
        """
        now = change.thumbnail(picture)
        found = self._hits(picture, now)
        self._before = now
        self._captures += 1
        faces = self._detector.read(picture, found, without)
        self._places.learn(faces)
        return faces

    @property
    def thumbnail(self) -> Picture | None:
        """The last capture at an eighth of its size (`change.thumbnail`); None before the first capture."""
        return self._before

    def _hits(self, picture: Picture, now: Picture) -> list[Hit]:
        if self._before is None or self._before.shape != now.shape:
            self._places = TileMemory()
            return hits(self._detector.sweep(picture))
        changed = self._places.newcomers(change.changed(self._before, now), change.SHRINK)
        if len(changed) > _MAX_TILES:
            return hits(self._detector.sweep(picture))
        seats = self._look(picture, self._places.tiles())
        sure = seats.take(seats.scores >= _SURE)
        part = sweep_rota.due(self._detector.plan(picture), self._captures, self._places.known)
        swept = self._detector.search(picture, part, FIRST_THRESHOLD)
        others = [*hits(swept), *hits(self._look(picture, changed))]
        return [_looked(hit) for hit in hits(seats)] + [hit for hit in others if not _is_known(hit, sure.boxes)]

    def _look(self, picture: Picture, plan: list[tiles.Tile]) -> Detections:
        return self._detector.search(picture, [tiles.Search("look", tile) for tile in plan], _SEAT_THRESHOLD)


def _looked(hit: Hit) -> Hit:
    """Return a detection; if its score is high, mark it as one that has had its second look.

    The tiles for known places have the scale of a second look.
    """
    return replace(hit, look_score=hit.score, agreement=_AGREEMENT) if hit.score >= _CLEAR else hit


def _is_known(hit: Hit, boxes: NDArray[np.float32]) -> bool:
    iou, covered = nms.overlaps(hit.box, boxes)
    return bool(len(boxes) and ((iou > nms.MAX_IOU) | (covered > nms.MAX_COVER)).any())


def _accepted(items: Sequence[T], boxes: Sequence[NDArray[np.float32]], own: Sequence[float]) -> list[T]:
    """Return the items that are faces.

    Args:
        items: n detections of one picture.
        boxes: BlazeFace's square (4,) of each.
        own: probability of a face, from the evidence about each detection alone.
    """
    kept = face_odds.accepted(boxes, face_odds.among_others(boxes, own))
    return [item for item, is_face in zip(items, kept, strict=True) if is_face]


def one_a_face(checked: Sequence[Hit]) -> list[Hit]:
    """Return the most probable of each group of overlapping detections, without those that can't be faces."""
    early = [face_odds.early_probability(hit) for hit in checked]
    boxes = np.array([hit.box for hit in checked], np.float32).reshape(-1, 4)
    best = [checked[group[0]] for group in nms.groups(boxes, np.array(early, np.float32))]
    return [hit for hit in best if face_odds.is_possible(hit)]
