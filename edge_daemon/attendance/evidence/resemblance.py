"""Finds unidentified people who most resemble a student with few sightings, so that an absence can be checked.

A person whose faces stay below the thresholds has no name in any capture. A student with a mask or sunglasses, or far
away, may therefore count as absent. But it is still known which student the person resembles most.
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

LEAST_PROBABILITY = 0.1
"""A student's absence is in doubt if an unnamed person is this student with at least this probability.

Measured in 960 simulated lessons (`benchmarks.scenarios.simulated`) with networks that had not seen their 101 people.
The people held back for evaluation were not among them. 7.3 % of the absent students carry a doubt, and 14 of 7,304
present ones are called absent without a doubt. With a limit of 0.12 these figures are 6.5 % and 18, with 0.08 they are
8.5 % and 11.
"""


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
    members: tuple[int, ...]
    """Indices of the person's faces in the list of the lesson's faces."""


def unnamed_persons(
    tracks: Sequence[Track],
    named: Sequence[int],
    faces: Sequence[Candidate],
    known: KnownStudents,
    share: float,
) -> list[UnnamedPerson]:
    """Return the people without a name who may be students, once for each student that the person may be.

    Args:
        tracks: the tracks of one lesson.
        named: the index of each track's student, or NOBODY.
        faces: all faces of the lesson; tracks hold indices into this list.
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
    """Return index and probability of each student who is this person with a probability above `LEAST_PROBABILITY`.

    Students who were recognised elsewhere at the same time are left out.
    """
    possible = [i for i in range(len(known.ids)) if i not in taken or not exclude(taken[i], slots)]
    if not possible:
        return []
    each = probabilities(odds_of(tracks, faces, known), share, possible)
    return [(int(student), float(each[student])) for student in np.flatnonzero(each > LEAST_PROBABILITY)]
