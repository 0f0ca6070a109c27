"""Corrects the similarity of averaged faces for the noise of the single faces."""

from __future__ import annotations

import numpy as np

TYPICAL_AGREEMENT = 0.60
"""Typical mean cosine between two faces of one person in a lesson, for tracks too short to measure it."""


def steadiness(count: int, similarity: float) -> float:
    """Return the factor by which the noise of single faces lowers a cosine to the mean of a track.

    It is the square root of the mean cosine between the faces. A cosine to the mean, divided by this factor, is the
    cosine to the faces without noise (Spearman 1904, correction for attenuation). The shorter a track, the more its
    mean cosine is drawn towards 0.60, which is typical (`TYPICAL_AGREEMENT`).

    Args:
        count: number of faces of the track.
        similarity: mean cosine between two different faces of the track; ignored for a single face.
    """
    pairs = count * (count - 1) / 2
    known = similarity * pairs if pairs else 0.0
    return float(np.sqrt(max((known + 3 * TYPICAL_AGREEMENT) / (pairs + 3), 0.3)))
