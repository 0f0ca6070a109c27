"""Splits the faces of a seat into tracks; a track has the faces of one person, who has no name yet.

People come late and leave, and others take their chairs, so a seat does not identify a person. The module therefore
groups the faces of a seat by similarity (track_clustering.py). A blurred or turned face may be left over. It joins the
track that surrounds it in time unless its own similarity contradicts that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_daemon.attendance.evidence.track_clustering import Matrix, average_linkage
from edge_daemon.types import Vector

JOIN_COSINE = 0.24
"""A left-over face joins the track before or after it if its mean cosine to the track's faces is at least this."""
CONTRADICT_COSINE = 0.10
"""Replaces `JOIN_COSINE` for a left-over face if the same track is both before and after it."""
NEIGHBOUR_COSINE = 0.08
"""Bonus to a face's mean cosine to a track, for each of the seat's faces just before and after that is in the track.

Nobody sits down for a single capture.
"""
SOLID_FACES = 3
"""A group with at least this many faces is a separate track, which other faces may join."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Faces of one unnamed person at one seat."""

    seat: int
    members: tuple[int, ...]
    """Indices into the lesson's candidates, ordered by slot."""
    similarity: float
    """Mean cosine between two different faces of the track; NaN for a single face."""
    centre: Vector
    """Mean vector of the faces. The product of the centres of two tracks is the mean cosine between their faces."""


def track_seat(seat: int, members: Sequence[int], slots: Sequence[int], vectors: Vector) -> list[Track]:
    """Split the faces of one seat into tracks.

    Args:
        seat: number of the seat.
        members: indices into the lesson's candidates, ordered by slot.
        slots: the capture of each face.
        vectors: (n, d), a row of length 1 for each face; the product of two rows is the similarity of the faces.
    """
    cosines = vectors @ vectors.T
    groups = average_linkage(cosines, slots)
    solid = [list(g) for g in groups if len(g) >= SOLID_FACES]
    small = [g for g in groups if len(g) < SOLID_FACES]
    loose = sorted(i for g in small for i in g)
    home = {i: number for number, group in enumerate(solid) for i in group}
    joined = {i: _join(i, home, slots, cosines) for i in loose}
    for i, number in joined.items():
        if number is not None:
            solid[number].append(i)
    _settle(solid, slots, cosines)
    left = [[i for i in g if joined[i] is None] for g in small]
    return [make_track(seat, sorted(g), members, vectors) for g in [*solid, *left] if g]


def _join(face: int, home: dict[int, int], slots: Sequence[int], cosines: Matrix) -> int | None:
    """Return the number of the track that a left-over face joins; None if it joins none."""
    before = max((i for i in home if slots[i] < slots[face]), key=lambda i: slots[i], default=None)
    after = min((i for i in home if slots[i] > slots[face]), key=lambda i: slots[i], default=None)
    sides = {home[i] for i in (before, after) if i is not None}
    if not sides:
        return None
    mean = {number: float(np.mean([cosines[face, i] for i in home if home[i] == number])) for number in sides}
    best = max(sides, key=lambda number: mean[number])
    surrounded = before is not None and after is not None and len(sides) == 1
    return best if mean[best] >= (CONTRADICT_COSINE if surrounded else JOIN_COSINE) else None


def _settle(groups: list[list[int]], slots: Sequence[int], cosines: Matrix) -> None:
    """Move each face to the most similar track, with a bonus for the tracks of the faces just before and after."""
    if len(groups) < 2:
        return
    home = {i: number for number, group in enumerate(groups) for i in group}
    order = sorted(home, key=lambda i: slots[i])
    for position, face in enumerate(order):
        near = [home[i] for i in order[max(0, position - 1) : position] + order[position + 1 : position + 2]]
        votes = [
            _mean_cosine(face, group, cosines) + NEIGHBOUR_COSINE * near.count(n) for n, group in enumerate(groups)
        ]
        best = int(np.argmax(votes))
        if best != home[face] and len(groups[home[face]]) > 1:
            groups[home[face]].remove(face)
            groups[best].append(face)
            home[face] = best


def _mean_cosine(face: int, group: list[int], cosines: Matrix) -> float:
    others = [i for i in group if i != face]
    return float(np.mean(cosines[face, others])) if others else -1.0


def make_track(seat: int, group: list[int], members: Sequence[int], vectors: Vector) -> Track:
    """Return the track of some faces of a seat; arguments as in `track_seat`, `group` has indices into `members`."""
    own = vectors[group]
    count = len(group)
    # The sum over all ordered pairs is the squared length of the sum; each face with itself gives 1.
    pairs = float(np.sum(own.sum(axis=0) ** 2)) - count
    similarity = pairs / (count * (count - 1)) if count > 1 else float("nan")
    return Track(seat, tuple(members[i] for i in group), similarity, own.mean(axis=0))
