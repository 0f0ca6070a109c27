"""Convolution and pooling of pictures (examples, height, width, channels)."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from edge_daemon.neural_network.layer import Array, Parameter, new_parameter


class Convolution:
    """Slides small squares of weights over a picture.

    As usual for neural networks, the operation is a cross-correlation: the square is not mirrored. A picture of height
    h gives an output of height (h + 2 padding - size) // stride + 1; the same holds for its width.

    Args:
        channels_in: channels of the input.
        channels_out: number of squares; each gives one channel of the output.
        size: side of the square, pixels.
        random: generator of the initial weights, which are drawn as in `Dense`.
        padding: width of the border of zeros around the picture, pixels.
        stride: distance from one position of the square to the next, pixels.
        dtype: data type of weights and biases.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        size: int,
        random: np.random.Generator,
        *,
        padding: int = 0,
        stride: int = 1,
        dtype: type[np.floating] = np.float32,
    ) -> None:
        spread = math.sqrt(2.0 / (size * size * channels_in))
        weights = random.normal(0.0, spread, (size, size, channels_in, channels_out)).astype(dtype)
        self.weights = new_parameter(weights, decays=True)
        self.bias = new_parameter(np.zeros(channels_out, dtype), decays=False)
        self.size, self.padding, self.stride = size, padding, stride

    def forward(self, inputs: Array, *, training: bool) -> Array:
        """Return the output (examples, height out, width out, channels out).

        Raises:
            ValueError: the picture with its padding is smaller than the square.
        """
        padded = self._padded(inputs)
        if min(padded.shape[1:3]) < self.size:
            raise ValueError(f"a picture of {inputs.shape[1:3]} is smaller than a square of {self.size}")
        patches = self._patches(padded)
        rows = patches.reshape(-1, self.size * self.size * inputs.shape[3])
        self._rows, self._padded_shape = (rows if training else None), padded.shape
        output: Array = rows @ self._matrix() + self.bias.value
        return output.reshape(*patches.shape[:3], -1)

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative with respect to the inputs, in their shape."""
        assert self._rows is not None
        of_rows = output_gradient.reshape(-1, output_gradient.shape[3])
        self.weights.gradient[...] = (self._rows.T @ of_rows).reshape(self.weights.value.shape)
        self.bias.gradient[...] = of_rows.sum(axis=0)
        of_patches = (of_rows @ self._matrix().T).reshape(
            *output_gradient.shape[:3], self.size, self.size, self._padded_shape[3]
        )
        padded = np.zeros(self._padded_shape, of_patches.dtype)
        for row in range(self.size):
            for column in range(self.size):
                padded[self._places(row, column, output_gradient.shape)] += of_patches[:, :, :, row, column]
        end = -self.padding or None
        gradient: Array = padded[:, self.padding : end, self.padding : end]
        return gradient

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Weights (size, size, channels in, channels out) and bias (channels out,)."""
        return self.weights, self.bias

    def _matrix(self) -> Array:
        """Return the weights as (size · size · channels in, channels out)."""
        return self.weights.value.reshape(-1, self.weights.value.shape[3])

    def _padded(self, inputs: Array) -> Array:
        """Return the inputs with zeros around them."""
        around = (self.padding, self.padding)
        return np.pad(inputs, ((0, 0), around, around, (0, 0))) if self.padding else inputs

    def _patches(self, padded: Array) -> Array:
        """Return the pixels under the square at each position, (examples, height, width, size, size, channels)."""
        windows = sliding_window_view(padded, (self.size, self.size), axis=(1, 2))
        patches: Array = windows[:, :: self.stride, :: self.stride].transpose(0, 1, 2, 4, 5, 3)
        return patches

    def _places(self, row: int, column: int, output: tuple[int, ...]) -> tuple[slice, slice, slice]:
        """Return slices for the pixels of the padded picture that one weight (row, column) of the square multiplies."""
        down, across = output[1] * self.stride, output[2] * self.stride
        return slice(None), slice(row, row + down, self.stride), slice(column, column + across, self.stride)


class MaxPooling:
    """Keeps the largest number of each non-overlapping square; incomplete squares at the edges are left out.

    Args:
        size: side of the square, pixels.
    """

    parameters: tuple[Parameter, ...] = ()

    def __init__(self, size: int) -> None:
        self.size = size

    def forward(self, inputs: Array, *, training: bool) -> Array:
        """Return the output (examples, height // size, width // size, channels)."""
        squares = self._squares(inputs)
        output: Array = squares.max(axis=3)
        if training:
            self._shape, self._first = inputs.shape, squares.argmax(axis=3)
        return output

    def backward(self, output_gradient: Array) -> Array:
        """Return the derivative with respect to the inputs.

        In each square the largest number has the derivative of the output, and all others have 0. If several numbers
        are equally large, the first one counts as the largest.
        """
        count, height, width, channels = output_gradient.shape
        chosen = np.zeros((count, height, width, self.size**2, channels), output_gradient.dtype)
        np.put_along_axis(chosen, self._first[:, :, :, None], output_gradient[:, :, :, None], axis=3)
        squares = chosen.reshape(count, height, width, self.size, self.size, channels)
        gradient = np.zeros(self._shape, output_gradient.dtype)
        gradient[:, : height * self.size, : width * self.size] = squares.transpose(0, 1, 3, 2, 4, 5).reshape(
            count, height * self.size, width * self.size, channels
        )
        return gradient

    def _squares(self, inputs: Array) -> Array:
        """Return the pixels of each square side by side, (examples, height, width, size · size, channels)."""
        count, height, width, channels = inputs.shape
        height, width = height // self.size, width // self.size
        whole = inputs[:, : height * self.size, : width * self.size]
        split = whole.reshape(count, height, self.size, width, self.size, channels).transpose(0, 1, 3, 2, 4, 5)
        squares: Array = split.reshape(count, height, width, self.size**2, channels)
        return squares
