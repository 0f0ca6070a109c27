"""Rooms of made trials: who of those without a name is said to resemble which student?

In each room a class sits, but for a few who are absent, and some strangers with it. One student is seen in a condition
that may cost the name. A present student without a name is a false absence; the program should say that somebody
resembles this student. It should say so of few who are truly absent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.match_trials import STRANGER, Trial
from benchmarks.rates import Rate
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.resemblance import LEAST_PROBABILITY
from edge_daemon.attendance.evidence.thresholds import Thresholds

ABSENT_SHARES = (0.1, 0.3)
"""Share of the students who are absent, in every other class."""
STRANGERS = 4
LONG_FACES = 5
"""Strangers and students with fewer faces are left out: they were not there for long."""


def rooms(by_class: Sequence[Sequence[Trial]], condition: str, match: MatchProbability) -> dict[str, object]:
    """Return how many false absences, and how many true ones, carry the doubt.

    Args:
        by_class: trials of classes, students first.
        condition: of the students without a name who are counted.
        match: gives the probabilities.
    """
    missed_said, missed, absent_said, absent = 0, 0, 0, 0
    for number, own in enumerate(by_class):
        share = ABSENT_SHARES[number % len(ABSENT_SHARES)]
        students = [t for t in own if t.student != STRANGER]
        away = {t.student for t in students[: max(1, round(share * len(students)))]}
        there = [t for t in students if t.student not in away and _is_counted(t, condition)]
        others = [t for t in own if t.student == STRANGER and _is_counted(t, condition)][:STRANGERS]
        unnamed = [t for t in (*there, *others) if not _has_name(t)]
        lost = {t.student for t in unnamed} - {STRANGER}
        said = {_meant(t, sorted(away | lost), match) for t in unnamed}
        missed_said, missed = missed_said + len(lost & said), missed + len(lost)
        absent_said, absent = absent_said + len(away & said), absent + len(away)
    return {
        "false_absences_doubted": Rate(missed_said, missed).json(),
        "true_absences_doubted": Rate(absent_said, absent).json(),
    }


def _is_counted(trial: Trial, condition: str) -> bool:
    return trial.condition == condition and trial.evidence.faces >= LONG_FACES


def _has_name(trial: Trial) -> bool:
    """Say whether the program's thresholds give the person any name."""
    threshold = Thresholds().threshold(trial.evidence.width_px, trial.evidence.faces)
    return bool(trial.evidence.scores.max() >= threshold)


def _meant(trial: Trial, possible: Sequence[int], match: MatchProbability) -> int:
    """Return the student whom a person without a name resembles, STRANGER where that is not probable."""
    probabilities = match.among(trial.evidence, trial.photographs_each, possible)
    best = int(np.argmax(probabilities))
    return best if probabilities[best] > LEAST_PROBABILITY else STRANGER
