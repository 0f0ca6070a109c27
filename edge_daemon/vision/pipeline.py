"""A picture becomes faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

import numpy as np

from edge_daemon.types import Face, Picture
from edge_daemon.vision import nms, tiles
from edge_daemon.vision.blazeface import BlazeFace, Detections, join
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.reader import FaceReader, Hit, distinct, hits

T = TypeVar("T")
R = TypeVar("R")

SCALES = (1.0, 0.5)
"""Sizes of the picture that are searched."""
OVERLAP_PX = 64
"""Of neighbouring tiles, in pixels of the network: its largest faces but a few."""
FIRST_THRESHOLD = 0.35


class Worker:
    """The networks of one thread."""

    def __init__(self, models: ModelSet, *, embed: bool) -> None:
        self.sweeper = BlazeFace(models.card("detector_sweep"))
        self.reader = FaceReader(models, embed=embed)

    def sweep(self, picture: Picture, tile: tiles.Tile) -> Detections:
        """Detect the faces of one large tile, in pixels of the picture."""
        part = tiles.cut(picture, tile, self.sweeper.side_px)
        scale = round(tile.side) / self.sweeper.side_px
        return self.sweeper(part, FIRST_THRESHOLD).placed(scale, round(tile.left), round(tile.top))


class Crew:
    """Workers that share jobs; results come in the order of the jobs, whatever the number of workers."""

    def __init__(self, models: ModelSet, *, threads: int, embed: bool) -> None:
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for _ in range(max(threads, 1)):
            self._idle.put(Worker(models, embed=embed))
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def run(self, job: Callable[[Worker, T], R], items: Sequence[T]) -> list[R]:
        """Return `job(worker, item)` of every item."""

        def one(item: T) -> R:
            worker = self._idle.get()
            try:
                return job(worker, item)
            finally:
                self._idle.put(worker)

        return list(map(one, items)) if self._pool is None else list(self._pool.map(one, items))


class Detector:
    """Finds every face of a picture, by itself: a full sweep.

    Args:
        models: verified model files.
        threads: tiles and faces that are worked on at the same time; the result does not depend on it.
        embed: whether faces get a vector.
    """

    def __init__(self, models: ModelSet, *, threads: int = 2, embed: bool = True) -> None:
        self.crew = Crew(models, threads=threads, embed=embed)

    def __call__(self, picture: Picture) -> list[Face]:
        """Return the faces of a picture (H, W, 3) in BGR, uint8, from top to bottom."""
        return self.read(picture, self.sweep(picture))

    def sweep(self, picture: Picture) -> Detections:
        """Search the whole picture; one detection a face."""
        height, width = picture.shape[:2]
        plan = [t for scale in SCALES for t in tiles.grid(width, height, 576 / scale, OVERLAP_PX / scale)]
        return _one_a_face(join(self.crew.run(lambda worker, tile: worker.sweep(picture, tile), plan)))

    def read(self, picture: Picture, found: Detections) -> list[Face]:
        """Take a second look at each detection, drop what is no face, and describe the others."""

        def look_and_read(worker: Worker, hit: Hit) -> Face | None:
            return worker.reader.read(picture, worker.reader.second_look(picture, hit))

        faces = [face for face in self.crew.run(look_and_read, hits(found)) if face is not None]
        return distinct(faces)


def _one_a_face(found: Detections) -> Detections:
    return found.take(np.array([g[0] for g in nms.groups(found.boxes, found.scores)], np.intp))
