"""The evidence on whether a person is a student, as numbers from which a network computes a probability."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.evidence.track_identification import score
from edge_daemon.attendance.evidence.track_steadiness import TYPICAL_AGREEMENT
from edge_daemon.attendance.evidence.tracks import Track
from edge_daemon.types import Candidate

Scores = NDArray[np.float64]

FEATURES = (
    "score",
    "similarity",
    "lead",
    "gap_behind",
    "faces",
    "width",
    "agreement",
    "sharpness",
    "presence",
    "photographs",
    "cover_gain",
)
"""Names of the columns of `features()`."""

UNKNOWN_COVER_GAIN = 0.1
"""Assumed `Candidate.cover_gains` of faces that were stored by a release without them.

It is the mean over the examples of the training. With it a network has the log loss of one that was trained without
cover gains (0.122 and 0.121 nats, for people who are not in the training). With 0 the log loss is 0.130 nats.
"""
_TYPICAL_WIDTH_PX = 40.0
_MOST_FACES = 16.0
"""Largest number of faces that counts as evidence. Further faces add little: they show the same pose and light."""


@dataclass(frozen=True, slots=True)
class PersonEvidence:
    """The evidence from the faces of one person in a lesson, named or not."""

    scores: Scores
    """(students,), the score of each student, see `track_identification.score`."""
    similarities: Scores
    """(students,), the mean similarity of the faces to each student."""
    faces: int
    """Number of faces."""
    width_px: float
    """Mean width of the faces in their pictures."""
    agreement: float
    """Mean cosine between two faces of one track; `TYPICAL_AGREEMENT` if each track is a single face."""
    sharpness: float
    """Mean sharpness of the faces, 0 to 1."""
    presence: float
    """Mean `Quality.presence` of the faces, 0 to 1."""
    cover_gains: Scores
    """(students,), the mean `Candidate.cover_gains` of the faces that have them.

    If no face has them, each is `UNKNOWN_COVER_GAIN`.
    """


def person_evidence(tracks: Sequence[Track], faces: Sequence[Candidate]) -> PersonEvidence:
    """Return the evidence from the tracks of one person.

    Args:
        tracks: the tracks of the person, at least one.
        faces: the faces of the lesson; the members of the tracks are indices into them.
    """
    own = [faces[member] for track in tracks for member in track.members]
    known = [track for track in tracks if len(track.members) > 1]
    pairs = [len(track.members) * (len(track.members) - 1) for track in known]
    agreement = np.average([track.similarity for track in known], weights=pairs) if known else TYPICAL_AGREEMENT
    return PersonEvidence(
        scores=score(tracks, faces),
        similarities=np.asarray(np.mean([face.similarities for face in own], axis=0), np.float64),
        faces=len(own),
        width_px=float(np.mean([face.quality.width_px for face in own])),
        agreement=float(agreement),
        sharpness=float(np.mean([face.quality.sharpness for face in own])),
        presence=float(np.mean([face.quality.presence for face in own])),
        cover_gains=_cover_gains(own),
    )


def _cover_gains(faces: Sequence[Candidate]) -> Scores:
    known = [face.cover_gains for face in faces if face.cover_gains is not None]
    unknown = np.full(len(faces[0].similarities), UNKNOWN_COVER_GAIN)
    return np.asarray(np.mean(known, axis=0) if known else unknown, np.float64)


def features(
    evidence: PersonEvidence, photographs: Scores, look_alikes: Mapping[int, Collection[int]] = MappingProxyType({})
) -> Scores:
    """Return the numbers of `FEATURES` for each student, (students, len(FEATURES)), each about from -2 to 2.

    Args:
        evidence: the evidence from the faces of one person.
        photographs: (students,), the number of photographs with which each student was enrolled.
        look_alikes: the look-alikes of a student, by index; their similarity is no evidence against this student.
    """
    scores = evidence.scores
    best_other = _best_others(scores, look_alikes)
    count = len(scores)
    columns = [
        4 * scores,
        3 * evidence.similarities,
        5 * (scores - best_other[:, 0]),
        5 * (best_other[:, 0] - best_other[:, 1]),
        np.full(count, np.log2(min(evidence.faces, _MOST_FACES)) / 2 - 1),
        np.full(count, np.log2(evidence.width_px / _TYPICAL_WIDTH_PX)),
        np.full(count, 3 * (evidence.agreement - TYPICAL_AGREEMENT)),
        np.full(count, 4 * (evidence.sharpness - 0.5)),
        np.full(count, 2 * (evidence.presence - 0.5)),
        np.log2(np.clip(photographs, 1, 6)) - 1,
        4 * evidence.cover_gains,
    ]
    return np.stack(columns, axis=1)


def _best_others(scores: Scores, look_alikes: Mapping[int, Collection[int]]) -> Scores:
    """Return, for each student, the two best scores among the other students, (students, 2); 0 if there is no other."""
    order = np.argsort(-scores)
    ranked = np.concatenate([scores[order], np.zeros(3)])
    rank = np.empty(len(scores), np.intp)
    rank[order] = np.arange(len(scores))
    first = np.where(rank == 0, ranked[1], ranked[0])
    second = np.where(rank <= 1, ranked[2], ranked[1])
    best = np.stack([first, second], axis=1)
    for student, alike in look_alikes.items():
        others = (other for other in order if other != student and other not in alike)
        best[student] = [*(scores[other] for other in islice(others, 2)), 0.0, 0.0][:2]
    return best
