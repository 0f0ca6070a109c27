"""Training: mini-batches, gradient descent with momentum and weight decay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from edge_daemon.neural_network.layer import Array, Parameter
from edge_daemon.neural_network.losses import LossFunction
from edge_daemon.neural_network.network import Network

Augment = Callable[[Array, np.random.Generator], Array]
"""A function that returns a randomly varied copy of a batch of inputs, in the same shape."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How a network is trained."""

    epochs: int
    """Number of times that each example is used."""
    batch_size: int = 64
    rate: float = 0.05
    """Learning rate of the first epoch; it then falls to 0 along half a cosine (Loshchilov and Hutter, 2017,
    arXiv:1608.03983)."""
    momentum: float = 0.9
    weight_decay: float = 0.0
    """Strength of weight decay: this factor times the weight is added to each weight's gradient."""


class GradientDescent:
    """Moves parameters against their gradients, with a velocity that keeps a share of the earlier steps.

    velocity ← momentum · velocity - rate · (gradient + decay · value); value ← value + velocity
    (Sutskever et al., 2013, ICML 28:1139).

    Args:
        parameters: the parameters to move.
        momentum: share of the velocity that is kept, from 0 to below 1.
        weight_decay: strength of weight decay, as in `TrainingSettings`.
    """

    def __init__(self, parameters: tuple[Parameter, ...], *, momentum: float, weight_decay: float) -> None:
        self._parameters = parameters
        self._momentum, self._weight_decay = momentum, weight_decay
        self._velocities = [np.zeros_like(parameter.value) for parameter in parameters]

    def step(self, rate: float) -> None:
        """Move each parameter once."""
        for parameter, velocity in zip(self._parameters, self._velocities, strict=True):
            gradient = parameter.gradient
            if parameter.decays and self._weight_decay:
                gradient = gradient + self._weight_decay * parameter.value
            velocity *= self._momentum
            velocity -= rate * gradient
            parameter.value += velocity


def train(
    network: Network,
    inputs: Array,
    targets: Array,
    loss: LossFunction,
    settings: TrainingSettings,
    random: np.random.Generator,
    augment: Augment | None = None,
) -> Iterator[float]:
    """Train a network; yield the mean loss of each epoch, so that the caller can measure and stop between epochs.

    Args:
        network: the network to train; it is changed.
        inputs: the examples to learn from, (examples, …).
        targets: the right output for each example, (examples, …), in the form that `loss` takes.
        loss: the function to minimise.
        settings: how to train.
        random: generator for the order of the examples and for `augment`.
        augment: varies each batch before the network learns from it; None for no variation.

    Raises:
        ValueError: the loss is not a finite number any more, because the rate is too high.
    """
    descent = GradientDescent(network.parameters, momentum=settings.momentum, weight_decay=settings.weight_decay)
    for epoch in range(settings.epochs):
        rate = settings.rate * 0.5 * (1 + np.cos(np.pi * epoch / settings.epochs))
        order = random.permutation(len(inputs))
        total = 0.0
        for start in range(0, len(order), settings.batch_size):
            chosen = order[start : start + settings.batch_size]
            batch = inputs[chosen] if augment is None else augment(inputs[chosen], random)
            value, gradient = loss(network.forward(batch, training=True), targets[chosen])
            network.backward(gradient)
            descent.step(float(rate))
            total += value * len(chosen)
        if not np.isfinite(total):
            raise ValueError(f"the loss of epoch {epoch + 1} is {total}; lower the rate of {settings.rate}")
        yield total / len(inputs)
