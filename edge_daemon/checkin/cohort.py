"""Makes wrong clips from the student's own clips, so that the comparison needs no other person's clip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_ORDERS = ((1, 2, 0), (2, 0, 1))
"""Changed orders of the thirds of a clip."""
CLIPS = len(_ORDERS) + 1
"""Number of wrong clips made from one clip."""


def cohort(sequences: Array) -> Array:
    """Return the student's movements in a wrong order of time, as examples of a wrong phrase.

    Each returned movement is a clip with its thirds in another order, or a clip backwards. It resembles another phrase
    said by the same mouth.

    Args:
        sequences: the movements of n clips, (n, steps, features); the number of steps is a multiple of three.

    Returns:
        The wrong movements, (CLIPS * n, steps, features).
    """
    thirds = np.split(sequences, 3, axis=1)
    mixed = [np.concatenate([thirds[i] for i in order], axis=1) for order in _ORDERS]
    wrong: Array = np.ascontiguousarray(np.concatenate([*mixed, sequences[:, ::-1]]))
    return wrong
