"""Loss functions with their derivatives, as means over the examples of a batch."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from edge_daemon.neural_network.activations import sigmoid, softmax
from edge_daemon.neural_network.layer import Array


class LossFunction(Protocol):
    """A measure of error that training minimises."""

    def __call__(self, outputs: Array, targets: Array) -> tuple[float, Array]:
        """Return the mean loss of a batch and its derivative with respect to the outputs, in their shape."""
        ...


class CrossEntropy:
    """The loss -log(p), where p is the probability of the right class.

    Outputs (examples, classes) are the numbers before a softmax. Targets (examples, classes) are probabilities: 1 for
    the right class and 0 for the others, or smoothed labels.
    """

    def __call__(self, outputs: Array, targets: Array) -> tuple[float, Array]:
        """Return the mean loss in nats and its derivative, which is (softmax - target) / examples."""
        from_top = outputs - outputs.max(axis=-1, keepdims=True)
        log_probability = from_top - np.log(np.exp(from_top).sum(axis=-1, keepdims=True))
        loss = -float((targets * log_probability).sum()) / len(outputs)
        return loss, (softmax(outputs) * targets.sum(axis=-1, keepdims=True) - targets) / len(outputs)


class BinaryCrossEntropy:
    """The loss -log(p), where p is the probability of the true value.

    Outputs (examples, 1) are the numbers before a sigmoid. Targets (examples, 1) are 0 or 1.
    """

    def __call__(self, outputs: Array, targets: Array) -> tuple[float, Array]:
        """Return the mean loss in nats and its derivative, which is (sigmoid - target) / examples."""
        losses = np.maximum(outputs, 0) - outputs * targets + np.log1p(np.exp(-np.abs(outputs)))
        return float(losses.mean()), (sigmoid(outputs) - targets) / outputs.size


class SquaredError:
    """Half the squared distance between outputs and targets, both (examples, numbers)."""

    def __call__(self, outputs: Array, targets: Array) -> tuple[float, Array]:
        """Return the mean loss and its derivative, (output - target) / examples."""
        difference = outputs - targets
        return 0.5 * float((difference**2).sum()) / len(outputs), difference / len(outputs)
