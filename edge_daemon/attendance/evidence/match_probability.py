"""Computes the probability that a person in a lesson is a given student, with a small network on `match_features`.

The network is built with `neural_network/` and trained by models_tflite/build/match_probability. Half of the people in
the training are students of the class, and half are strangers. The prior of its probabilities is therefore one half.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from edge_daemon.attendance.evidence.match_features import FEATURES, PersonEvidence, Scores, features
from edge_daemon.neural_network.activations import Tanh, sigmoid
from edge_daemon.neural_network.dense import Dense
from edge_daemon.neural_network.network import Network

HIDDEN = (16, 8)
"""Sizes of the two hidden layers."""

_LEAST, _MOST = 1e-4, 0.9999
"""Limits of the probabilities. More certainty is not justified: the training had about ten thousand people."""


def new_network(random: np.random.Generator) -> Network:
    """Return the untrained network; its input is `FEATURES`, its output the logit of "the person is this student"."""
    first, second = HIDDEN
    return Network(
        [Dense(len(FEATURES), first, random), Tanh(), Dense(first, second, random), Tanh(), Dense(second, 1, random)]
    )


class MatchProbability:
    """Computes probabilities from the evidence on a person.

    Args:
        weights: a file written by `Network.save`.

    Raises:
        OSError: the file can't be read.
        ValueError: the file has the weights of another network.
    """

    def __init__(self, weights: Path) -> None:
        self._network = new_network(np.random.default_rng(0))
        self._network.load(weights)

    def each(
        self,
        evidence: PersonEvidence,
        photographs: Scores,
        look_alikes: Mapping[int, Collection[int]] = MappingProxyType({}),
    ) -> Scores:
        """Return the probability that the person is this student, for each student separately, (students,).

        The sum over the students may exceed 1.

        Args:
            evidence: the evidence from the faces of one person.
            photographs: (students,), the number of photographs with which each student was enrolled.
            look_alikes: as in `match_features.features`.
        """
        logits = self._network.predict(features(evidence, photographs, look_alikes).astype(np.float32))
        return np.asarray(np.clip(sigmoid(logits[:, 0].astype(np.float64)), _LEAST, _MOST))

    def among(self, evidence: PersonEvidence, photographs: Scores, possible: Collection[int]) -> Scores:
        """Return the probability of each student if only some students are possible, (students,); 0 for the others.

        The probabilities of the possible students and of a stranger add up to 1 (Bayes). The prior is that of the
        training: the person is as probably a stranger as one of the possible students. So each student is more probable
        if few are possible.

        Args:
            evidence: the evidence from the faces of one person.
            photographs: as in `each`.
            possible: indices of the students who are not seen elsewhere at the same time; at least one.
        """
        each = self.each(evidence, photographs)
        odds = np.zeros_like(each)
        indices = sorted(possible)
        odds[indices] = each[indices] / (1 - each[indices]) * (len(each) / len(indices))
        return np.asarray(odds / (1 + odds.sum()))
