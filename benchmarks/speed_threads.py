"""Measures how much faster two threads sweep a picture than one."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from edge_daemon.types import Picture
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.pipeline import Detector

ROUNDS = 9


def speedup(models: ModelSet, picture: Picture, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the wall time of one thread divided by that of two for sweeping a picture, as the median over `ROUNDS`."""
    detectors = [Detector(models, threads=threads) for threads in (1, 2)]
    for detector in detectors:
        detector(picture)  # the first run prepares the weights
    ratios = []
    for _ in range(ROUNDS):
        one_s, two_s = (_seconds(detector, picture, clock) for detector in detectors)
        ratios.append(one_s / max(two_s, 1e-9))
    return round(median(ratios), 3)


def _seconds(detector: Detector, picture: Picture, clock: Callable[[], float]) -> float:
    begun = clock()
    detector(picture)
    return clock() - begun
