"""How alike faces are once the noise of single faces is taken out."""

from __future__ import annotations

import numpy as np

TYPICAL_LIKENESS = 0.60
"""Mean cosine between two faces of one person in a lesson, where a link is too short to tell."""


def steadiness(count: int, likeness: float) -> float:
    """Return the square root of how alike the faces of a link are: what noise leaves of a similarity to its mean.

    The cosine to a mean over noisy faces, divided by this, is the cosine to what the faces have in common (Spearman
    1904, correction for attenuation). A short link borrows from what is typical.
    """
    pairs = count * (count - 1) / 2
    known = likeness * pairs if pairs else 0.0
    return float(np.sqrt(max((known + 3 * TYPICAL_LIKENESS) / (pairs + 3), 0.3)))
