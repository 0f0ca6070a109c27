"""A second look at unnamed persons far away, for the students who have no name assigned by then.

The first threshold has to hold for students who resemble many others. The other people in the room show which students
do. All others in the same captures are certainly different people. Their scores for a student are therefore what a
stranger would reach in this light and with this camera. A far person with poor photographs can be recognised by
exceeding these scores (symmetric adaptive normalisation, Matejka et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.evidence.identities import exclude

Scores = NDArray[np.float64]

LEAST_FACES = 10
"""A person with fewer faces gets no second look."""
FAR_PX = 40.0
"""Persons with wider faces on average get no second look, because small size can't explain their low score.

Strangers of 52 px reached scores as high as students of 30 px.
"""
OTHERS = 5
"""Number of other persons in the room that a student's score is compared with: those with the highest scores."""
OTHERS_WEIGHT = 0.5
LEAD_WEIGHT = 0.4
"""Weight of the lead over the next student."""
RELIEF = 0.03
"""How far below the threshold a score may be after both corrections.

In 40 composed lessons 11 of the 14 unnamed far students reached it. One of 51 strangers did too; a contradiction
excludes him, because he took the student's chair. The nearest other strangers were 0.02 and 0.14 short.
"""


def second_look(
    scores: Scores,
    thresholds: Sequence[float],
    widths_px: Sequence[float],
    faces: Sequence[int],
    slots: Sequence[frozenset[int]],
) -> Scores:
    """Return (identities, students): how far each score exceeds the threshold of a second look, -inf without one.

    Args:
        scores: (identities, students), normalised over students.
        thresholds: the first threshold of each person.
        widths_px: the mean face width of each person.
        faces: the number of faces of each person.
        slots: the captures of each person.
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
