"""Error rates in trials of phrases: at one threshold, over all thresholds, and over speakers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.phrase_trials import KINDS, RIGHT, Trials
from benchmarks.rates import Rate
from edge_daemon.checkin.phrase_score import PhraseScores

Floats = NDArray[np.float64]
Score = Callable[[PhraseScores], "NDArray[np.float32]"]

SYSTEMS: Final[dict[str, Score]] = {
    "combined": lambda scores: scores.total(),
    "static_control": lambda scores: scores.picture,
    "movement_only": lambda scores: scores.movement,
}
RIGHT_SHARE: Final = 0.975
"""Share of the other speakers' right clips that pass the threshold."""
ATTACKS_FROM: Final = KINDS.index("still")
_RESAMPLES: Final = 1000
_TAIL: Final = 0.025


def threshold(scores: NDArray[np.float32], kind: NDArray[np.intp]) -> float:
    """Return the threshold that the share RIGHT_SHARE of the right trials passes."""
    return float(np.quantile(scores[kind == RIGHT], 1 - RIGHT_SHARE))


def thresholds(system: str, trials: Trials, others: Trials | None) -> Floats:
    """Return the threshold for each trial (n,), from the trials of other speakers.

    These are the trials in `others`, or without `others` the trials of all other speakers in `trials`.
    """
    score = SYSTEMS[system]
    if others is not None:
        return np.full(len(trials.kind), threshold(score(others.scores), others.kind))
    found, scores = np.empty(len(trials.kind)), score(trials.scores)
    for speaker in np.unique(trials.speaker):
        rest = trials.speaker != speaker
        found[~rest] = threshold(scores[rest], trials.kind[rest])
    return found


def rates(system: str, trials: Trials, limits: Floats) -> dict[str, object]:
    """Return the rates of a system over all trials except the attacks."""
    scores, kind = SYSTEMS[system](trials.scores), trials.kind
    accepted = scores >= limits
    four = kind < ATTACKS_FROM
    right = (kind == RIGHT) == accepted
    own, impostors = scores[kind == RIGHT], scores[four & (kind != RIGHT)]
    return {
        **{name: refused(accepted, kind, name) for name in KINDS[:ATTACKS_FROM]},
        "eer": round(equal_error_rate(own, impostors), 5),
        "auc": round(area(own, impostors), 5),
        "accuracy": round(float(right[four].mean()), 5),
        "threshold": round(float(np.median(limits)), 4),
    }


def refused(accepted: NDArray[np.bool_], kind: NDArray[np.intp], name: str) -> dict[str, float | int | None]:
    """Return the share of one kind that was decided correctly: `right` accepted, all others refused."""
    which = KINDS.index(name)
    chosen = accepted[kind == which]
    return Rate(int((chosen if which == RIGHT else ~chosen).sum()), len(chosen)).json()


def roc(own: NDArray[np.float32], impostors: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Return the shares of impostors and of right clips that pass, at thresholds from the highest to the lowest."""
    limits = np.unique(np.concatenate([own, impostors]))[::-1]
    passed = [1 - np.searchsorted(np.sort(one), limits, "left") / len(one) for one in (impostors, own)]
    return np.concatenate([[0.0], passed[0]]), np.concatenate([[0.0], passed[1]])


def equal_error_rate(own: NDArray[np.float32], impostors: NDArray[np.float32]) -> float:
    """Return the rate at the threshold where the shares of refused right clips and passing impostors are equal."""
    false, true = roc(own, impostors)
    at = int(np.argmin(np.abs(false - (1 - true))))
    return float((false[at] + 1 - true[at]) / 2)


def area(own: NDArray[np.float32], impostors: NDArray[np.float32]) -> float:
    """Return the area under the ROC curve: the share of pairs in which a right clip scores higher than an impostor."""
    ordered = np.sort(impostors)
    below = np.searchsorted(ordered, own, "left") + np.searchsorted(ordered, own, "right")
    return float(below.mean() / 2 / len(ordered))


def over_speakers(trials: Trials, limits: Floats, compared: Floats) -> dict[str, object]:
    """Return 95 % intervals by bootstrap over speakers (percentiles), and the comparison with the static control.

    Args:
        trials: the trials of all speakers.
        limits: threshold for each trial, combined system.
        compared: threshold for each trial, static control.
    """
    speakers = np.unique(trials.speaker)
    errors = {
        "combined": _errors(trials, SYSTEMS["combined"](trials.scores) >= limits, speakers),
        "static": _errors(trials, SYSTEMS["static_control"](trials.scores) >= compared, speakers),
    }
    drawn = np.random.default_rng(0).integers(0, len(speakers), (_RESAMPLES, len(speakers)))
    means = {name: found[drawn].mean(1) for name, found in errors.items()}
    gain = (errors["static"] - errors["combined"])[drawn].mean(1).mean(1)
    names = KINDS[:ATTACKS_FROM]
    return {
        "speakers": len(speakers),
        "intervals": {
            name: [round(1 - float(np.quantile(means["combined"][:, i], q)), 5) for q in (1 - _TAIL, _TAIL)]
            for i, name in enumerate(names)
        },
        "error_less_than_static": {
            "mean": round(float((errors["static"] - errors["combined"]).mean()), 5),
            "low": round(float(np.quantile(gain, _TAIL)), 5),
            "high": round(float(np.quantile(gain, 1 - _TAIL)), 5),
            "p": round(float((np.sum(gain <= 0) + 1) / (_RESAMPLES + 1)), 5),
        },
    }


def _errors(trials: Trials, accepted: NDArray[np.bool_], speakers: NDArray[np.intp]) -> Floats:
    """Return the error for each speaker and each kind, (speakers, 4)."""
    wrong = (trials.kind == RIGHT) != accepted
    return np.array(
        [
            [wrong[(trials.speaker == one) & (trials.kind == kind)].mean() for kind in range(ATTACKS_FROM)]
            for one in speakers
        ]
    )
