"""What a place tells of a link without a name: who has it before, after and in turns with the link."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.evidence.identities import UNITE_IN_TURNS
from edge_daemon.attendance.evidence.seats import TURNS, turns
from edge_daemon.attendance.evidence.thresholds import NOBODY, Decision
from edge_daemon.attendance.evidence.tracks import Link

Scores = NDArray[np.float64]


def place_thresholds(
    links: Sequence[Link],
    named: Sequence[int],
    slots: Sequence[frozenset[int]],
    scores: Scores,
    alike: Scores,
    decision: Decision,
) -> Scores:
    """Thresholds for links without a name: lower for the student who has the same place around that time.

    Only for the student whom the link resembles most: who sits down for two minutes in a student's chair is not that
    student. But two people do not take turns in a chair from capture to capture.
    """
    thresholds = np.full(scores.shape, np.inf)
    for link, unknown in enumerate(links):
        neighbours = [k for k, other in enumerate(links) if other.place == unknown.place and named[k] != NOBODY]
        if named[link] != NOBODY or not neighbours:
            continue
        held = {s: k for k in neighbours for s in slots[k]}
        near = [named[held[s]] for s in _around(slots[link], held)]
        best = int(scores[link].argmax())
        if len(near) >= 2 and all(n == best for n in near):
            thresholds[link, best] = decision.between_threshold
        elif best in near:
            thresholds[link, best] = decision.beside_threshold
        for k in neighbours:
            if turns(slots[link], slots[k]) >= TURNS and alike[link, k] >= UNITE_IN_TURNS:
                thresholds[link, named[k]] = decision.between_threshold
    return thresholds


def _around(own: frozenset[int], held: Collection[int]) -> list[int]:
    """Captures in which others have the place: the last before, all within, the first after."""
    first, last = min(own), max(own)
    before, after = [s for s in held if s < first], [s for s in held if s > last]
    within = [s for s in held if first < s < last]
    return [*([max(before)] if before else []), *within, *([min(after)] if after else [])]
