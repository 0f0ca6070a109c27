"""Dynamic time warping of many sequences against many others at once (Sakoe and Chiba, 1978)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

BAND_STEPS = 3
"""Largest number of steps by which one sequence may run ahead of the other."""


def warped_distances(first: Array, second: Array, band_steps: int = BAND_STEPS) -> Array:
    """Return the distance of each sequence of `first` to each of `second` along the best alignment in time.

    A path goes from both starts to both ends, one step at a time in either sequence or in both. A step in both counts
    twice (Sakoe and Chiba's symmetric form), so every path has the same weight.

    Args:
        first: m sequences, (m, steps, features).
        second: n sequences, (n, steps, features).
        band_steps: largest distance of a path from the diagonal.

    Returns:
        (m, n): mean Euclidean distance of aligned steps.
    """
    steps = first.shape[1]
    squares_a, squares_b = (first**2).sum(2), (second**2).sum(2)
    a, b = np.ascontiguousarray(first.swapaxes(0, 1)), np.ascontiguousarray(second.swapaxes(0, 1))
    row: dict[int, Array] = {}
    for i in range(steps):
        before, row = row, {}
        for j in range(max(0, i - band_steps), min(steps, i + band_steps + 1)):
            squared = squares_a[:, i, None] + squares_b[None, :, j] - 2 * (a[i] @ b[j].T)
            cost = np.sqrt(np.maximum(squared, 0))
            if i == j == 0:
                row[j] = 2 * cost
                continue
            ways = [before[k] + weight * cost for k, weight in ((j - 1, 2), (j, 1)) if k in before]
            if j - 1 in row:
                ways.append(row[j - 1] + cost)
            row[j] = np.minimum.reduce(ways)
    distances: Array = row[steps - 1] / np.float32(2 * steps)
    return distances
