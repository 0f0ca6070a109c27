"""Fully connected layers."""

from __future__ import annotations

import math

import numpy as np

from edge_daemon.neural_network.layer import Array, Parameter, new_parameter


class Dense:
    """A fully connected layer: output = input · weights + bias.

    The initial weights are normally distributed with a variance of 2 / inputs (He et al., 2015, arXiv:1502.01852).
    In a network with ReLU, numbers then stay equally large from layer to layer. The initial biases are 0.

    Args:
        inputs: input numbers of each example.
        outputs: output numbers of each example.
        random: generator of the initial weights.
        dtype: data type of weights and biases.
    """

    def __init__(
        self, inputs: int, outputs: int, random: np.random.Generator, dtype: type[np.floating] = np.float32
    ) -> None:
        weights = random.normal(0.0, math.sqrt(2.0 / inputs), (inputs, outputs)).astype(dtype)
        self.weights = new_parameter(weights, decays=True)
        self.bias = new_parameter(np.zeros(outputs, dtype), decays=False)

    def forward(self, inputs: Array, *, training: bool) -> Array:
        """Return the output (examples, outputs) for the inputs (examples, inputs)."""
        self._inputs = inputs if training else None
        output: Array = inputs @ self.weights.value + self.bias.value
        return output

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative with respect to the inputs (examples, inputs)."""
        assert self._inputs is not None
        self.weights.gradient[...] = self._inputs.T @ output_gradient
        self.bias.gradient[...] = output_gradient.sum(axis=0)
        gradient: Array = output_gradient @ self.weights.value.T
        return gradient

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Weights (inputs, outputs) and bias (outputs,)."""
        return self.weights, self.bias


class Flatten:
    """Arranges the numbers of each example in one row."""

    parameters: tuple[Parameter, ...] = ()

    def forward(self, inputs: Array, *, training: bool) -> Array:  # noqa: ARG002
        """Return the inputs as (examples, numbers in each example)."""
        self._shape = inputs.shape
        return inputs.reshape(len(inputs), -1)

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative in the shape of the inputs."""
        return output_gradient.reshape(self._shape)


class Dropout:
    """Sets a random share of the numbers to 0 in training, so that the network relies on no single number.

    In training, the remaining numbers are divided by 1 - `share`, which keeps the mean of all numbers. Outside training
    the layer therefore changes nothing (Srivastava et al., 2014, JMLR 15:1929; the "inverted" form).

    Args:
        share: share of the numbers that become 0, from 0 to below 1.
        random: generator that chooses these numbers.
    """

    parameters: tuple[Parameter, ...] = ()

    def __init__(self, share: float, random: np.random.Generator) -> None:
        if not 0 <= share < 1:
            raise ValueError(f"dropout of {share}: give a share from 0 to below 1")
        self.share = share
        self._random = random

    def forward(self, inputs: Array, *, training: bool) -> Array:
        """Return the inputs; in training, set a random share of them to 0."""
        if not training:
            return inputs
        kept = self._random.random(inputs.shape) >= self.share
        self._factors = (kept / (1 - self.share)).astype(inputs.dtype)
        output: Array = inputs * self._factors
        return output

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative with respect to the inputs; it is 0 for the inputs that `forward` set to 0."""
        gradient: Array = output_gradient * self._factors
        return gradient
