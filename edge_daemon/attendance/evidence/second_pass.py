"""A second look at persons far away who have no name, for the students who have not been seen by then.

A threshold for everybody has to hold for students who resemble many others. Who is in the room tells which ones do: all
others in the same captures are certainly somebody else, and what they reach with a student is what a stranger would
reach, in this light and with this camera. Somebody far away whose photographs are poor is known by standing out from
them (symmetric adaptive normalisation, Matejka et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.evidence.identities import exclude

Scores = NDArray[np.float64]

LEAST_FACES = 10
"""Fewer faces of a person than this are too few for a second look."""
FAR_PX = 40.0
"""Wider faces on the average get none: size is no excuse for them. Strangers of 52 px came as near as students
of 30."""
OTHERS = 5
"""How many other persons in the room a student's score is held against: those who reach most with this student."""
OTHERS_WEIGHT = 0.5
LEAD_WEIGHT = 0.4
"""How much of the lead over the next student counts."""
RELIEF = 0.03
"""How far below the threshold a score may be after both. In 40 composed lessons 11 of the 14 far students without a
name reached it, and of 51 strangers one, whom a contradiction keeps out: he took the student's chair. The nearest of
the others lacked 0.02, the one after that 0.14."""


def second_look(
    scores: Scores,
    thresholds: Sequence[float],
    widths_px: Sequence[float],
    faces: Sequence[int],
    slots: Sequence[frozenset[int]],
) -> Scores:
    """Return (identities, students): how far each score is above what a second look asks for, -inf where it takes none.

    Args:
        scores: (identities, students), normalised over students.
        thresholds: what is asked of each person at first sight.
        widths_px: mean width of each person's faces.
        faces: how many each person has.
        slots: the captures of each.
    """
    result = np.full(scores.shape, -np.inf)
    if scores.shape[1] < 2:
        return result
    for identity, own in enumerate(scores):
        others = [k for k in range(len(slots)) if k != identity and exclude(slots[k], slots[identity])]
        if widths_px[identity] >= FAR_PX or faces[identity] < LEAST_FACES or len(others) < OTHERS:
            continue
        reached = np.sort(scores[others], axis=0)[-OTHERS:].mean(axis=0)
        best = np.sort(own)[-2:]
        lead = own - np.where(own == best[1], best[0], best[1])
        asked = thresholds[identity] - RELIEF
        result[identity] = own - OTHERS_WEIGHT * reached + LEAD_WEIGHT * lead - asked
    return result
