"""Compares manual derivatives with finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge_daemon.neural_network.layer import Array, Layer

_STEP = 1e-6


def gradient_error(layer: Layer, inputs: Array, random: np.random.Generator) -> float:
    """Return the largest error of a layer's derivatives with respect to its inputs and its parameters.

    The loss is the sum of the outputs, each times a random number, so that every output has its own derivative. For the
    manual derivative a and the central difference n of each number the error is |a - n| / max(1, |a|, |n|).

    Args:
        layer: with parameters of float64.
        inputs: a small batch of float64.
        random: source of the factors of the outputs.
    """
    factors = random.normal(size=layer.forward(inputs, training=True).shape)
    by_hand = [layer.backward(factors), *(parameter.gradient.copy() for parameter in layer.parameters)]
    values = [inputs, *(parameter.value for parameter in layer.parameters)]

    def loss() -> float:
        return float((layer.forward(inputs, training=True) * factors).sum())

    return max(_error(a, _central_difference(loss, value)) for a, value in zip(by_hand, values, strict=True))


def _central_difference(loss: Callable[[], float], value: Array) -> Array:
    """Return the derivative of `loss` with respect to each number of `value`, which is changed and restored."""
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
    """Return the largest error relative to the larger of the two, or absolute below 1."""
    scale = np.maximum(1, np.maximum(np.abs(by_hand), np.abs(by_difference)))
    return float((np.abs(by_hand - by_difference) / scale).max())
