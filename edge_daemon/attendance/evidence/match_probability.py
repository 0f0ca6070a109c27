"""How probable it is that a person of a lesson is a student: a small network over what their faces say.

The network is of `neural_network/`, trained by models_tflite/build/match_probability on classes of people in front of
whom as many students as strangers stand. That half is the prior of its probabilities.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from edge_daemon.attendance.evidence.match_features import FEATURES, PersonEvidence, Scores, features
from edge_daemon.neural_network.activations import Tanh, sigmoid
from edge_daemon.neural_network.dense import Dense
from edge_daemon.neural_network.network import Network

HIDDEN = (16, 8)
"""Numbers of the two hidden layers."""

_LEAST, _MOST = 1e-4, 0.9999
"""No evidence of this kind is surer: the network saw some ten thousand people in front of a class."""


def new_network(random: np.random.Generator) -> Network:
    """Return the network before training: `FEATURES` in, the logit of "is the student" out."""
    first, second = HIDDEN
    return Network(
        [Dense(len(FEATURES), first, random), Tanh(), Dense(first, second, random), Tanh(), Dense(second, 1, random)]
    )


class MatchProbability:
    """Turns evidence into probabilities.

    Args:
        weights: file that `Network.save` wrote.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds another network.
    """

    def __init__(self, weights: Path) -> None:
        self._network = new_network(np.random.default_rng(0))
        self._network.load(weights)

    def each(self, evidence: PersonEvidence, photographs: Scores) -> Scores:
        """Return (students,): the probability that the person is this student, whatever is known of the others.

        Args:
            evidence: of one person.
            photographs: (students,) how many each student was enrolled with.
        """
        logits = self._network.predict(features(evidence, photographs).astype(np.float32))
        return np.asarray(np.clip(sigmoid(logits[:, 0].astype(np.float64)), _LEAST, _MOST))

    def among(self, evidence: PersonEvidence, photographs: Scores, possible: Collection[int]) -> Scores:
        """Return (students,): the probability for each student where only some can be meant, 0 for the others.

        The odds of the possible students and those of "somebody else" share the whole (Bayes). The prior is that of
        the training, for the people without a name: as many strangers as possible students. So where few students are
        missing, each is more probable than in front of the whole class.

        Args:
            evidence: of one person.
            photographs: as in `each`.
            possible: indices of the students who are not seen elsewhere at the same time; at least one.
        """
        each = self.each(evidence, photographs)
        odds = np.zeros_like(each)
        indices = sorted(possible)
        odds[indices] = each[indices] / (1 - each[indices]) * (len(each) / len(indices))
        return np.asarray(odds / (1 + odds.sum()))
