"""Tries again to name people far away, after most students have been found.

The threshold in the first pass is the same for all students. It is high enough for students whom many people resemble.
The people in the room show which students these are. Everybody else in the same captures is certainly another person,
and scores like a stranger in this light and with this camera. A student far away with poor photographs is recognised
if the score is above the scores of these other people (symmetric adaptive normalisation, Matejka et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.evidence.identities import exclude

Scores = NDArray[np.float64]

LEAST_FACES = 10
"""The second pass leaves out a person with fewer faces."""
FAR_PX = 40.0
"""The second pass leaves out people whose mean face width is at least this: size can't explain their low scores.

Strangers with faces of 52 px reached scores as high as students with faces of 30 px.
"""
OTHERS = 5
"""Number of other people with whom a person is compared: those with the highest scores for the same student."""
OTHERS_WEIGHT = 0.5
LEAD_WEIGHT = 0.4
"""Weight of the lead: a person's score for a student minus the highest score for any other student."""
RELIEF = 0.03
"""Largest distance of a score below the threshold of the first pass at which the second pass still gives the name.

The score is first corrected for the scores of the other people, and for the lead. In 40 composed lessons 11 of the 14
unnamed far students reached this limit. So did 1 of 51 strangers, who had taken a student's chair. Another rule
refuses this stranger, because the two faces differ too much. The next two strangers were 0.02 and 0.14 below the limit.
"""


def second_look(
    scores: Scores,
    thresholds: Sequence[float],
    widths_px: Sequence[float],
    faces: Sequence[int],
    slots: Sequence[frozenset[int]],
) -> Scores:
    """Return how far each score is above the limit of the second pass, (persons, students); -inf without a second try.

    Args:
        scores: the score of each person for each student, (persons, students), see `track_identification.score`.
        thresholds: the threshold of each person in the first pass.
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
