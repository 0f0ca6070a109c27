"""Assigns students to persons by the similarity of all their faces; a person may stay a stranger.

No student is at two seats in one capture.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.evidence.assignment_solver import assign
from edge_daemon.attendance.evidence.identities import exclude, familiarity, unite
from edge_daemon.attendance.evidence.seat_history import seat_thresholds
from edge_daemon.attendance.evidence.second_pass import second_look
from edge_daemon.attendance.evidence.thresholds import NOBODY, Thresholds
from edge_daemon.attendance.evidence.track_steadiness import steadiness
from edge_daemon.attendance.evidence.tracks import SOLID_FACES, Track
from edge_daemon.types import Candidate

Scores = NDArray[np.float64]


class NameGains(Protocol):
    """Computes the gain of giving each name to each person, as `naming.NamesByProbability` does."""

    def gains(self, people: Sequence[Sequence[Track]], faces: Sequence[int]) -> Scores:
        """Return the gain of giving each student's name to each person, (people, students).

        The gain is 0 for a name that must not be given. It is larger for a more certain name and for more faces.

        Args:
            people: the tracks of each person.
            faces: the number of faces of each person.
        """

    def gains_left(self, faces: Sequence[int], named: Sequence[int], slots: Sequence[frozenset[int]]) -> Scores:
        """Return the gains of giving the names that are still free to people without a name, (people, students).

        All other gains are 0. Call it after `gains`, when the other people have their names.

        Args:
            faces: the number of faces of each person.
            named: the index of each person's student, or NOBODY.
            slots: the captures of each person.
        """


COHORT = 5
"""Number of other students in a student's cohort. They are those to whom the face is most similar."""
COHORT_WEIGHT = 0.5
"""Weight of the mean similarity to the `COHORT` other students; it is subtracted from the similarity to the student.

Some faces resemble everybody, especially far and blurred ones. Subtracting half the mean similarity of the five next
students halves the false refusals, at the same rate of named strangers (adaptive cohort normalisation, Matejka et al.
2017).
"""


def identify_tracks(
    tracks: Sequence[Track],
    faces: Sequence[Candidate],
    student_ids: Sequence[str],
    look_alikes: Collection[tuple[str, str]],
    constants: Thresholds,
    by_probability: NameGains | None = None,
) -> list[int]:
    """Return the index of each track's student, or NOBODY for an unknown person.

    Args:
        tracks: the tracks of one lesson.
        faces: all faces of the lesson; tracks hold indices into this list.
        student_ids: the enrolled students.
        look_alikes: pairs of ids of similar students, who need a larger lead over each other.
        constants: thresholds for names.
        by_probability: computes the gains of names. If None, `constants` decides.
    """
    slots = [frozenset(faces[m].slot for m in track.members) for track in tracks]
    alike = familiarity(tracks)
    if by_probability is None:
        by_track = _name_identities(tracks, slots, alike, faces, student_ids, look_alikes, constants)
    else:
        by_track = _name_by_gains(tracks, slots, alike, by_probability, constants)
    scores = np.stack([score([track], faces) for track in tracks])
    sizes = np.array([len(track.members) for track in tracks], dtype=np.float64)
    lower = seat_thresholds(tracks, by_track, slots, scores, alike, constants)
    large = sizes >= constants.large_faces
    contradict = (alike < constants.large_contradiction) & large & large[:, None]
    _assign_in_rounds(by_track, _gains(scores, lower, sizes[:, None]), slots, contradict)
    return by_track


