"""Groups the faces of one seat by similarity: average linkage that can split a seat between two similar people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.evidence.seats import TURNS, turns
from edge_daemon.attendance.evidence.track_steadiness import steadiness

Matrix = NDArray[np.floating]

SAME_COSINE = 0.36
"""Two groups of faces are merged if the mean cosine between their faces is at least this.

At 26 to 40 px the cosine of two faces of one person is 0.56 ± 0.13. That of two persons is 0.05 ± 0.15. The mean cosine
of two groups varies far less.
"""
LARGE_FACES = 6
"""Two groups of at least this many faces each must also reach `SUCCESSOR`, unless they take turns at the seat."""
SUCCESSOR = 0.70
"""Two large groups, one of which follows the other, are merged only if their familiarity is at least this.

The mean cosine alone does not suffice. For large, clear faces of two similar people it is as high as for small, blurred
faces of one person. In 57 composed lessons the familiarity of such groups of two people was at most 0.59. One person
never had two such groups, one after the other. Two groups of one person with three faces each reached at least 0.81.
"""


def average_linkage(cosines: Matrix, slots: Sequence[int]) -> list[list[int]]:
    """Merge the two most similar groups of faces until no two are similar enough.

    Args:
        cosines: (faces, faces), cosines between the faces of a seat.
        slots: the capture of each face.

    Returns:
        Groups of indices into the faces.
    """
    groups = [[i] for i in range(len(cosines))]
    sums = np.array(cosines, dtype=float)  # sum of cosines between the members of two groups
    sizes = np.ones(len(groups))
    apart = np.eye(len(groups), dtype=bool)
    while True:
        means = np.where(apart, -np.inf, sums / np.outer(sizes, sizes))
        best = int(means.argmax()) if means.size else 0
        a, b = divmod(best, max(len(groups), 1))
        if means.size == 0 or means[a, b] < SAME_COSINE:
            return [g for g in groups if g]
        if _is_succeeded([groups[a], groups[b]], sums[np.ix_([a, b], [a, b])], slots):
            apart[a, b] = apart[b, a] = True
            continue
        groups[a], groups[b] = groups[a] + groups[b], []
        sums[a] += sums[b]
        sums[:, a] += sums[:, b]
        sizes[a] += sizes[b]
        apart[b] = apart[:, b] = True


def _is_succeeded(groups: Sequence[Sequence[int]], sums: Matrix, slots: Sequence[int]) -> bool:
    """Return whether two groups show two people, one of whom took the other's seat."""
    if min(map(len, groups)) < LARGE_FACES:
        return False
    if turns(*(frozenset(slots[i] for i in group) for group in groups)) >= TURNS:
        return False
    first, second = map(len, groups)
    noise = [steadiness(n, (own - n) / (n * (n - 1))) for n, own in zip((first, second), np.diag(sums), strict=True)]
    return bool(sums[0, 1] / (first * second) / (noise[0] * noise[1]) < SUCCESSOR)
