"""Groups faces by seat: faces of successive captures share a seat if they are at one place and of about one size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from edge_daemon.types import Candidate

REACH = 0.9
"""Largest distance from a face to its seat, in face widths. Two neighbours are always farther apart."""
SCALE_RANGE = 1.6
"""The widths of a face and its seat differ by less than this factor."""
DRIFT = 0.2
"""Share of the distance by which a seat moves towards each new face, because people slide along the bench."""
TURNS = 4
"""Two tracks at one seat are one person if they alternate at least this often (twice there and back).

Two people do not share a chair in this way.
"""


class _Seat:
    def __init__(self, member: int, face: Candidate) -> None:
        self.members = [member]
        self.x, self.y = _centre(face)
        self.width_px = face.quality.width_px

    def add(self, member: int, face: Candidate) -> None:
        x, y = _centre(face)
        self.members.append(member)
        self.x += DRIFT * (x - self.x)
        self.y += DRIFT * (y - self.y)
        self.width_px += DRIFT * (face.quality.width_px - self.width_px)


def group_by_seat(candidates: Sequence[Candidate]) -> list[list[int]]:
    """Group faces by seat.

    Args:
        candidates: the faces of one lesson, ordered by slot.

    Returns:
        For each seat the indices of its faces, ordered by slot, at most one for each capture.
    """
    seats: list[_Seat] = []
    for members in _by_slot(candidates):
        taken_seats: set[int] = set()
        taken: set[int] = set()
        for _, p, m in sorted(_within_reach(seats, members, candidates)):
            if p not in taken_seats and m not in taken:
                taken_seats.add(p)
                taken.add(m)
                seats[p].add(m, candidates[m])
        seats += [_Seat(m, candidates[m]) for m in members if m not in taken]
    return [seat.members for seat in seats]


def _within_reach(
    seats: Sequence[_Seat], members: Sequence[int], candidates: Sequence[Candidate]
) -> list[tuple[float, int, int]]:
    """Return (distance in face widths, index of the seat, member) of each seat and face of one place and size."""
    x, y, width = np.array([(*_centre(candidates[m]), candidates[m].quality.width_px) for m in members]).T
    found = []
    for p, seat in enumerate(seats):
        distance = np.hypot(x - seat.x, y - seat.y) / np.maximum(width, seat.width_px)
        share = width / seat.width_px
        is_near = (distance <= REACH) & (share > 1 / SCALE_RANGE) & (share < SCALE_RANGE)
        found += [(float(distance[i]), p, members[i]) for i in np.flatnonzero(is_near).tolist()]
    return found


def turns(a: frozenset[int], b: frozenset[int]) -> int:
    """Return how often a seat changes between two tracks, given the captures of each."""
    order = sorted([(slot, 0) for slot in a] + [(slot, 1) for slot in b])
    return sum(x[1] != y[1] for x, y in pairwise(order))


def _by_slot(candidates: Sequence[Candidate]) -> Iterable[list[int]]:
    slots: dict[int, list[int]] = {}
    for index, candidate in enumerate(candidates):
        slots.setdefault(candidate.slot, []).append(index)
    return (slots[slot] for slot in sorted(slots))


def _centre(face: Candidate) -> tuple[float, float]:
    return face.box.x + face.box.w / 2, face.box.y + face.box.h / 2