def _name_by_gains(
    tracks: Sequence[Track],
    slots: Sequence[frozenset[int]],
    alike: Scores,
    by_probability: NameGains,
    constants: Thresholds,
) -> list[int]:
    """Return the student of each track by the gains of `by_probability`; all tracks of a person get the same one."""
    united = unite(tracks, slots)
    identities = [[tracks[i] for i in identity] for identity in united]
    faces = [sum(len(track.members) for track in one) for one in identities]
    named = [NOBODY] * len(identities)
    identity_slots = [frozenset().union(*(slots[i] for i in identity)) for identity in united]
    contradict = _contradictions(united, tracks, alike, constants)
    _assign_in_rounds(named, by_probability.gains(identities, faces), identity_slots, contradict)
    before: list[int] = []
    while before != named:
        before = list(named)
        _assign_in_rounds(named, by_probability.gains_left(faces, named, identity_slots), identity_slots, contradict)
    by_track = [NOBODY] * len(tracks)
    for identity, student in zip(united, named, strict=True):
        for track in identity:
            by_track[track] = student
    return by_track


def _name_identities(
    tracks: Sequence[Track],
    slots: Sequence[frozenset[int]],
    alike: Scores,
    faces: Sequence[Candidate],
    student_ids: Sequence[str],
    look_alikes: Collection[tuple[str, str]],
    constants: Thresholds,
) -> list[int]:
    """Return the student of each track by scores and thresholds; all tracks of a person get the same one."""
    united = unite(tracks, slots)
    identities = [[tracks[i] for i in identity] for identity in united]
    identity_slots = [frozenset().union(*(slots[i] for i in identity)) for identity in united]
    scores = np.stack([score(identity, faces) for identity in identities])
    gains = np.stack([_identity_gains(identity, faces, constants) for identity in identities])
    contradict = _contradictions(united, tracks, alike, constants)
    again = _gains(_second_pass(identities, faces, scores, identity_slots, constants), np.float64(0.0), np.float64(1.0))
    named = [NOBODY] * len(identities)
    for look in (gains, again):
        _assign_in_rounds(named, look, identity_slots, contradict)
        named = _drop_doubtful(named, scores, identity_slots, student_ids, look_alikes, constants)
    by_track = [NOBODY] * len(tracks)
    for identity, student in zip(united, named, strict=True):
        for track in identity:
            by_track[track] = student
    return by_track


def _second_pass(
    identities: Sequence[Sequence[Track]],
    faces: Sequence[Candidate],
    scores: Scores,
    slots: Sequence[frozenset[int]],
    constants: Thresholds,
) -> Scores:
    own = [[faces[m] for track in identity for m in track.members] for identity in identities]
    counts, widths = [len(of_person) for of_person in own], [_mean_width_px(of_person) for of_person in own]
    thresholds = [constants.threshold(width, count) for width, count in zip(widths, counts, strict=True)]
    return second_look(scores, thresholds, widths, counts, slots)


def _identity_gains(identity: Sequence[Track], faces: Sequence[Candidate], constants: Thresholds) -> Scores:
    """Return the gain of each name for a person, (students,); 0 for a name that must not be given.

    The gain is computed from all tracks together and from each track of three or more faces alone. The largest counts.
    A person who was recognised in the second row may move to the last row.
    """
    parts = [
        list(identity),
        *([track] for track in identity if len(identity) > 1 and len(track.members) >= SOLID_FACES),
    ]
    gains = []
    for part in parts:
        own = [faces[m] for track in part for m in track.members]
        threshold = constants.threshold(_mean_width_px(own), len(own))
        gains.append(_gains(score(part, faces), np.float64(threshold), np.float64(len(own))))
    return np.asarray(np.max(gains, axis=0), dtype=np.float64)


def score(tracks: Sequence[Track], faces: Sequence[Candidate]) -> Scores:
    """Return how much more similar the faces are to each student than to the most similar others, (students,)."""
    parts = [_pooled(track, faces) * len(track.members) for track in tracks]
    return _normalised(np.sum(parts, axis=0) / sum(len(track.members) for track in tracks))


def _mean_width_px(faces: Sequence[Candidate]) -> float:
    return sum(face.quality.width_px for face in faces) / len(faces)


