"""Output heads that survive int8: a score that saturates outside of its relevant range, a scale for each box value."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .graph import Graph, Op, Tensor, constant


def normalise_channels(conv: Op, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale every output channel of `conv` so that its range [low, high] becomes [-1, 1].

    Returns:
        (half, middle): the old value is new * half + middle.
    """
    half, middle = (high - low) / 2, (high + low) / 2
    weights, bias = conv.inputs[1], conv.inputs[2]
    shape = (-1, 1, 1, 1)
    conv.inputs[1] = constant(weights.name, (weights.data / half.reshape(shape)).astype(np.float32))
    conv.inputs[2] = constant(bias.name, ((bias.data - middle) / half).astype(np.float32))
    return half, middle


def undo(graph: Graph, index: int, half: np.ndarray, middle: np.ndarray) -> None:
    """Append the float operation new * half + middle to output number `index` of a quantized graph."""
    tensor = graph.outputs[index]
    for kind, vector in (("MUL", half), ("ADD", middle)):
        out = Tensor(f"{tensor.name}/{kind.lower()}", tensor.shape)
        options = schema.MulOptionsT() if kind == "MUL" else schema.AddOptionsT()
        graph.ops.append(Op(kind, [tensor, constant(f"{out.name}/vector", vector.astype(np.float32))], [out], options))
        tensor = out
    graph.outputs[index] = tensor


def spread(values: np.ndarray, margin: float = 0.1, trim: float = 0.001) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest value to represent in each channel of `values` (n, channels)."""
    low, high = np.quantile(values, trim, axis=0), np.quantile(values, 1 - trim, axis=0)
    more = margin * (high - low)
    return low - more, high + more
