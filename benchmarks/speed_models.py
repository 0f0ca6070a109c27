"""Milliseconds for every model file, with one thread, in turns."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median

import numpy as np

from edge_daemon.vision.interpreter import Model
from edge_daemon.vision.models import ModelCard, ModelSet

_PRECISION = re.compile(r"-(float32|float16|int8|dynamic)$")
_SLICE_S = 0.03
"""Approximate run time of a file before the next one's turn."""


def timed(
    models: ModelSet, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, dict[str, float | None]]:
    """Return, for each file name, the milliseconds and the ratio to the float32 file of the same network.

    A network without a float32 file is compared with its float16 file, which also computes in float32. Both figures are
    medians. The ratio is the median over the rounds: in one round all files of a network run shortly after each other.
    With `time.process_time` as clock, other processes do not affect the figures.
    """
    runs = {card.name: _runner(card) for card in models.cards}
    repeats = {name: max(1, int(_SLICE_S / max(_once(run, 3, clock), 1e-6))) for name, run in runs.items()}
    samples: dict[str, list[float]] = defaultdict(list)
    order = sorted(runs)  # so that the files of a network are neighbours
    for number in range(rounds):
        for name in order if number % 2 else order[::-1]:
            samples[name].append(1000 * _once(runs[name], repeats[name], clock))
    return {name: _row(name, samples) for name in order}


def _row(name: str, samples: dict[str, list[float]]) -> dict[str, float | None]:
    row: dict[str, float | None] = {"ms": round(median(samples[name]), 3), "ratio": None}
    reference = _reference(name, list(samples))
    if reference is not None:
        ratios = [a / b for a, b in zip(samples[name], samples[reference], strict=True)]
        row["ratio"] = round(median(ratios), 3)
    return row


def _reference(name: str, names: list[str]) -> str | None:
    network = _PRECISION.sub("", name)
    return next((n for n in (f"{network}-float32", f"{network}-float16") if n in names), None)


def _runner(card: ModelCard) -> Callable[[], object]:
    model = Model(card.path, threads=1)
    noise = np.random.default_rng(1).integers(0, 256, card.input_shape, np.uint8)
    encoded = card.encode(noise)
    return lambda: model(encoded)


def _once(run: Callable[[], object], repeats: int, clock: Callable[[], float]) -> float:
    """Return the mean seconds of one run over a number of runs."""
    start = clock()
    for _ in range(repeats):
        run()
    return (clock() - start) / repeats
