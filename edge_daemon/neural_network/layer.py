"""The common interface of all layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


@dataclass(slots=True)
class Parameter:
    """Numbers that training changes, with the derivative of the loss with respect to each."""

    value: Array
    gradient: Array
    decays: bool
    """Whether weight decay pulls the numbers towards 0; true for weights, false for biases."""


class Layer(Protocol):
    """One step of a network."""

    def forward(self, inputs: Array, *, training: bool) -> Array:
        """Return the output (examples, …) for a batch of inputs (examples, …).

        Args:
            inputs: the batch.
            training: whether `backward()` follows. Dropout is active only then.
        """
        ...

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative of the loss with respect to the inputs of the last `forward(training=True)`.

        The derivatives with respect to the parameters replace those of the previous batch.

        Args:
            output_gradient: the derivative of the loss with respect to the output, in the output's shape.
        """
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters that training changes."""
        ...


def new_parameter(value: Array, *, decays: bool) -> Parameter:
    """Return a parameter with a gradient of 0."""
    return Parameter(value, np.zeros_like(value), decays)
