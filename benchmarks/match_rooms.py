"""Simulates rooms, and counts how often the program reports that an unnamed person resembles a student.

In each room sits a class. A few of its students are absent, and some strangers are there. Each student is seen in a
condition that may prevent the name. A present student without a name is a false absence, and the program should report
that an unnamed person resembles this student. It should rarely report that for a student who is absent.
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
"""Shares of absent students; the classes alternate between them."""
STRANGERS = 4
LONG_FACES = 5
"""Least number of faces for a stranger or student to count; others were there only for a short time."""


def rooms(by_class: Sequence[Sequence[Trial]], condition: str, match: MatchProbability) -> dict[str, object]:
    """Return how many of the false absences, and of the true ones, are marked as doubtful.

    Args:
        by_class: trials of the classes, students first.
        condition: the condition of the unnamed students to count.
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
        doubted = {_meant(t, sorted(away | lost), match) for t in unnamed}
        missed_said, missed = missed_said + len(lost & doubted), missed + len(lost)
        absent_said, absent = absent_said + len(away & doubted), absent + len(away)
    return {
        "false_absences_doubted": Rate(missed_said, missed).json(),
        "true_absences_doubted": Rate(absent_said, absent).json(),
    }


def _is_counted(trial: Trial, condition: str) -> bool:
    return trial.condition == condition and trial.evidence.faces >= LONG_FACES


def _has_name(trial: Trial) -> bool:
    """Return whether the program's thresholds give the person a name."""
    threshold = Thresholds().threshold(trial.evidence.width_px, trial.evidence.faces)
    return bool(trial.evidence.scores.max() >= threshold)


def _meant(trial: Trial, possible: Sequence[int], match: MatchProbability) -> int:
    """Return the student whom an unnamed person resembles, or STRANGER if none is probable."""
    probabilities = match.among(trial.evidence, trial.photographs_each, possible)
    best = int(np.argmax(probabilities))
    return best if probabilities[best] > LEAST_PROBABILITY else STRANGER
