"""A network of layers in order; it saves its parameters to a file and loads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from edge_daemon.neural_network.layer import Array, Layer, Parameter


class Network:
    """Layers in order: the output of one is the input of the next.

    Args:
        layers: from the input to the output.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        """Return the output of the last layer for a batch of inputs."""
        for layer in self.layers:
            inputs = layer.forward(inputs, training=training)
        return inputs

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative with respect to the inputs; each layer stores the derivatives of its parameters."""
        for layer in reversed(self.layers):
            output_gradient = layer.backward(output_gradient)
        return output_gradient

    def predict(self, inputs: Array, *, batch_size: int = 256) -> Array:
        """Return the output for many inputs, one batch at a time."""
        return np.concatenate([self.forward(inputs[i : i + batch_size]) for i in range(0, len(inputs), batch_size)])

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters that training changes, in the order of the layers."""
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    def save(self, path: Path) -> None:
        """Write the parameters as an .npz file with the keys 0, 1, …, in the order of the layers."""
        values = {str(number): parameter.value for number, parameter in enumerate(self.parameters)}
        with path.open("wb") as file:
            np.savez(file, **values)  # type: ignore[arg-type]

    def load(self, path: Path) -> None:
        """Load the parameters from a file that a network with the same layers has written with `save()`.

        Raises:
            OSError: the file can't be read.
            ValueError: `save()` did not write this file, or its network had other layers. No parameter is changed.
        """
        values = list(_arrays(path, len(self.parameters)))
        for number, (parameter, value) in enumerate(zip(self.parameters, values, strict=True)):
            if parameter.value.shape != value.shape:
                raise ValueError(f"{path}: array {number} is {value.shape}, the network has {parameter.value.shape}")
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.value[...] = value


def _arrays(path: Path, expected: int) -> Iterator[Array]:
    """Yield the arrays of a file in order; raise ValueError if it does not have `expected` arrays."""
    with np.load(path, allow_pickle=False) as file:
        if set(file.files) != {str(number) for number in range(expected)}:
            raise ValueError(f"{path}: {len(file.files)} arrays, the network has {expected}")
        for number in range(expected):
            yield file[str(number)]
