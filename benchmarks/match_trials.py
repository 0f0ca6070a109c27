"""Makes trials from photographs. A trial compares one person with all students of one class.

In each trial a class is enrolled from one to three photographs a student. Then people are compared with it: its
students, and as many strangers. Each is seen in some captures, near or far, bare, moving or with a part of the face
covered. The program's own code makes the templates, the tracks, the scores and the features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.match_faces import WIDTHS_PX, Photograph, Probe
from edge_daemon.attendance.evidence.match_features import PersonEvidence, features, person_evidence
from edge_daemon.attendance.evidence.tracks import make_track
from edge_daemon.gallery.match import Matcher
from edge_daemon.types import Box, Candidate, CoveredTemplates, Quality, StudentTemplates, Vector

STRANGER = -1
MIXED = "mixed"
CLASS_SIZES = (12, 30)
"""Least and largest number of students."""
FACES = (1, 1, 2, 3, 5, 10, 20, 40)
CONDITION_SHARES = {"bare": 0.55, "motion": 0.15, "mask": 0.15, "glasses": 0.15}
COVERS = ("mask", "glasses")
NOISE = 0.35
"""Length of the noise added to a vector of length 1, because two captures never show the same picture."""
ENROLLED_SHARES = (0.2, 0.2, 0.6)
"""Shares of the students with one, two and three photographs."""

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trial:
    """One person in front of one class."""

    evidence: PersonEvidence
    features: Scores
    """The evidence for each student, (students, features)."""
    weighted: Scores
    """(students,): mean similarity weighted by the square root of the width, relative to the other students."""
    student: int
    """Index of the student in the class, or STRANGER."""
    width: str
    condition: str
    photographs_each: Scores
    """(students,): number of enrolment photographs of each student."""


def trials(people: Mapping[str, Sequence[Photograph]], rounds: int, random: np.random.Generator) -> Iterator[Trial]:
    """Yield the trials of some classes; arguments as in `classes`."""
    for own in classes(people, rounds, random):
        yield from own


def classes(
    people: Mapping[str, Sequence[Photograph]], rounds: int, random: np.random.Generator
) -> Iterator[list[Trial]]:
    """Yield the trials of each class: its students in their order, then as many strangers.

    Args:
        people: everybody has at least four photographs.
        rounds: number of classes.
        random: chooses everything.
    """
    names = sorted(people)
    for _ in range(rounds):
        order = [names[i] for i in random.permutation(len(names))]
        size = min(int(random.integers(CLASS_SIZES[0], CLASS_SIZES[1] + 1)), len(names) // 2)
        enrolled = {name: int(random.choice((1, 2, 3), p=ENROLLED_SHARES)) for name in order[:size]}
        shuffled = {name: [people[name][i] for i in random.permutation(len(people[name]))] for name in order}
        matcher = Matcher([templates_of(name, shuffled[name][:count]) for name, count in enrolled.items()])
        counts = np.array(list(enrolled.values()), np.float64)
        yield [
            _trial(
                shuffled[name][enrolled.get(name, 1) :], place if place < size else STRANGER, matcher, counts, random
            )
            for place, name in enumerate(order[: 2 * size])
        ]


def _trial(
    own: Sequence[Photograph], student: int, matcher: Matcher, counts: Scores, random: np.random.Generator
) -> Trial:
    condition = str(random.choice(list(CONDITION_SHARES), p=list(CONDITION_SHARES.values())))
    width = str(random.choice([*(f"{w:g}" for w in WIDTHS_PX), MIXED]))
    probes = [
        p for photo in own for p in photo.probes if p.condition == condition and width in (MIXED, f"{p.width_px:g}")
    ]
    seen = [probes[i] for i in random.integers(0, len(probes), int(random.choice(FACES)))]
    vectors = np.stack([noisy(p.vector, random) for p in seen])
    similarities, gains = matcher.compared(vectors, np.array([p.width_px for p in seen], np.float32))
    faces = [_candidate(number, *row) for number, row in enumerate(zip(seen, similarities, gains, strict=True))]
    members = list(range(len(faces)))
    evidence = person_evidence([make_track(0, members, members, vectors)], faces)
    roots = np.sqrt([p.width_px for p in seen])
    pooled = np.average(similarities, axis=0, weights=roots)
    return Trial(
        evidence,
        features(evidence, counts),
        np.asarray(pooled, np.float64),
        student,
        width,
        condition,
        counts,
    )


def noisy(vector: Vector, random: np.random.Generator) -> Vector:
    """Return the vector of another capture of the same photograph."""
    found = vector + random.normal(0, NOISE / np.sqrt(len(vector)), len(vector))
    return np.asarray(found / np.linalg.norm(found), np.float32)


def _candidate(slot: int, probe: Probe, similarities: Vector, cover_gains: Vector) -> Candidate:
    box = Box(0.0, 0.0, probe.width_px, 1.25 * probe.width_px)
    quality = Quality(probe.width_px, probe.sharpness, probe.presence)
    return Candidate(slot, box, 1.0, quality, True, similarities, None, cover_gains=cover_gains)


def templates_of(student_id: str, own: Sequence[Photograph]) -> StudentTemplates:
    """Return the templates that enrolment makes of some photographs: bare, and with painted covers."""
    covered = tuple(
        CoveredTemplates(
            np.stack([p.vector for photo in own for p in photo.probes if p.condition == kind]),
            np.array([p.width_px for photo in own for p in photo.probes if p.condition == kind], np.float32),
        )
        for kind in COVERS
    )
    vectors = np.concatenate([photo.templates for photo in own])
    return StudentTemplates(student_id, vectors, np.concatenate([photo.widths_px for photo in own]), covered)
