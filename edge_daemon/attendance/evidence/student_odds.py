"""Computes how probable it is that a person is each student or nobody of the class, from the odds of the network.

The network assumes that a person is as probably a stranger as a student. The share of the people in this room who are
enrolled is estimated from the room itself (Saerens et al. 2002, Neural Computation 14). If another class is in the
room, every name requires far more certainty than if all faces are known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.evidence.match_features import PersonEvidence, Scores, person_evidence
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.tracks import SOLID_FACES, Track
from edge_daemon.types import Candidate

USUAL_SHARE = 0.7
"""Assumed share of the people in a room who are enrolled, before any face is evaluated."""
USUAL_WEIGHT = 2.0
"""Weight of `USUAL_SHARE` in the estimated share: it counts as much as this number of people in the room."""
LEAST_SHARE, MOST_SHARE = 0.02, 0.95
GUEST_WEIGHT = 0.2
"""Prior of a student not expected in this lesson, relative to an expected one."""
TYPICAL_PHOTOGRAPHS = 3
"""Assumed number of photographs of a student for whom it is unknown."""
_STEPS = 20
_NEARLY_AS_LIKELY = 0.1
"""Least probability of a look-alike, as a share of the most probable student's, at which both names are possible."""


@dataclass(frozen=True, slots=True)
class KnownStudents:
    """The enrolled students, and the data about each by which names are given; arrays are in the order of `ids`."""

    ids: Sequence[str]
    photographs: Scores
    """Number of enrolment photographs of each student."""
    weights: Scores
    """Prior weight of each student before any face is evaluated; the mean is 1."""
    look_alikes: Mapping[int, frozenset[int]]
    """Maps each student who has look-alikes to them: students with similar photographs. All are indices into `ids`."""
    match: MatchProbability


def known_students(
    ids: Sequence[str],
    match: MatchProbability,
    *,
    photographs: Mapping[str, int] | None = None,
    look_alikes: Collection[tuple[str, str]] = (),
    expected: Collection[str] | None = None,
) -> KnownStudents:
    """Return the `KnownStudents` of a lesson.

    Args:
        ids: the enrolled students, at least one, in the order of the similarities.
        match: computes the odds.
        photographs: number of enrolment photographs of each student, by id.
        look_alikes: pairs of ids of similar students.
        expected: ids of the students of the lesson's course. If None, all students are expected.
    """
    counts = photographs or {}
    place = {student_id: i for i, student_id in enumerate(ids)}
    alike: dict[int, frozenset[int]] = {}
    for a, b in look_alikes:
        if a in place and b in place:
            alike[place[a]] = alike.get(place[a], frozenset()) | {place[b]}
            alike[place[b]] = alike.get(place[b], frozenset()) | {place[a]}
    weights = np.array([1.0 if expected is None or one in expected else GUEST_WEIGHT for one in ids])
    return KnownStudents(
        ids,
        np.array([counts.get(one, TYPICAL_PHOTOGRAPHS) for one in ids], np.float64),
        weights / weights.mean(),
        alike,
        match,
    )


def odds_of(tracks: Sequence[Track], faces: Sequence[Candidate], known: KnownStudents) -> Scores:
    """Return the odds that a person is each student, (students,).

    The odds are computed from all tracks together and from each track of three or more faces alone, and the largest
    odds count. A student who wears sunglasses for half of the lesson is therefore recognised in the other half. The
    odds of one track are multiplied by its share of the faces, because one of many tracks may resemble somebody by
    chance.
    """
    together = _odds(person_evidence(list(tracks), faces), known)
    if len(tracks) == 1:
        return np.asarray(together * known.weights, np.float64)
    count = sum(len(track.members) for track in tracks)
    solid = [track for track in tracks if len(track.members) >= SOLID_FACES]
    each = [_odds(person_evidence([track], faces), known) * (len(track.members) / count) for track in solid]
    return np.asarray(np.max([together, *each], axis=0) * known.weights, np.float64)


def _odds(evidence: PersonEvidence, known: KnownStudents) -> Scores:
    """Return the odds that the person is each student, (students,).

    The similarity of a look-alike is no evidence against a student, because the two ids may be twins or one person.
    """
    probabilities = known.match.each(evidence, known.photographs, known.look_alikes)
    return np.asarray(probabilities / (1 - probabilities), np.float64)


def enrolled_share(odds: Scores, faces: Sequence[int]) -> float:
    """Return the share of the people in a room who are enrolled, by expectation maximisation.

    Args:
        odds: the result of `odds_of` for each person, (people, students).
        faces: number of faces of each person; people with fewer than three are ignored.
    """
    solid = np.array([count >= SOLID_FACES for count in faces], bool)
    best = odds[solid].max(axis=1, initial=0.0)
    share = USUAL_SHARE
    for _ in range(_STEPS if len(best) else 0):
        own = best * share / (1 - share)
        share = float((own / (1 + own)).sum() + USUAL_WEIGHT * USUAL_SHARE) / (len(best) + USUAL_WEIGHT)
        share = min(max(share, LEAST_SHARE), MOST_SHARE)
    return share


def probabilities(odds: Scores, share: float, possible: Iterable[int] | None = None) -> Scores:
    """Return the probability that a person is each of the possible students, (students,); 0 for the others.

    The probabilities of the possible students and of a stranger add up to 1 (Bayes). The fewer students are possible,
    the more probable each of them is.

    Args:
        odds: the result of `odds_of`, (students,).
        share: the result of `enrolled_share` for the room.
        possible: indices of the students who are not seen elsewhere at the same time. If None, all are possible.
    """
    own = odds * (share / (1 - share))
    if possible is not None:
        indices = sorted(possible)
        kept = np.zeros_like(own)
        kept[indices] = own[indices] * (len(own) / max(len(indices), 1))
        own = kept
    return np.asarray(own / (1 + own.sum()), np.float64)


def name_probabilities(odds: NDArray[np.float64], share: float, known: KnownStudents) -> Scores:
    """Return how probable each name is, compared with strangers and other students, (people, students).

    Only the most probable student of a person and this student's look-alikes have a value above 0. The probabilities of
    look-alikes are added, because their faces can't be distinguished. The other people in the room decide between them.
    """
    result = np.zeros_like(odds)
    for person, own in enumerate(odds):
        each = probabilities(own, share)
        best = int(each.argmax())
        for student in {best, *known.look_alikes.get(best, ())}:
            if each[student] >= _NEARLY_AS_LIKELY * each[best]:
                alike = known.look_alikes.get(student, frozenset())
                result[person, student] = each[student] + sum(each[other] for other in alike)
    return np.minimum(result, 1 - 1e-9)
