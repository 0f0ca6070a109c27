"""Rounds weights, and passes the error of each on to those not yet rounded.

It applies Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers", ICLR
2023, to convolutions. It minimises the error of the output on the calibration pictures, not that of the weights. The
remaining mean error goes into the bias, which has 32 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .graph import Graph, Op
from .quantize import CONVOLUTIONS, Probe
from .rewrite import SAME

DAMPING = 0.01
POSITIONS = 400
"""Largest number of positions of a convolution's input to use from each picture."""


@dataclass
class Seen:
    """The inputs of a convolution: sums over positions of x xᵀ and of x.

    For a depthwise convolution the first axis is the channel.
    """

    gram: np.ndarray
    total: np.ndarray
    places: int


def look(graph: Graph, inputs: Sequence[np.ndarray], seed: int = 0) -> dict[int, Seen]:
    """Measure the inputs of every convolution of `graph`, by id of the operator."""
    probe, rng = Probe(graph), np.random.default_rng(seed)
    seen: dict[int, Seen] = {}
    for x in inputs:
        values = {id(t): v for t, v in probe(x).items()} | {id(graph.inputs[0]): x}
        for op in (op for op in graph.ops if op.kind in CONVOLUTIONS):
            patches = _patches(values[id(op.inputs[0])], op, rng).astype(np.float64)
            if op.kind == "CONV_2D":
                flat = patches.reshape(len(patches), -1)
                gram, total = flat.T @ flat, flat.sum(0)
            else:
                flat = patches.reshape(len(patches), -1, patches.shape[-1]).transpose(2, 0, 1)
                gram, total = flat.transpose(0, 2, 1) @ flat, flat.sum(1)
            before = seen.get(id(op), Seen(0.0, 0.0, 0))
            seen[id(op)] = Seen(before.gram + gram, before.total + total, before.places + len(patches))
    return seen


def _patches(value: np.ndarray, op: Op, rng: np.random.Generator) -> np.ndarray:
    """Return (positions, kernel height, kernel width, channels) of the kernel's inputs."""
    high, wide = op.inputs[1].shape[1:3]
    stride = op.options.strideH
    height, width = op.out.shape[1:3]
    padded = value[0]
    if op.options.padding == SAME:
        lacks = [
            max((n - 1) * stride + k - m, 0)
            for n, k, m in zip((height, width), (high, wide), padded.shape, strict=False)
        ]
        padded = np.pad(
            padded, [(lacks[0] // 2, lacks[0] - lacks[0] // 2), (lacks[1] // 2, lacks[1] - lacks[1] // 2), (0, 0)]
        )
    places = rng.permutation(height * width)[:POSITIONS]
    rows, columns = (places // width) * stride, (places % width) * stride
    return np.stack([[padded[rows + y, columns + x] for x in range(wide)] for y in range(high)]).transpose(2, 0, 1, 3)


def nearest(op: Op, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round each weight separately without a bias correction; returns the same as `round_weights`."""
    shape = (-1, 1, 1, 1) if op.kind == "CONV_2D" else (1, 1, 1, -1)
    found = np.round(op.inputs[1].data.astype(np.float64) / scale.reshape(shape)).clip(-127, 127)
    return found.astype(np.int8), np.zeros(len(scale))


def round_weights(op: Op, scale: np.ndarray, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Round the weights of a convolution.

    Args:
        op: float convolution.
        scale: (channels,) of the int8 weights.
        seen: inputs of the convolution.

    Returns:
        int8 weights in the shape of the float ones, and the bias correction (channels,).
    """
    data = op.inputs[1].data.astype(np.float64)
    if op.kind == "CONV_2D":
        rows = data.reshape(data.shape[0], -1)
        found = _passed_on(rows / scale[:, None], seen.gram)
        error = rows - found * scale[:, None]
        return found.reshape(data.shape).astype(np.int8), error @ (seen.total / seen.places)
    channels = data.shape[3]
    rows = data.reshape(-1, channels).T
    found = np.stack([_passed_on(rows[c : c + 1] / scale[c], seen.gram[c])[0] for c in range(channels)])
    error = rows - found * scale[:, None]
    return found.T.reshape(data.shape).astype(np.int8), (error * seen.total / seen.places).sum(1)


def _passed_on(weights: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """Round `weights` (rows, n), in units of one step; the error of each column is corrected in the later columns."""
    n = weights.shape[1]
    weights, damping = weights.copy(), DAMPING * float(np.mean(np.diag(gram))) + 1e-9
    upper = np.linalg.cholesky(np.linalg.inv(gram + damping * np.eye(n))).T
    found = np.zeros_like(weights)
    for j in range(n):
        found[:, j] = np.round(weights[:, j]).clip(-127, 127)
        error = (weights[:, j] - found[:, j]) / upper[j, j]
        weights[:, j + 1 :] -= error[:, None] * upper[j, j + 1 :]
    return found
