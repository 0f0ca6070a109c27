"""Counts how the people in a room wore masks over a lesson, without recording it for any single person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from edge_daemon.traits import MaskCounts, MaskProbabilities
from edge_daemon.types import Candidate

LEAST_FACES = 3
"""A person with fewer measured faces counts as `undecided`."""
MARGIN = 0.2
"""Least lead of the most probable state's mean probability over the next state's. With less, a person is undecided."""

State = str
_STATES: tuple[State, ...] = ("none", "right", "wrong")


def mask_counts(persons: Iterable[Sequence[Candidate]]) -> MaskCounts:
    """Count the people of a lesson by mask.

    The mean over all of a person's faces decides that person's state.

    Args:
        persons: the faces of each person in the room, named or not.
    """
    states = [_state([face.traits.mask for face in faces if face.traits.mask is not None]) for faces in persons]
    return MaskCounts(*(states.count(name) for name in (*_STATES, "undecided")))


def _state(measured: Sequence[MaskProbabilities]) -> State:
    if len(measured) < LEAST_FACES:
        return "undecided"
    return mask_state(measured)


def mask_state(measured: Sequence[MaskProbabilities], margin: float = MARGIN) -> State:
    """Return `none`, `right` or `wrong` by the mean over one or more faces; `undecided` if none leads by `margin`."""
    mean = np.mean([[getattr(one, name) for name in _STATES] for one in measured], axis=0)
    best, second = np.sort(mean)[::-1][:2]
    return _STATES[int(mean.argmax())] if best - second >= margin else "undecided"
