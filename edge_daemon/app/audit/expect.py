"""What is to be expected of a face, from measured lessons (benchmarks/audit.py, docs/AUDIT.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_PX, GOOD_PX = 26.0, 40.0
"""The limits of face width that rows are held against: enough for a register, and comfortable."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Shares of the captures in which somebody is there and can be seen, 0 to 1."""

    found: float
    """The face is found."""
    alone: float
    """It is found, and this one picture is enough to name it."""
    hit: float
    """It is found and counts for the right student, by the evidence of the whole lesson: what the register counts."""
    register: float
    """A student who could be seen in most captures gets the right verdict."""


WIDTHS_PX = (14.0, 18.0, 22.0, 26.0, 32.0, 40.0, 56.0, 80.0)
_FOUND = (0.1, 0.6, 0.9, 0.97, 0.99, 0.99, 0.99, 0.99)
_ALONE = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.95)
_HIT = (0.0, 0.4, 0.7, 0.9, 0.95, 0.98, 0.99, 0.99)
_REGISTER = (0.0, 0.5, 0.8, 0.95, 0.97, 0.99, 0.99, 0.99)


def expected(width_px: float) -> Expected:
    """Return what a face of this width can give; between the measured widths by the width's logarithm."""
    at = np.log(max(width_px, 1.0))
    return Expected(*(float(np.interp(at, np.log(WIDTHS_PX), row)) for row in (_FOUND, _ALONE, _HIT, _REGISTER)))
