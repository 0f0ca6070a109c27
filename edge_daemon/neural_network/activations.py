"""Non-linear functions of a network: sigmoid, tanh, ReLU and softmax."""

from __future__ import annotations

import numpy as np

from edge_daemon.neural_network.layer import Array, Parameter


class Sigmoid:
    """1 / (1 + e^-x), from 0 to 1."""

    parameters: tuple[Parameter, ...] = ()

    def forward(self, inputs: Array, *, training: bool) -> Array:  # noqa: ARG002
        """Return the function of each number."""
        self._output = sigmoid(inputs)
        return self._output

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative with respect to the inputs: s (1 - s) for an output s."""
        gradient: Array = output_gradient * self._output * (1 - self._output)
        return gradient


class Tanh:
    """The hyperbolic tangent, from -1 to 1."""

    parameters: tuple[Parameter, ...] = ()

    def forward(self, inputs: Array, *, training: bool) -> Array:  # noqa: ARG002
        """Return the function of each number."""
        self._output = np.tanh(inputs)
        return self._output

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative with respect to the inputs: 1 - t² for an output t."""
        gradient: Array = output_gradient * (1 - self._output**2)
        return gradient


class ReLU:
    """The function max(x, 0): a positive number stays as it is, any other becomes 0."""

    parameters: tuple[Parameter, ...] = ()

    def forward(self, inputs: Array, *, training: bool) -> Array:  # noqa: ARG002
        """Return the function of each number."""
        self._positive = inputs > 0
        output: Array = inputs * self._positive
        return output

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative with respect to the inputs; for an input of 0, where none exists, it is taken as 0."""
        gradient: Array = output_gradient * self._positive
        return gradient


class Softmax:
    """Probabilities that add up to 1 over the last axis, in proportion to e^x.

    Classifiers are trained without this layer, because `CrossEntropy` takes the numbers before the softmax. The
    derivative of softmax and loss together is simpler, and exact.
    """

    parameters: tuple[Parameter, ...] = ()

    def forward(self, inputs: Array, *, training: bool) -> Array:  # noqa: ARG002
        """Return the probabilities."""
        self._output = softmax(inputs)
        return self._output

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative with respect to the inputs: p (g - Σ p g) for outputs p and their derivatives g."""
        along = (output_gradient * self._output).sum(axis=-1, keepdims=True)
        gradient: Array = self._output * (output_gradient - along)
        return gradient


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e^-x), without overflow for any finite x."""
    small = np.exp(-np.abs(x))
    output: Array = np.where(x >= 0, 1, small) / (1 + small)
    return output


def softmax(x: Array) -> Array:
    """Return e^x divided by its sum over the last axis, without overflow for any finite x."""
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    output: Array = raised / raised.sum(axis=-1, keepdims=True)
    return output
