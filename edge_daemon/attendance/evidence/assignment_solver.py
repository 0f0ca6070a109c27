"""Linear assignment with the option to leave rows and columns unmatched.

This is the shortest augmenting path form of the Hungarian method (Jonker and Volgenant 1987, Computing 38). The module
implements it because SciPy, which offers it as one function, would add 35 MB to the device.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def assign(gains: NDArray[np.floating]) -> list[int]:
    """Match rows to columns so that the sum of gains is the largest.

    Args:
        gains: the gain of each pair, (rows, columns); a pair with a gain of 0 or less is never matched.

    Returns:
        The column of each row, or -1 for an unmatched row.
    """
    result = [-1] * len(gains)
    hopeful = np.flatnonzero((gains > 0).any(axis=1))  # in a hall of strangers, these are few of many rows
    for row, column in zip(hopeful.tolist(), _assign_all(gains[hopeful]), strict=True):
        result[row] = column
    return result


def _assign_all(gains: NDArray[np.floating]) -> list[int]:
    rows, columns = gains.shape
    if rows == 0 or columns == 0:
        return [-1] * rows
    # A private zero-gain column for each row stands for "unmatched".
    costs = np.zeros((rows, columns + rows))
    costs[:, :columns] = -np.maximum(gains, 0.0)
    matched = _shortest_augmenting_paths(costs)
    return [c if c < columns and gains[r, c] > 0 else -1 for r, c in enumerate(matched)]


def _shortest_augmenting_paths(costs: NDArray[np.float64]) -> list[int]:
    """Return a column for each row with the least total cost; there must be at least as many columns as rows."""
    rows, columns = costs.shape
    row_potential, column_potential = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)
    for start in range(rows):
        distance, parent = np.full(columns, np.inf), np.full(columns, -1)
        done = np.zeros(columns, bool)
        row, last, reached = start, -1, 0.0
        visited: list[tuple[int, float]] = []
        while True:
            visited.append((row, reached))
            step = reached + costs[row] - row_potential[row] - column_potential
            better = ~done & (step < distance)
            distance[better], parent[better] = step[better], last
            open_distance = np.where(done, np.inf, distance)
            last = int(open_distance.argmin())
            reached = float(open_distance[last])
            done[last] = True
            if row_of[last] < 0:
                break
            row = int(row_of[last])
        for seen, at in visited:
            row_potential[seen] += reached - at
        column_potential[done] -= reached - distance[done]
        while last >= 0:  # flip the path back to its start
            previous = int(parent[last])
            row_of[last] = row_of[previous] if previous >= 0 else start
            last = previous
    result = [-1] * rows
    for column, row in enumerate(row_of):
        if row >= 0:
            result[int(row)] = column
    return result
