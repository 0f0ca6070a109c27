"""Where in the picture people sit: faces of successive captures at one spot and of one size share a place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from edge_daemon.types import Candidate

REACH = 0.9
"""A face belongs to a place within this many face widths of it: less than two neighbours are ever apart."""
SCALE_RANGE = 1.6
"""... and if its width differs by less than this factor."""
DRIFT = 0.2
"""Share by which a place follows each new face: people slide along the bench."""
TURNS = 4
"""Changes from one link to another and back at a place, twice: no two people share a chair in this way."""


class _Place:
    def __init__(self, member: int, face: Candidate) -> None:
        self.members = [member]
        self.x, self.y = _centre(face)
        self.width_px = face.quality.width_px

    def distance(self, face: Candidate) -> float:
        """Face widths between the place and a face; infinite where the sizes do not fit."""
        width = face.quality.width_px
        if not 1 / SCALE_RANGE < width / self.width_px < SCALE_RANGE:
            return np.inf
        x, y = _centre(face)
        return float(np.hypot(x - self.x, y - self.y) / max(width, self.width_px))

    def add(self, member: int, face: Candidate) -> None:
        x, y = _centre(face)
        self.members.append(member)
        self.x += DRIFT * (x - self.x)
        self.y += DRIFT * (y - self.y)
        self.width_px += DRIFT * (face.quality.width_px - self.width_px)


def find_places(candidates: Sequence[Candidate]) -> list[list[int]]:
    """Group faces by place.

    Args:
        candidates: of one lesson, ordered by slot.

    Returns:
        For each place the indices of its faces, at most one a capture, ordered by slot.
    """
    places: list[_Place] = []
    for members in _by_slot(candidates):
        pairs = [(place.distance(candidates[m]), p, m) for p, place in enumerate(places) for m in members]
        taken_places: set[int] = set()
        taken: set[int] = set()
        for distance, p, m in sorted(pairs):
            if distance > REACH:
                break
            if p not in taken_places and m not in taken:
                taken_places.add(p)
                taken.add(m)
                places[p].add(m, candidates[m])
        places += [_Place(m, candidates[m]) for m in members if m not in taken]
    return [place.members for place in places]


def turns(a: frozenset[int], b: frozenset[int]) -> int:
    """Return how often a place changes hands between two links."""
    order = sorted([(slot, 0) for slot in a] + [(slot, 1) for slot in b])
    return sum(x[1] != y[1] for x, y in pairwise(order))


def _by_slot(candidates: Sequence[Candidate]) -> Iterable[list[int]]:
    slots: dict[int, list[int]] = {}
    for index, candidate in enumerate(candidates):
        slots.setdefault(candidate.slot, []).append(index)
    return (slots[slot] for slot in sorted(slots))


def _centre(face: Candidate) -> tuple[float, float]:
    return face.box.x + face.box.w / 2, face.box.y + face.box.h / 2
