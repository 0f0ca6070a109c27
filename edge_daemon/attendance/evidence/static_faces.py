"""Detects pictures of faces in a lesson: prints held up or pinned to a wall, posters, still screens.

The decision needs the whole lesson, never one capture, because many people do not move at all for three seconds. A
logistic regression on the motion (face_motion.py) decides. It was fitted to composed lessons (`benchmarks.prints`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from edge_daemon.attendance.evidence.face_motion import LEAST_CAPTURES, Array, motion
from edge_daemon.attendance.evidence.identities import unite
from edge_daemon.attendance.evidence.student_odds import KnownStudents, odds_of, probabilities
from edge_daemon.attendance.evidence.tracks import Track
from edge_daemon.types import Box, Candidate, Face

Measured = Face | Candidate

LEAST_SPAN_S = 1800.0
"""Least seconds for a decision between the first and the last capture in which the face has points.

In a shorter time, or in fewer captures than `LEAST_CAPTURES`, a person may have sat still.
"""
LEAST_PROBABILITY = 0.65
"""Least probability at which a face counts as a picture of a face."""
LEAST_PROBABILITY_SMALL = 0.8
"""Replaces `LEAST_PROBABILITY` for small faces, which require more certainty, because their mesh is noisy.

A student in the last row who counts as a picture needs a teacher's decision each time.
"""
SMALL_PX = 40.0
"""A face is small if its median width is below this."""
# fmt: off
_WEIGHTS = (
    -1.201, -0.287, -1.682, -1.895, -1.727, -1.515, 0.757, -0.800, -1.062, -1.302,
    2.152, 2.885, -0.105, 0.396, -0.397, -0.890, 0.086, -0.676, 1.035, 0.572,
    -1.959, -0.916, -1.517, -1.136, -0.034, 3.221, 0.195,
)
# fmt: on
_BIAS = 2.044
"""Bias of the logistic regression; `_WEIGHTS` has one weight for each number of `features`, in their order.

`benchmarks.print_fit` fitted bias and weights to 862 seats of 49 people (Labeled Faces in the Wild). In the test,
each person was left out of the fit in turn. Then 239 of 245 prints from 48 px on counted as pictures, and 3 of 187
living people. So did 211 of 245 prints from 28 to 38 px, and 2 of 185 living people.
"""
LEAST_LIKENESS = 0.5
"""Least probability at which a print counts as a picture of a student; any other person is then less probable."""
MOST_MASKED = 0.5
"""Largest mean probability that nose and mouth are covered.

Above it no face counts as a picture, because the mesh guesses covered points, and guessed points do not move. Covered
eyes do not matter here, because spectacles are often taken for covered eyes.
"""


@dataclass(frozen=True, slots=True)
class PrintedStudent:
    """A picture of a student that was in the room."""

    student_id: str
    probability: float
    """Probability that the picture shows this student, 0 to 1."""
    slots: frozenset[int]
    """The captures in which the picture was seen."""
    box: Box
    """Median place of the face."""


def static_groups(
    tracks: Sequence[Track], faces: Sequence[Candidate], seconds_of: Mapping[int, float]
) -> list[list[int]]:
    """Return the groups of tracks that are pictures of faces, as indices of the tracks; each group shows one person.

    The tracks of one person form a group if their faces together are a picture, and if no track with enough evidence of
    its own is a living face. Otherwise each track that is a picture forms a group alone, because the student may sit in
    one seat and the portrait hang at another.

    Args:
        tracks: the tracks of one lesson.
        faces: the faces that the tracks index.
        seconds_of: time of each capture by slot, in seconds from any instant.
    """
    if not tracks:
        return []
    slots = [frozenset(faces[member].slot for member in track.members) for track in tracks]
    found = []
    for group in unite(tracks, slots):
        each = {i: _picture([faces[m] for m in tracks[i].members], seconds_of) for i in group}
        together = _picture([faces[m] for i in group for m in tracks[i].members], seconds_of)
        if together and False not in each.values():
            found.append(group)
        else:
            found += [[i] for i in group if each[i]]
    return found


def is_static(faces: Sequence[Candidate], seconds_of: Mapping[int, float]) -> bool:
    """Return whether the faces of one person are a picture of a face; False without enough evidence.

    Args:
        faces: the faces of all captures.
        seconds_of: as in `static_groups`.
    """
    return bool(_picture(faces, seconds_of))


def _picture(faces: Sequence[Candidate], seconds_of: Mapping[int, float]) -> bool | None:
    """Return whether faces are a picture of a face; None without enough evidence."""
    measured = [face for face in faces if face.traits.points is not None]
    seconds = [seconds_of[face.slot] for face in measured if face.slot in seconds_of]
    if len(seconds) < LEAST_CAPTURES or max(seconds) - min(seconds) < LEAST_SPAN_S or _masked(measured) > MOST_MASKED:
        return None
    is_small = median(face.quality.width_px for face in measured) < SMALL_PX
    return static_probability(measured) >= (LEAST_PROBABILITY_SMALL if is_small else LEAST_PROBABILITY)


def static_probability(faces: Sequence[Measured]) -> float:
    """Return the probability that faces, which must have points, are pictures of one face, 0 to 1."""
    logit = float(np.array(_WEIGHTS) @ features(faces) + _BIAS)
    return float(1 / (1 + np.exp(-np.clip(logit, -60, 60))))


def features(faces: Sequence[Measured]) -> Array:
    """Return the numbers by which faces with points are judged: their motion and their median width's logarithm."""
    moved = motion([face.traits.points for face in faces if face.traits.points is not None])
    return np.append(moved, np.log(median(face.quality.width_px for face in faces)))


def printed_students(
    groups: Sequence[Sequence[int]],
    tracks: Sequence[Track],
    faces: Sequence[Candidate],
    known: KnownStudents,
    share: float,
) -> list[PrintedStudent]:
    """Return the students whom the prints show, at most one for each print.

    Args:
        groups: result of `static_groups`.
        tracks: the tracks of one lesson.
        faces: the faces that the tracks index.
        known: the students.
        share: the share of the people in the room who are enrolled.
    """
    found = []
    for group in groups:
        own = [tracks[i] for i in group]
        each = probabilities(odds_of(own, faces, known), share)
        best = int(each.argmax())
        if each[best] < LEAST_LIKENESS:
            continue
        members = [faces[member] for track in own for member in track.members]
        box = Box(*(median(getattr(face.box, side) for face in members) for side in ("x", "y", "w", "h")))
        slots = frozenset(face.slot for face in members)
        found.append(PrintedStudent(known.ids[best], float(each[best]), slots, box))
    return found


def _masked(faces: Sequence[Candidate]) -> float:
    seen = [face.traits.visible for face in faces if face.traits.visible is not None]
    return sum(one.lower_hidden for one in seen) / len(seen) if seen else 0.0
