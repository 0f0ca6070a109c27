"""How alike faces are once the noise of single faces is taken out."""

from __future__ import annotations

import numpy as np

TYPICAL_AGREEMENT = 0.60
"""Mean cosine between two faces of one person in a lesson, where a track is too short to tell."""


def steadiness(count: int, similarity: float) -> float:
    """Return the square root of how alike the faces of a track are: what noise leaves of a similarity to its mean.

    The cosine to a mean over noisy faces, divided by this, is the cosine to what the faces have in common (Spearman
    1904, correction for attenuation). A short track borrows from what is typical.
    """
    pairs = count * (count - 1) / 2
    known = similarity * pairs if pairs else 0.0
    return float(np.sqrt(max((known + 3 * TYPICAL_AGREEMENT) / (pairs + 3), 0.3)))
