"""Compares names by probability with names by threshold, at the same rate of named strangers; measures the calibration.

    python -m benchmarks.match_confidence --data LFW --json OUT [--held-back] [--classes N] [--cache DIR]

LFW has images/ and images.csv (file, identity). Classes and the people in front of them are made as for the training
(benchmarks/match_trials.py). Three ways decide who a person is, or that the person is not in the class:

- `threshold`: the fixed thresholds of `edge_daemon.attendance.evidence.thresholds`, which lessons used formerly;
- `width_weighted`: the mean similarity, each face weighted by the square root of its width, and one threshold;
- `network`: the probability of `edge_daemon.attendance.evidence.match_probability`, and one threshold.

The two thresholds are set so that the same number of strangers is named as by the program's fixed thresholds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import command, machine, match_cache
from benchmarks.folder import DataError
from benchmarks.match_faces import CONDITIONS, WIDTHS_PX, names_held_back
from benchmarks.match_rooms import rooms
from benchmarks.match_trials import MIXED, STRANGER, Trial, classes
from benchmarks.rates import Rate
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.thresholds import Thresholds

LEAST = 4
LEAST_PEOPLE = 24
BINS = (*(f"{w:g}" for w in WIDTHS_PX), MIXED)
FAR = "26"
"""Face width in pixels that the pooled figures leave out, because the comparison starts at 32 px."""
WAYS = ("threshold", "width_weighted", "network")
RELIABILITY_BINS = 10
SURE = (0.2, 0.95)
"""Range of the tracks' probabilities for the calibration. Beyond it, nearly all tracks of a bin are right or wrong."""


