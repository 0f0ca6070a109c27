"""Networks for several threads. Each thread has its own, because an interpreter can't be shared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, TypeVar

from edge_daemon.types import Picture
from edge_daemon.vision.blazeface import BlazeFace, Detections
from edge_daemon.vision.face_reader import FaceReader, detect
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.one_loaded import OneLoaded
from edge_daemon.vision.tiles import Search

T = TypeVar("T")
R = TypeVar("R")


class PooledInterpreters:
    """One set of loaded networks; `InterpreterPool` lends it to one thread at a time."""

    def __init__(self, models: ModelSet, *, embed: bool, traits: Sequence[str] = ()) -> None:
        self._sweep_card = models.card("detector_sweep")
        self._close_up_card = models.card("detector_portrait")
        BlazeFace(self._close_up_card)  # to find a damaged file before the lesson; large pictures do not need it
        self._close_up: BlazeFace | None = None
        self._one_loaded: OneLoaded[Any] = OneLoaded()
        self.reader = FaceReader(models, embed=embed, traits=traits, one_loaded=self._one_loaded)
        self._sweep()

    def search(self, picture: Picture, search: Search, threshold: float) -> Detections:
        """Detect the faces of one tile with the network that is planned for it, in pixels of the picture."""
        if search.network == "look":
            return self.reader.look(picture, search.tile, threshold)
        if search.network == "sweep":
            return detect(self._sweep(), picture, search.tile, threshold)
        self._close_up = self._close_up or BlazeFace(self._close_up_card)
        return detect(self._close_up, picture, search.tile, threshold)

    def _sweep(self) -> BlazeFace:
        network: BlazeFace = self._one_loaded.get("sweep", lambda: BlazeFace(self._sweep_card))
        return network


class InterpreterPool:
    """Threads that share jobs. Results keep the order of the jobs and do not depend on the number of threads.

    Args:
        models: verified model files.
        threads: number of threads; with one, everything runs in the calling thread.
        embed: whether faces get a vector.
        traits: further measurements on each face, by the names of the fields of `Traits`.
    """

    def __init__(self, models: ModelSet, *, threads: int, embed: bool, traits: Sequence[str] = ()) -> None:
        self._idle: SimpleQueue[PooledInterpreters] = SimpleQueue()
        for _ in range(max(threads, 1)):
            self._idle.put(PooledInterpreters(models, embed=embed, traits=traits))
        self._pool = ThreadPoolExecutor(threads, "vision") if threads > 1 else None

    def run(self, job: Callable[[PooledInterpreters, T], R], items: Sequence[T]) -> list[R]:
        """Return `job(worker, item)` for every item, where `worker` is a set of networks that no other thread uses."""

        def one(item: T) -> R:
            worker = self._idle.get()
            try:
                return job(worker, item)
            finally:
                self._idle.put(worker)

        return list(map(one, items)) if self._pool is None else list(self._pool.map(one, items))
