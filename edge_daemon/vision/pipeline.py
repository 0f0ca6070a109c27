"""From a picture to faces: by a full sweep, or with the places known from earlier captures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Face, Picture
from edge_daemon.vision import change, face_odds, nms, tiles
from edge_daemon.vision.blazeface import Detections, join
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import MeasuredHit, distinct, hits
from edge_daemon.vision.interpreter_pool import InterpreterPool, PooledInterpreters
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.tile_memory import TileMemory

T = TypeVar("T")

FIRST_THRESHOLD = 0.15
"""Least score of a first detection. It is low, because the verifier removes the false ones."""

_SWEEP_AFTER = (1, 2, 4)
"""Captures between the first full sweeps; later sweeps follow every `_SWEEP_EVERY` captures."""
_SWEEP_EVERY = 8
_SEAT_THRESHOLD = 0.25
"""Least score of a detection at a known place. A face is the mean of its boxes, and weaker boxes make it inexact."""
_SURE = 0.5
"""Score at which a face at a known place needs no second detection elsewhere."""
_CLEAR, _AGREEMENT = 0.7, 0.85
"""Score at which a face needs no second look, and the assumed agreement of its boxes (medians: 0.8 and 0.85)."""
_MAX_TILES = 200
"""If the changes need more small tiles than this, a full sweep is cheaper."""


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
        """Search the whole picture; the result has one detection for each face."""
        height, width = picture.shape[:2]
        plan = tiles.pyramid(width, height, self._side_px)
        parts = self.interpreters.run(lambda worker, tile: worker.sweep(picture, tile, FIRST_THRESHOLD), plan)
        whole = tiles.grid(width, height, max(width, height), 0)
        parts += self.interpreters.run(lambda worker, tile: worker.reader.look(picture, tile, FIRST_THRESHOLD), whole)
        return _one_a_face(join(parts))

    def read(self, picture: Picture, found: list[Hit], without: Collection[str] = ()) -> list[Face]:
        """Drop detections that are not faces, and describe the others, without the named traits."""

        def describe(worker: PooledInterpreters, candidate: MeasuredHit) -> Face:
            return worker.reader.describe(picture, candidate, without)

        looked = self.confirmed(picture, found)
        best_case = face_odds.among_others(
            [h.box for h in looked], [face_odds.probability(h, presence=1.0) for h in looked]
        )
        measured = self.measured(picture, _at_least(looked, best_case))
        believed = face_odds.among_others([c.hit.box for c in measured], [c.probability for c in measured])
        return distinct(self.interpreters.run(describe, _at_least(measured, believed)))

    def measured(self, picture: Picture, looked: list[Hit]) -> list[MeasuredHit]:
        """Fit the mesh to the detections."""

        def measure(worker: PooledInterpreters, hit: Hit) -> MeasuredHit:
            return worker.reader.measure(picture, hit)

        return self.interpreters.run(measure, looked)

    def confirmed(self, picture: Picture, found: list[Hit]) -> list[Hit]:
        """Return the detections that the verifier accepts, after a second look at each."""

        def check(worker: PooledInterpreters, hit: Hit) -> Hit:
            return worker.reader.check(picture, hit)

        def confirm(worker: PooledInterpreters, hit: Hit) -> Hit:
            return worker.reader.confirm(picture, hit)

        checked = self.interpreters.run(check, found)
        return self.interpreters.run(confirm, [hit for hit in checked if hit.logit >= face_odds.LEAST_LOGIT])


class RoomDetector:
    """Finds the faces in the captures of one lesson, in order, with less work than full sweeps.

    The detector reads tiles around the known places, and searches the changed parts elsewhere. From time to time it
    searches the whole picture.

    Args:
        detector: the detector whose networks it uses.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._places = TileMemory()
        self._before: Picture | None = None
        self._captures, self._next_sweep, self._sweeps = 0, 0, 0

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

    def _hits(self, picture: Picture, now: Picture) -> list[Hit]:
        if self._before is None or self._before.shape != now.shape:
            self._places = TileMemory()
            return hits(self._sweep(picture))
        seats = self._look(picture, self._places.tiles())
        sure = seats.take(seats.scores >= _SURE)
        others = [hit for hit in hits(self._search(picture, self._before, now)) if not _is_known(hit, sure.boxes)]
        return [_looked(hit) for hit in hits(seats)] + others

    def _search(self, picture: Picture, before: Picture, now: Picture) -> Detections:
        """Search for new faces, in the changed parts or everywhere."""
        if self._captures >= self._next_sweep:
            return self._sweep(picture)
        plan = self._places.newcomers(change.changed(before, now), change.SHRINK)
        return self._sweep(picture) if len(plan) > _MAX_TILES else self._look(picture, plan)

    def _sweep(self, picture: Picture) -> Detections:
        pause = _SWEEP_AFTER[self._sweeps] if self._sweeps < len(_SWEEP_AFTER) else _SWEEP_EVERY
        self._sweeps += 1
        self._next_sweep = self._captures + pause
        return self._detector.sweep(picture)

    def _look(self, picture: Picture, plan: list[tiles.Tile]) -> Detections:
        parts = self._detector.interpreters.run(
            lambda worker, tile: worker.reader.look(picture, tile, _SEAT_THRESHOLD), plan
        )
        return _one_a_face(join(parts))


def _looked(hit: Hit) -> Hit:
    """Count a clear face in a well-scaled tile as its own second look."""
    return replace(hit, look_score=hit.score, agreement=_AGREEMENT) if hit.score >= _CLEAR else hit


def _is_known(hit: Hit, boxes: NDArray[np.float32]) -> bool:
    iou, covered = nms.overlaps(hit.box, boxes)
    return bool(len(boxes) and ((iou > nms.MAX_IOU) | (covered > nms.MAX_COVER)).any())


def _at_least(items: Sequence[T], probabilities: NDArray[np.float32]) -> list[T]:
    return [item for item, p in zip(items, probabilities, strict=True) if p >= face_odds.MIN_PROBABILITY]


def _one_a_face(found: Detections) -> Detections:
    return found.take(np.array([g[0] for g in nms.groups(found.boxes, found.scores)], np.intp))
