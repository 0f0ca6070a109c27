"""Unnamed persons who resemble a student who was hardly seen: a reason for a person to look again.

A person whose faces stay below the thresholds has no name in any capture. A student with a mask or sunglasses, or far
away, may therefore count as absent. The ranking still shows which student the person resembles most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_daemon.attendance.evidence.identities import exclude, unite
from edge_daemon.attendance.evidence.student_odds import KnownStudents, odds_of, probabilities
from edge_daemon.attendance.evidence.thresholds import NOBODY
from edge_daemon.attendance.evidence.tracks import Track
from edge_daemon.attendance.seat_map import median_box
from edge_daemon.types import Box, Candidate

LEAST_PROBABILITY = 0.08
"""From here on an absence is in doubt. Of students made without pictures (`benchmarks.scenarios.simulated`) of 51
people on whom the network was not trained then, 4.1 % of the absent ones carried a doubt from 0.1 on and 7.8 % from
0.05 on, and 6 and 3 of 1,790 present ones were called absent without one."""


@dataclass(frozen=True, slots=True)
class UnnamedPerson:
    """An unnamed person who may be a student."""

    student_id: str
    probability: float
    """Probability that the person is this student, 0 to 1."""
    slots: frozenset[int]
    """The captures in which the person was seen."""
    box: Box
    """The median box of the face."""
    members: tuple[int, ...] = ()
    """Indices into the lesson's faces."""


def unnamed_persons(
    tracks: Sequence[Track],
    named: Sequence[int],
    faces: Sequence[Candidate],
    known: KnownStudents,
    share: float,
) -> list[UnnamedPerson]:
    """Return who of those without a name may be which student; one person may be several students.

    Args:
        tracks: the tracks of one lesson.
        named: the student of each track, or NOBODY.
        faces: the faces of the lesson, which the tracks index.
        known: the students.
        share: the share of the people in the room who are enrolled.
    """
    slots = [frozenset(faces[member].slot for member in track.members) for track in tracks]
    taken: dict[int, frozenset[int]] = {}
    for student, own in zip(named, slots, strict=True):
        if student != NOBODY:
            taken[student] = taken.get(student, frozenset()) | own
    unnamed = [i for i, student in enumerate(named) if student == NOBODY]
    if not unnamed or not known.ids:
        return []
    groups = unite([tracks[i] for i in unnamed], [slots[i] for i in unnamed])
    found = []
    for group in groups:
        own_tracks = [tracks[unnamed[i]] for i in group]
        own_slots = frozenset().union(*(slots[unnamed[i]] for i in group))
        for student, probability in _alike(own_tracks, own_slots, faces, taken, known, share):
            members = tuple(m for track in own_tracks for m in track.members)
            box = median_box([faces[member].box for member in members])
            found.append(UnnamedPerson(known.ids[student], probability, own_slots, box, members))
    return found


def _alike(
    tracks: Sequence[Track],
    slots: frozenset[int],
    faces: Sequence[Candidate],
    taken: Mapping[int, frozenset[int]],
    known: KnownStudents,
    share: float,
) -> list[tuple[int, float]]:
    """Return the students who are probable enough, and how probable each is."""
    possible = [i for i in range(len(known.ids)) if i not in taken or not exclude(taken[i], slots)]
    if not possible:
        return []
    each = probabilities(odds_of(tracks, faces, known), share, possible)
    return [(int(student), float(each[student])) for student in np.flatnonzero(each > LEAST_PROBABILITY)]