def _pooled(track: Track, faces: Sequence[Candidate]) -> Scores:
    mean = np.mean([faces[m].similarities for m in track.members], axis=0)
    return np.asarray(mean / steadiness(len(track.members), track.similarity), dtype=np.float64)


def _normalised(pooled: Scores) -> Scores:
    """Return each student's similarity minus half of the mean similarity of the most similar other students."""
    count = min(COHORT, len(pooled) - 1)
    if count == 0:
        return pooled
    order = np.argsort(-pooled)
    best = pooled[order[: count + 1]]
    cohort = np.full(len(pooled), best[:count].mean())
    cohort[order[:count]] = (best.sum() - best[:count]) / count  # a student is not in his own cohort
    return np.asarray(pooled - COHORT_WEIGHT * cohort, dtype=np.float64)


def _contradictions(
    identities: Sequence[Sequence[int]], tracks: Sequence[Track], alike: Scores, constants: Thresholds
) -> NDArray[np.bool_]:
    """Return which persons look too different to be one student, (persons, persons), by the largest track of each.

    Somebody who takes a student's seat may resemble the student's portraits, but not the faces of the student who sat
    there before.
    """
    largest = [max(identity, key=lambda i: len(tracks[i].members)) for identity in identities]
    faces = np.array([len(tracks[i].members) for i in largest])
    fewer = np.minimum(faces[:, None], faces[None, :])
    least = np.where(fewer >= constants.large_faces, constants.large_contradiction, constants.contradiction)
    return np.asarray((alike[np.ix_(largest, largest)] < least) & (fewer >= SOLID_FACES))


def _gains(scores: Scores, thresholds: Scores | np.float64, sizes: Scores | np.float64) -> Scores:
    """Return the gain of each name: larger for more faces and for a score farther above the threshold, 0 below it."""
    gains = (scores - thresholds + 0.05) * np.sqrt(sizes)
    return np.asarray(np.where(scores >= thresholds, gains, 0.0), dtype=np.float64)


def _assign_in_rounds(
    named: list[int], gains: Scores, slots: Sequence[frozenset[int]], contradict: NDArray[np.bool_]
) -> None:
    """Write students into the unnamed rows of `named` until no gain is left.

    Each round gives a student at most one more row. Students may get several, because people move within a lesson.
    """
    while True:
        new = assign(_without_conflicts(gains, named, slots, contradict))
        if all(student < 0 for student in new):
            return
        for row, student in enumerate(new):
            if student >= 0:
                named[row] = student


def _without_conflicts(
    gains: Scores, named: Sequence[int], slots: Sequence[frozenset[int]], contradict: NDArray[np.bool_]
) -> Scores:
    """Return the gains, with 0 for rows that have a name already and for impossible names.

    A name is impossible for a row if the student has another row that shares a capture with it or contradicts it.
    """
    left: Scores = gains.copy()
    for row, student in enumerate(named):
        if student == NOBODY:
            continue
        left[row] = 0.0
        for other in range(len(named)):
            if contradict[row, other] or exclude(slots[other], slots[row]):
                left[other, student] = 0.0
    return left


def _drop_doubtful(
    named: Sequence[int],
    scores: Scores,
    slots: Sequence[frozenset[int]],
    student_ids: Sequence[str],
    look_alikes: Collection[tuple[str, str]],
    constants: Thresholds,
) -> list[int]:
    """Return `named` without names for which another student, not seen elsewhere at the time, scores nearly as high."""
    result = list(named)
    for row, student in enumerate(named):
        if student == NOBODY:
            continue
        for rival in np.argsort(-scores[row])[:3]:
            pair = tuple(sorted((student_ids[student], student_ids[int(rival)])))
            margin = constants.look_alike_margin if pair in look_alikes else constants.margin
            elsewhere = any(n == rival and slots[k] & slots[row] for k, n in enumerate(named))
            if rival != student and not elsewhere and scores[row, student] - scores[row, rival] < margin:
                result[row] = NOBODY
    return result