@dataclass(frozen=True, slots=True)
class Guess:
    """The result of one way for one trial."""

    student: int
    strength: float
    """Strength of the evidence for the student. Each of the `WAYS` names the student from its own threshold on."""


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.match_confidence", "Probabilities of matches.", "images.csv, images/")
    arguments.add_argument("--held-back", action="store_true", help="only people who are not in the training data")
    arguments.add_argument("--classes", type=int, default=300, help="number of classes to make (default: 300)")
    arguments.add_argument("--cache", type=Path, help="folder for the read faces")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure, and return the results for the JSON file."""
    models = command.models(arguments)
    people = match_cache.read(arguments.data, models, LEAST, arguments.cache)
    if arguments.held_back:
        kept = names_held_back(sorted(people))
        people = {name: own for name, own in people.items() if name in kept}
    if len(people) < LEAST_PEOPLE:
        what = f"has {len(people)} people with {LEAST} photographs; {LEAST_PEOPLE} are needed"
        raise DataError(what, str(arguments.data))
    match = MatchProbability(models.weights("match_probability").path)
    by_class = list(classes(people, arguments.classes, np.random.default_rng(2)))
    made = [trial for own in by_class for trial in own]
    guesses = {way: [guess(trial, way, match) for trial in made] for way in WAYS}
    named = {way: given(made, guesses[way], guesses["threshold"]) for way in WAYS}
    by_bin = {b: [i for i, t in enumerate(made) if t.width == b] for b in BINS}
    by_bin["32+"] = [i for i, t in enumerate(made) if t.width != FAR]
    return {
        "right": {b: {way: right(made, guesses[way], named[way], own) for way in WAYS} for b, own in by_bin.items()},
        "strangers_named": {b: {way: strangers(made, named[way], own) for way in WAYS} for b, own in by_bin.items()},
        "right_by_condition": {
            c: {
                way: right(made, guesses[way], named[way], [i for i, t in enumerate(made) if t.condition == c])
                for way in WAYS
            }
            for c in CONDITIONS
        },
        "mcnemar_p": mcnemar(made, guesses, named, by_bin["32+"], "width_weighted")["p"],
        "mcnemar": {way: mcnemar(made, guesses, named, by_bin["32+"], way) for way in WAYS[:2]},
        **reliability(made, guesses["network"]),
        "resembles": {condition: rooms(by_class, condition, match) for condition in CONDITIONS},
        "people": len(people),
        "trials": len(made),
        "prior": "as many strangers as students stand in front of a class",
        "measured": machine.described(models),
    }


def guess(trial: Trial, way: str, match: MatchProbability) -> Guess:
    """Return the most likely student for a trial, and the strength that a way gives."""
    if way == "threshold":
        evidence = trial.evidence
        strengths = evidence.scores - Thresholds().threshold(evidence.width_px, evidence.faces)
    else:
        strengths = trial.weighted if way == "width_weighted" else match.each(trial.evidence, trial.photographs_each)
    best = int(strengths.argmax())
    return Guess(best, float(strengths[best]))


def given(made: Sequence[Trial], guesses: Sequence[Guess], rule: Sequence[Guess]) -> NDArray[np.bool_]:
    """Return whether a way gives a name, for each trial, (trials,).

    The threshold of the way is chosen so that the way names as many strangers as the program's fixed thresholds do.
    `guesses` are those of the way, `rule` those of the fixed thresholds.
    """
    strangers_only = np.array([trial.student == STRANGER for trial in made])
    by_rule = np.array([one.strength >= 0 for one in rule])
    wanted = int(by_rule[strangers_only].sum())
    strengths = np.array([one.strength for one in guesses])
    if guesses is rule:
        return by_rule
    ordered = np.sort(strengths[strangers_only])[::-1]
    return np.asarray(strengths >= ordered[wanted - 1] if wanted else strengths > ordered[0])


def right(
    made: Sequence[Trial], guesses: Sequence[Guess], named: NDArray[np.bool_], own: Sequence[int]
) -> dict[str, object]:
    """Return how many of the students in some trials got their own name."""
    students = [i for i in own if made[i].student != STRANGER]
    return Rate(sum(bool(named[i]) and guesses[i].student == made[i].student for i in students), len(students)).json()


def strangers(made: Sequence[Trial], named: NDArray[np.bool_], own: Sequence[int]) -> dict[str, object]:
    """Return how many of the strangers in some trials got a name."""
    others = [i for i in own if made[i].student == STRANGER]
    return Rate(sum(bool(named[i]) for i in others), len(others)).json()


def mcnemar(
    made: Sequence[Trial],
    guesses: Mapping[str, Sequence[Guess]],
    named: Mapping[str, NDArray[np.bool_]],
    own: Sequence[int],
    other: str,
) -> dict[str, float]:
    """Return the exact two-sided p-value of McNemar's test (1947) of the network against another way."""

    def is_right(way: str, i: int) -> bool:
        return bool(named[way][i]) and guesses[way][i].student == made[i].student

    students = [i for i in own if made[i].student != STRANGER]
    network_only = sum(is_right("network", i) and not is_right(other, i) for i in students)
    other_only = sum(is_right(other, i) and not is_right("network", i) for i in students)
    count, fewer = network_only + other_only, min(network_only, other_only)
    p = min(1.0, 2 * sum(comb(count, k) for k in range(fewer + 1)) / 2**count)
    return {"p": p, "network_only": network_only, "other_only": other_only}


def reliability(made: Sequence[Trial], guesses: Sequence[Guess]) -> dict[str, object]:
    """Return how well probabilities match the truth: for single faces and for undecided tracks."""
    stated = np.array([one.strength for one in guesses])
    true = np.array([one.student == trial.student for one, trial in zip(guesses, made, strict=True)])
    single = np.array([trial.evidence.faces == 1 for trial in made])
    between = ~single & (stated >= SURE[0]) & (stated <= SURE[1])
    face, track = _bins(stated[single], true[single]), _bins(stated[between], true[between])
    return {"ece_face": _ece(face), "reliability_face": face, "ece_track": _ece(track), "reliability_track": track}


def _bins(stated: NDArray[np.float64], true: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return bins of equal mass: mean of the stated probabilities, true share with its exact interval, and n."""
    order = np.argsort(stated)
    bins = []
    for own in np.array_split(order, RELIABILITY_BINS):
        if len(own):
            rate = Rate(int(true[own].sum()), len(own)).json()
            shares = {"low": rate["low"], "high": rate["high"], "true": rate["rate"], "n": len(own)}
            bins.append({"said": round(float(stated[own].mean()), 5), **shares})
    return bins


def _ece(bins: Sequence[Mapping[str, float]]) -> float:
    """Return the expected calibration error: the mean distance of stated and true shares."""
    total = sum(one["n"] for one in bins)
    return round(sum(one["n"] * abs(one["said"] - one["true"]) for one in bins) / total, 5) if total else 0.0


if __name__ == "__main__":
    sys.exit(main())
