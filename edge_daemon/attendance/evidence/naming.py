"""Gives a person a student's name if that student is far more probable than a stranger and any other student."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edge_daemon.attendance.evidence.identities import exclude, unite
from edge_daemon.attendance.evidence.match_features import Scores
from edge_daemon.attendance.evidence.presence import PossibleStudent
from edge_daemon.attendance.evidence.resemblance import LEAST_PROBABILITY as DOUBTFUL
from edge_daemon.attendance.evidence.student_odds import (
    USUAL_SHARE,
    KnownStudents,
    enrolled_share,
    name_probabilities,
    odds_of,
    probabilities,
)
from edge_daemon.attendance.evidence.thresholds import NOBODY
from edge_daemon.attendance.evidence.tracks import SOLID_FACES, Track
from edge_daemon.types import Candidate

LEAST_PROBABILITY = 0.8
"""Least probability at which a person gets a name in the first round, in which all students are possible.

Less probable names wait for the next rounds, in which fewer students are left.
"""
LEAST_PROBABILITY_LEFT = 0.8
"""Least probability at which a person gets a name in the later rounds, without students who are seen elsewhere.

Neither another student nor a stranger is then as probable. The verdict carries the remaining doubt
(`attendance/resembled.py`). Measured in 480 simulated lessons, without the people held back for evaluation: 14 absent
students got a name with 0.8, 21 with 0.7 and 31 with 0.6. 198 of 3,640 present students were called absent with 0.8,
179 with 0.7 and 170 with 0.6.
"""
LEAST_PROBABILITY_PAIR = 0.5
"""Least probability that a person is one of two look-alikes who are both left; the likelier one then gets the name.

First it is decided whether one of them is there, and then which one. Both always have the flag `look_alike`, so a
person checks the name. If a third student reaches the probability that puts an absence in doubt, the pair needs
`LEAST_PROBABILITY_LEFT`: a name would take the doubt from the third student. Measured in 240 simulated lessons, without
the people held back for evaluation: of 480 pairs who were there, both ids of 1 pair were called absent. If each id had
to be probable by itself, it was 5 pairs. Limits from 0.3 to 0.8 gave the same verdicts.
"""


@dataclass(slots=True)
class NamesByProbability:
    """Decides on the names in one lesson.

    Args:
        faces: the faces of the lesson.
        known: the students.
    """

    faces: Sequence[Candidate]
    known: KnownStudents
    share: float = field(default=USUAL_SHARE, init=False)
    """Share of the people in the room who are enrolled; `gains` estimates it."""
    _odds: Scores = field(default_factory=lambda: np.zeros((0, 0)), init=False)
    """The odds that each person is each student, (people, students); `gains` computes them."""

    def gains(self, people: Sequence[Sequence[Track]], faces: Sequence[int]) -> Scores:
        """Return the gain of giving each name to each person, (people, students); 0 for a name that is too improbable.

        Args:
            people: the tracks of each person.
            faces: the number of faces of each person.
        """
        self._odds = np.stack([odds_of(tracks, self.faces, self.known) for tracks in people])
        self.share = enrolled_share(self._odds, faces)
        return self._gains(name_probabilities(self._odds, self.share, self.known), faces, LEAST_PROBABILITY)

    def gains_left(self, faces: Sequence[int], named: Sequence[int], slots: Sequence[frozenset[int]]) -> Scores:
        """Return the gain of the likeliest remaining student for each person without a name, (people, students).

        A student remains for a person if no other person in the same captures has the student's name. All other numbers
        of the result are 0.

        Args:
            faces: as in `gains`, which must be called before.
            named: the index of each person's student, or NOBODY.
            slots: the captures of each person.
        """
        taken = _captures_taken(named, slots)
        probable = np.zeros_like(self._odds)
        least = np.full((len(named), 1), LEAST_PROBABILITY_LEFT)
        for person, student in enumerate(named):
            if student == NOBODY and faces[person] >= SOLID_FACES:
                left = {i for i in range(len(self.known.ids)) if i not in taken or not exclude(taken[i], slots[person])}
                each = probabilities(self._odds[person], self.share, left)
                best = int(each.argmax())
                alike = left & self.known.look_alikes.get(best, frozenset())
                probable[person, best] = min(float(each[best] + sum(each[other] for other in alike)), 1 - 1e-9)
                is_third_possible = any(each[i] > DOUBTFUL for i in left - alike - {best})
                least[person] = LEAST_PROBABILITY_PAIR if alike and not is_third_possible else LEAST_PROBABILITY_LEFT
        return self._gains(probable, faces, least)

    def _gains(self, probable: Scores, faces: Sequence[int], least: Scores | float) -> Scores:
        logits = np.log(np.maximum(probable, 1e-12)) - np.log1p(-probable)
        over = logits - np.log(least / (1 - least))
        # If two similar students are possible, this prefers the more probable one.
        own = 0.01 * np.log(np.maximum(self._odds, 1e-12))
        gains = (over + 0.5 + own) * np.sqrt(np.asarray(faces, np.float64))[:, None]
        return np.asarray(np.where(over >= 0, np.maximum(gains, 1e-6), 0.0), np.float64)


def _captures_taken(named: Sequence[int], slots: Sequence[frozenset[int]]) -> dict[int, frozenset[int]]:
    """Return the captures in which each named student is seen, by the student's index."""
    taken: dict[int, frozenset[int]] = {}
    for student, own in zip(named, slots, strict=True):
        if student != NOBODY:
            taken[student] = taken.get(student, frozenset()) | own
    return taken


def possible_students(
    tracks: Sequence[Track],
    named: Sequence[int],
    faces: Sequence[Candidate],
    known: KnownStudents,
    share: float,
) -> list[PossibleStudent]:
    """Return each person who has a name, with the probability that the name is right.

    Args:
        tracks: the tracks of one lesson.
        named: the index of each track's student, or NOBODY.
        faces: all faces of the lesson; tracks hold indices into this list.
        known: the students.
        share: the share of the people in the room who are enrolled.
    """
    slots = [frozenset(faces[member].slot for member in track.members) for track in tracks]
    taken = _captures_taken(named, slots)
    found = []
    for student in sorted(taken):
        indices = [i for i, one in enumerate(named) if one == student]
        for group in unite([tracks[i] for i in indices], [slots[i] for i in indices]):
            members = [member for i in group for member in tracks[indices[i]].members]
            there = frozenset(faces[member].slot for member in members)
            others = (i for i in range(len(known.ids)) if i not in taken or not exclude(taken[i], there))
            each = probabilities(odds_of([tracks[indices[i]] for i in group], faces, known), share, {student, *others})
            facing = frozenset(faces[member].slot for member in members if faces[member].attentive)
            found.append(PossibleStudent(known.ids[student], float(each[student]), facing))
    return found
