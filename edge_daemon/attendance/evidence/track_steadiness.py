"""How similar faces are after correction for the noise of single faces."""

from __future__ import annotations

import numpy as np

TYPICAL_AGREEMENT = 0.60
"""Mean cosine between two faces of one person in a lesson. It supplements the value of a short track."""


def steadiness(count: int, similarity: float) -> float:
    """Return the square root of a track's reliability: the factor by which noise lowers a similarity to its mean.

    The cosine to a mean of noisy faces, divided by this factor, is the cosine to what the faces have in common
    (Spearman 1904, correction for attenuation). A short track is supplemented by the typical value.
    """
    pairs = count * (count - 1) / 2
    known = similarity * pairs if pairs else 0.0
    return float(np.sqrt(max((known + 3 * TYPICAL_AGREEMENT) / (pairs + 3), 0.3)))
