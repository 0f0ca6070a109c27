"""Lowers a student's threshold for an unnamed track at the student's seat.

The seat counts as the student's in two cases. The student has it just before or after the track, or the two take
turns. Nobody else's threshold changes.
"""

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
    """Return the thresholds for tracks without a name, (tracks, students); infinity if the seat suggests nobody.

    Two rules lower the threshold of a student:

    - The student has the seat just before, during or just after the track, and the track resembles this student most.
      Without the resemblance, a visitor in the chair would get the student's name.
    - The track and a track of the student alternate in the seat, and the two look alike (`UNITE_IN_TURNS`). Two people
      rarely swap a chair from capture to capture.

    Args:
        tracks: all tracks of the lesson.
        named: index of each track's student; `NOBODY` for a track without a name.
        slots: captures of each track.
        scores: similarity of each track to each student, (tracks, students).
        alike: similarity of each track to each track, (tracks, tracks).
        constants: the thresholds to choose from.
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
    """Return captures in which others have the seat of a track: the last before it, all during it, the first after it.

    Args:
        own: the captures of the track.
        held: all captures in which others have the seat.
    """
    first, last = min(own), max(own)
    before, after = [s for s in held if s < first], [s for s in held if s > last]
    within = [s for s in held if first < s < last]
    return [*([max(before)] if before else []), *within, *([min(after)] if after else [])]
