"""Faces and tracks whose similarities are exactly what a test asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_daemon.attendance.evidence.tracks import Track
from edge_daemon.types import Box, Candidate, Quality

TYPICAL = 0.60
"""Mean cosine within a track at which the track's steadiness is its square root, whatever the number of faces."""


def face(
    slot: int,
    x: float = 0.0,
    y: float = 0.0,
    width_px: float = 40.0,
    *,
    score: float = 0.99,
    similarities: Sequence[float] = (),
    embedding: np.ndarray | None = None,
) -> Candidate:
    """Return a face with its centre at (x, y); its box is twice as high as wide and wider than the face."""
    box = Box(x - width_px, y - 2 * width_px, 2 * width_px, 4 * width_px)
    quality = Quality(width_px, 0.5, 1.0)
    return Candidate(slot, box, score, quality, True, np.array(similarities, np.float32), embedding)


def vectors_with(cosines: np.ndarray) -> np.ndarray:
    """Return rows of length 1 that have these cosines to one another."""
    return np.linalg.cholesky(cosines + 1e-9 * np.eye(len(cosines)))


def blocks(sizes: Sequence[int], within: float, between: float) -> np.ndarray:
    """Return cosines of groups of faces: 1 for a face with itself, else by whether two are of one group."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    cosines = np.where(group[:, None] == group[None, :], within, between)
    np.fill_diagonal(cosines, 1.0)
    return cosines


def track(direction: Sequence[float], members: Sequence[int], seat: int = 0) -> Track:
    """Return a track whose familiarity to another one is the cosine between the directions."""
    unit = np.array(direction) / np.linalg.norm(direction)
    return Track(seat, tuple(members), TYPICAL, (unit * TYPICAL**0.5).astype(np.float32))


def turned(cosine: float, size: int = 3) -> list[float]:
    """Return a direction with this cosine to the first axis."""
    return [cosine, (1 - cosine**2) ** 0.5, *[0.0] * (size - 2)]
