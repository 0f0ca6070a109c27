"""Exact channel equalisation: gives all channels of a tensor a similar range before the tensor is quantized.

Convolutions are linear, and ReLU and PReLU are positively homogeneous. A channel can therefore be divided by any s > 0
where it is computed, and multiplied by s in the weights that read it (Nagel et al., "Data-Free Quantization Through
Weight Equalization and Bias Correction", ICCV 2019). Before a depthwise convolution, whose weights have a scale for
each channel, this costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .graph import Graph, Op, Tensor, constant
from .quantize import Range, activations

# Operators that keep channels apart, so that all their tensors carry the same scales.
TIED = ("ADD", "SUB", "MAX_POOL_2D", "RESIZE_BILINEAR", "MAXIMUM", "MUL", "PRELU", "RELU")
FLOOR = 1 / 64
"""Least range of a channel, as a share of the largest range in its tensor. It limits how far a channel is enlarged."""


class _Ties:
    """Union-find over channels of tensors."""

    def __init__(self, graph: Graph) -> None:
        self.first: dict[int, int] = {}
        total = 0
        for t in [*graph.inputs, *activations(graph)]:
            self.first[id(t)] = total
            total += t.shape[-1]
        self.parent = np.arange(total)
        for op in graph.ops:
            sources = [t for t in op.inputs if t.data is None]
            if op.kind in TIED:
                for t in sources:
                    self._tie(t, op.out, t.shape[-1])
            elif op.kind == "PAD":
                self._tie(sources[0], op.out, sources[0].shape[-1])

    def _tie(self, a: Tensor, b: Tensor, channels: int) -> None:
        for c in range(channels):
            i, j = self.root(self.first[id(a)] + c), self.root(self.first[id(b)] + c)
            self.parent[max(i, j)] = min(i, j)

    def root(self, i: int) -> int:
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = int(self.parent[i])
        return i

    def roots(self, t: Tensor) -> np.ndarray:
        """Return the group of each channel of `t`."""
        start = self.first[id(t)]
        return np.array([self.root(i) for i in range(start, start + t.shape[-1])])


def equalise(graph: Graph, seen: Mapping[Tensor, Range], share: float = 1.0, weight: float = 0.0) -> None:
    """Rescale channels in place; the graph computes the same function.

    Args:
        graph: float.
        seen: measured ranges.
        share: exponent of a channel's range: 1 makes all ranges of a tensor equal.
        weight: exponent of the relative size of the weights that read the channel in a full convolution: 0 looks at
            activations only; share = weight = 0.5 is the balance of the paper.
    """
    ties = _Ties(graph)
    size = np.zeros(len(ties.parent))
    reader = np.zeros(len(ties.parent))
    fixed = {r for t in [*graph.inputs, *graph.outputs] for r in ties.roots(t)}
    for op in graph.ops:
        if op.kind == "RESHAPE":
            fixed |= set(ties.roots(op.inputs[0]))
        if op.kind == "CONV_2D":
            w = np.abs(op.inputs[1].data).max(axis=(1, 2))
            np.maximum.at(reader, ties.roots(op.inputs[0]), (w / w.max(axis=1, keepdims=True)).max(axis=0))
    for t in activations(graph):
        r = np.maximum(np.abs(seen[t].low), np.abs(seen[t].high))
        np.maximum.at(size, ties.roots(t), np.maximum(r, max(r.max(), 1e-6) * FLOOR))
    scale = np.power(np.maximum(size, 1e-6), share) * np.power(np.maximum(reader, 1e-2), -weight * (reader > 0))
    scale[list(fixed)] = 1.0
    for op in graph.ops:
        _rescale(op, lambda t: scale[ties.roots(t)].astype(np.float32))


def _rescale(op: Op, scale_of: object) -> None:
    if op.kind == "CONV_2D":
        weights, bias = op.inputs[1], op.inputs[2]
        out = scale_of(op.out)
        data = weights.data * scale_of(op.inputs[0]) / out.reshape(-1, 1, 1, 1)
        op.inputs[1], op.inputs[2] = constant(weights.name, data), constant(bias.name, bias.data / out)
    elif op.kind == "DEPTHWISE_CONV_2D":
        weights, bias = op.inputs[1], op.inputs[2]
        out = scale_of(op.out)
        data = weights.data * (scale_of(op.inputs[0]) / out)
        op.inputs[1], op.inputs[2] = constant(weights.name, data), constant(bias.name, bias.data / out)
    elif op.kind in ("ADD", "SUB", "PAD") and any(t.data is not None and t.dtype == np.float32 for t in op.inputs):
        raise ValueError("a constant operand of ADD or SUB is not supported")
