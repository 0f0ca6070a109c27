"""Chooses the range that each tensor represents: the one with the least squared error, not the widest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .graph import Graph, Tensor
from .quantize import Probe

BINS = 4096
SHRINK = np.linspace(0.3, 1.0, 29)


def best_limits(
    graph: Graph, inputs: Sequence[np.ndarray], power: float = 2.0, trim: float = 0.0
) -> dict[Tensor, tuple[float, float]]:
    """Choose for every activation the lowest and highest value to represent.

    Args:
        graph: float.
        inputs: normalised pictures.
        power: exponent of the error that is minimised; higher values spare the extremes.
        trim: share of the pictures whose extremes may be cut off. The short-range BlazeFace gives extreme values on
            flat grey surfaces, which contain no faces.
    """
    probe = Probe(graph)
    lows: dict[Tensor, list[float]] = {t: [] for t in probe.tensors}
    highs: dict[Tensor, list[float]] = {t: [] for t in probe.tensors}
    for x in inputs:
        for t, v in probe(x).items():
            lows[t].append(float(v.min()))
            highs[t].append(float(v.max()))
    low = {t: min(0.0, float(np.quantile(v, trim))) for t, v in lows.items()}
    high = {t: max(0.0, float(np.quantile(v, 1 - trim))) for t, v in highs.items()}
    counts = {t: np.zeros(BINS) for t in probe.tensors}
    for x in inputs:
        for t, v in probe(x).items():
            index = (v.ravel().clip(low[t], high[t]) - low[t]) * ((BINS - 1) / max(high[t] - low[t], 1e-9)) + 0.5
            counts[t] += np.bincount(index.astype(np.int64), minlength=BINS)[:BINS]
    return {t: _search(low[t], high[t], counts[t], power) for t in probe.tensors}


def _search(low: float, high: float, counts: np.ndarray, power: float) -> tuple[float, float]:
    values = np.linspace(low, high, BINS)
    best, choice = np.inf, (low, high)
    for up in SHRINK if high > 0 else (1.0,):
        for down in SHRINK if low < 0 else (1.0,):
            a, b = low * down, high * up
            step = max(b - a, 1e-9) / 255
            # Rounding error inside the range, clipping error outside.
            outside = np.maximum(np.maximum(a - values, values - b), 0)
            error = np.where(outside > 0, outside + step / 2, step * (1 / (2**power * (power + 1))) ** (1 / power))
            total = float((counts * error**power).sum())
            if total < best:
                best, choice = total, (a, b)
    return choice
