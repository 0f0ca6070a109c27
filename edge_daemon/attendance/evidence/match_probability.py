"""The probability that a person in a lesson is a given student: a small network on the evidence from the faces.

The network uses `neural_network/`. models_tflite/build/match_probability trains it on simulated classes, in front of
which as many students as strangers stand. The prior of its probabilities is therefore one half.
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
    """Return the untrained network: `FEATURES` as input, the logit of "is the student" as output."""
    first, second = HIDDEN
    return Network(
        [Dense(len(FEATURES), first, random), Tanh(), Dense(first, second, random), Tanh(), Dense(second, 1, random)]
    )


class MatchProbability:
    """Converts evidence to probabilities.

    Args:
        weights: file written by `Network.save`.

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
        """Return (students,): the probability that the person is this student, whatever is known of the others.

        Args:
            evidence: of one person.
            photographs: (students,) how many each student was enrolled with.
            look_alikes: as of `features`.
        """
        logits = self._network.predict(features(evidence, photographs, look_alikes).astype(np.float32))
        return np.asarray(np.clip(sigmoid(logits[:, 0].astype(np.float64)), _LEAST, _MOST))

    def among(self, evidence: PersonEvidence, photographs: Scores, possible: Collection[int]) -> Scores:
        """Return (students,): the probability for each student if only some are possible; 0 for the others.

        The probabilities of the possible students and of a stranger add up to 1 (Bayes). The prior for unnamed people
        is that of the training: as many strangers as possible students. If few students are missing, each of them is
        therefore more probable than in front of the whole class.

        Args:
            evidence: the evidence about one person.
            photographs: as in `each`.
            possible: indices of the students who are not seen elsewhere at the same time; at least one.
        """
        each = self.each(evidence, photographs)
        odds = np.zeros_like(each)
        indices = sorted(possible)
        odds[indices] = each[indices] / (1 - each[indices]) * (len(each) / len(indices))
        return np.asarray(odds / (1 + odds.sum()))
