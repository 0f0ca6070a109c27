"""Unnamed persons who resemble a student who was hardly seen: a reason for a person to look again.

A person whose faces stay below the thresholds has no name in any capture. A student with a mask or sunglasses, or far
away, may therefore count as absent. The ranking still shows which student the person resembles most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from edge_daemon.attendance.evidence.identities import exclude, unite
from edge_daemon.attendance.evidence.student_odds import KnownStudents, odds_of, probabilities
from edge_daemon.attendance.evidence.thresholds import NOBODY
from edge_daemon.attendance.evidence.tracks import Track
from edge_daemon.types import Box, Candidate

LEAST_PROBABILITY = 0.5
"""Below, somebody else is more probable. Of students made without pictures, of the people that training knows
(`benchmarks.scenarios.simulated`), 3 % of the absent ones then carry the doubt, and 78 % of the present ones without a
name; from 0.35 on it would be 4 % and 82 %."""


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
    """Return who of those without a name may be which student: at most one student a person, the most probable one.

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
        person = _most_like(own_tracks, own_slots, faces, taken, known, share)
        if person is not None:
            student, probability = person
            box, members = _median_box(own_tracks, faces), tuple(m for track in own_tracks for m in track.members)
            found.append(UnnamedPerson(known.ids[student], probability, own_slots, box, members))
    return found


def _most_like(
    tracks: Sequence[Track],
    slots: frozenset[int],
    faces: Sequence[Candidate],
    taken: Mapping[int, frozenset[int]],
    known: KnownStudents,
    share: float,
) -> tuple[int, float] | None:
    """Return the most probable student of a person and the probability; None where it is small."""
    possible = [i for i in range(len(known.ids)) if i not in taken or not exclude(taken[i], slots)]
    if not possible:
        return None
    each = probabilities(odds_of(tracks, faces, known), share, possible)
    best = int(each.argmax())
    probability = float(each[best])
    return (best, probability) if probability > LEAST_PROBABILITY else None


def _median_box(tracks: Sequence[Track], faces: Sequence[Candidate]) -> Box:
    boxes = [faces[member].box for track in tracks for member in track.members]
    return Box(*(median(getattr(box, side) for box in boxes) for side in ("x", "y", "w", "h")))
