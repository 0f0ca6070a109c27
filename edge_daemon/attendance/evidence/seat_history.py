"""What a seat indicates about an unnamed track: which students have the seat before, after and in turns with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.evidence.identities import UNITE_IN_TURNS
from edge_daemon.attendance.evidence.seats import TURNS, turns
from edge_daemon.attendance.evidence.thresholds import NOBODY, Thresholds
from edge_daemon.attendance.evidence.tracks import Track

Scores = NDArray[np.float64]


def seat_thresholds(
    tracks: Sequence[Track],
    named: Sequence[int],
    slots: Sequence[frozenset[int]],
    scores: Scores,
    alike: Scores,
    constants: Thresholds,
) -> Scores:
    """Return thresholds for unnamed tracks: lower for the student who has the same seat around that time.

    The threshold is lower only for the student whom the track resembles most. Another person may sit in a student's
    chair for two minutes. However, two people do not take turns in a chair from capture to capture.
    """
    thresholds = np.full(scores.shape, np.inf)
    for track, unknown in enumerate(tracks):
        neighbours = [k for k, other in enumerate(tracks) if other.seat == unknown.seat and named[k] != NOBODY]
        if named[track] != NOBODY or not neighbours:
            continue
        held = {s: k for k in neighbours for s in slots[k]}
        near = [named[held[s]] for s in _context(slots[track], held)]
        best = int(scores[track].argmax())
        if len(near) >= 2 and all(n == best for n in near):
            thresholds[track, best] = constants.between_threshold
        elif best in near:
            thresholds[track, best] = constants.beside_threshold
        for k in neighbours:
            if turns(slots[track], slots[k]) >= TURNS and alike[track, k] >= UNITE_IN_TURNS:
                thresholds[track, named[k]] = constants.between_threshold
    return thresholds


def _context(own: frozenset[int], held: Collection[int]) -> list[int]:
    """Return captures in which others have the seat: the last one before, all within, and the first one after."""
    first, last = min(own), max(own)
    before, after = [s for s in held if s < first], [s for s in held if s > last]
    within = [s for s in held if first < s < last]
    return [*([max(before)] if before else []), *within, *([min(after)] if after else [])]
