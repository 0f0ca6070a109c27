"""How the people of a room wore masks over a lesson: counts, never a state of somebody who has a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from edge_daemon.traits import MaskCounts, MaskProbabilities
from edge_daemon.types import Candidate

LEAST_FACES = 3
"""Fewer measured faces of a person say nothing about a lesson."""
MARGIN = 0.2
"""By so much the mean probability of one state has to lead, or the person is undecided."""

State = str
_STATES: tuple[State, ...] = ("none", "right", "wrong")


def mask_counts(persons: Iterable[Sequence[Candidate]]) -> MaskCounts:
    """Count the people of a lesson by the mean over all faces of each.

    Args:
        persons: the faces of each person who was there, whoever that is.
    """
    states = [_state([face.traits.mask for face in faces if face.traits.mask is not None]) for faces in persons]
    return MaskCounts(*(states.count(name) for name in (*_STATES, "undecided")))


def _state(measured: Sequence[MaskProbabilities]) -> State:
    if len(measured) < LEAST_FACES:
        return "undecided"
    return mask_state(measured)


def mask_state(measured: Sequence[MaskProbabilities], margin: float = MARGIN) -> State:
    """Return `none`, `right` or `wrong` by the mean of one face or more; `undecided` where none of them leads."""
    mean = np.mean([[getattr(one, name) for name in _STATES] for one in measured], axis=0)
    best, second = np.sort(mean)[::-1][:2]
    return _STATES[int(mean.argmax())] if best - second >= margin else "undecided"
