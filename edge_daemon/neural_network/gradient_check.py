"""Compares manual derivatives with finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge_daemon.neural_network.layer import Array, Layer

_STEP = 1e-6


def gradient_error(layer: Layer, inputs: Array, random: np.random.Generator) -> float:
    """Return the largest error of a layer's derivatives with respect to its inputs and its parameters.

    The loss is the sum of the outputs, each multiplied by a random factor, so that every output has its own derivative.
    For each number, with a as the manual derivative and n as the central difference, the error is
    |a - n| / max(1, |a|, |n|).

    Args:
        layer: the layer to check, with float64 parameters.
        inputs: a small batch, float64.
        random: generator of the factors.
    """
    factors = random.normal(size=layer.forward(inputs, training=True).shape)
    by_hand = [layer.backward(factors), *(parameter.gradient.copy() for parameter in layer.parameters)]
    values = [inputs, *(parameter.value for parameter in layer.parameters)]

    def loss() -> float:
        return float((layer.forward(inputs, training=True) * factors).sum())

    return max(_error(a, _central_difference(loss, value)) for a, value in zip(by_hand, values, strict=True))


def _central_difference(loss: Callable[[], float], value: Array) -> Array:
    """Return the derivative of `loss` with respect to each number of `value`; restore `value` afterwards."""
    found = np.zeros(value.shape)
    for place in np.ndindex(value.shape):
        before = value[place]
        value[place] = before + _STEP
        above = loss()
        value[place] = before - _STEP
        below = loss()
        value[place] = before
        found[place] = (above - below) / (2 * _STEP)
    return found


def _error(by_hand: Array, by_difference: Array) -> float:
    """Return the largest difference, relative to the larger of the two numbers, or absolute if both are below 1."""
    scale = np.maximum(1, np.maximum(np.abs(by_hand), np.abs(by_difference)))
    return float((np.abs(by_hand - by_difference) / scale).max())
