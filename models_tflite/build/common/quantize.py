"""Full int8 quantization of a float graph, with ranges measured on real pictures.

Activations are int8 per tensor, weights int8 per output channel, biases int32: the scheme of TensorFlow Lite's
quantization specification. It is implemented here because a converter can't meet three needs of these networks. The
range of each tensor must be selectable, because a score saturates on purpose. The input must be exactly pixel - 128.
Outputs whose channels differ in size need a scale for each channel.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from .graph import Graph, Op, Tensor, constant, write

# Operators whose output has the same scale as their inputs (TensorFlow Lite 8-bit quantization specification).
SAME_SCALE = ("MAX_POOL_2D", "PAD", "RESHAPE", "RESIZE_BILINEAR", "MAXIMUM", "CONCATENATION")
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


Rounder = Callable[[Op, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Maps a convolution and the scale of each channel to int8 weights and a bias correction."""


@dataclass(frozen=True)
class Range:
    """Smallest and largest value seen, per channel (last dimension)."""

    low: np.ndarray
    high: np.ndarray


def activations(graph: Graph) -> list[Tensor]:
    """Return every tensor that is computed."""
    return [t for op in graph.ops for t in op.outputs]


class Probe:
    """Runs a float graph and returns every activation."""

    def __init__(self, graph: Graph) -> None:
        self.tensors = activations(graph)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "probe.tflite"
            write(Graph(graph.inputs, self.tensors, graph.ops), path, "probe")
            self._interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
        self._interpreter.allocate_tensors()
        self._outputs = self._interpreter.get_output_details()
        self._input = self._interpreter.get_input_details()[0]["index"]

    def __call__(self, x: np.ndarray) -> Mapping[Tensor, np.ndarray]:
        """Run on one input and return activations by tensor."""
        self._interpreter.set_tensor(self._input, x)
        self._interpreter.invoke()
        values = [self._interpreter.get_tensor(o["index"]) for o in self._outputs]
        return dict(zip(self.tensors, values, strict=True))


def ranges(graph: Graph, inputs: Iterable[np.ndarray], trim: float = 0.0) -> dict[Tensor, Range]:
    """Measure the range of each channel of each activation.

    Args:
        graph: float.
        inputs: normalised pictures in the shape of the graph's input.
        trim: share of the pictures with the most extreme values to leave out at each end, per channel.
    """
    probe = Probe(graph)
    lows: dict[Tensor, list[np.ndarray]] = {t: [] for t in probe.tensors}
    highs: dict[Tensor, list[np.ndarray]] = {t: [] for t in probe.tensors}
    for x in inputs:
        for tensor, value in probe(x).items():
            flat = value.reshape(-1, value.shape[-1])
            lows[tensor].append(flat.min(0))
            highs[tensor].append(flat.max(0))
    return {t: Range(np.quantile(lows[t], trim, axis=0), np.quantile(highs[t], 1 - trim, axis=0)) for t in lows}


def quantize(
    graph: Graph, limits: Mapping[Tensor, tuple[float, float]], center: float, divisor: float, rounder: Rounder
) -> Graph:
    """Return an int8 copy of `graph` with int8 input (pixel - 128) and float outputs.

    Args:
        graph: float, batch 1, made of convolutions, ADD, MUL, MAXIMUM and shape operators.
        limits: lowest and highest value to represent, for every activation.
        center, divisor: normalisation of the float network's pixels: (x - center) / divisor.
        rounder: how weights are rounded.
    """
    shared = _same_scale_groups(graph)
    made: dict[int, Tensor] = {}
    picture = graph.inputs[0]
    scale = np.array([1 / divisor])
    made[id(picture)] = Tensor("pixels", picture.shape, np.dtype(np.int8), None, scale, np.array([0]))
    for tensor in activations(graph):
        group = shared[id(tensor)]
        low, high = min(limits[t][0] for t in group), max(limits[t][1] for t in group)
        made[id(tensor)] = Tensor(tensor.name, tensor.shape, np.dtype(np.int8), None, *affine(low, high))
    ops = [_quantize_op(op, made, picture, (128 - center) / divisor, rounder) for op in graph.ops]
    outputs = []
    for tensor in graph.outputs:
        out = Tensor(tensor.name + "/float", tensor.shape)
        ops.append(Op("DEQUANTIZE", [made[id(tensor)]], [out]))
        outputs.append(out)
    return Graph([made[id(picture)]], outputs, ops)


def affine(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and zero point of int8 numbers that run from `low` to `high` and represent 0 exactly."""
    low, high = min(0.0, low), max(0.0, high)
    step = max(high - low, 1e-9) / 255
    return np.array([step]), np.array([int(np.clip(round(-128 - low / step), -128, 127))])


def _same_scale_groups(graph: Graph) -> dict[int, list[Tensor]]:
    groups: dict[int, list[Tensor]] = {id(t): [t] for t in activations(graph)}
    for op in graph.ops:
        if op.kind not in SAME_SCALE:
            continue
        for tensor in (t for t in op.inputs if t.data is None and id(t) in groups):
            a, b = groups[id(op.out)], groups[id(tensor)]
            if a is not b:
                a.extend(b)
                for member in b:
                    groups[id(member)] = a
    return groups


def _quantize_op(op: Op, made: Mapping[int, Tensor], picture: Tensor, shift: float, rounder: Rounder) -> Op:
    source = made.get(id(op.inputs[0]))
    if op.kind in CONVOLUTIONS:
        assert source is not None
        q_weights = quantize_weights(op.inputs[1], axis=0 if op.kind == "CONV_2D" else 3)
        q_weights.data, correction = rounder(op, q_weights.scale)
        bias = op.inputs[2].data.astype(np.float64) + correction
        if op.inputs[0] is picture:  # int8 pixels are (128 - center) / divisor lower than the float network's
            bias += shift * q_weights.data.astype(np.float64).reshape(len(bias), -1).sum(1) * q_weights.scale
        bias_scale = float(source.scale[0]) * q_weights.scale
        q_bias = constant(op.inputs[2].name, np.round(bias / bias_scale).clip(-(2**31), 2**31 - 1).astype(np.int32))
        q_bias.scale, q_bias.zero_point = bias_scale, np.zeros(len(bias_scale), np.int64)
        return Op(op.kind, [source, q_weights, q_bias], [made[id(op.out)]], copy.copy(op.options))
    inputs = []
    for t in op.inputs:
        if t.data is not None and t.dtype == np.float32:
            inputs.append(quantize_constant(t))
        else:
            inputs.append(made.get(id(t), t))
    return Op(op.kind, inputs, [made[id(op.out)]], copy.copy(op.options))


def quantize_weights(weights: Tensor, axis: int) -> Tensor:
    """Quantize symmetrically with one scale for each channel along `axis`."""
    data = weights.data.astype(np.float64)
    others = tuple(i for i in range(data.ndim) if i != axis)
    scale = np.maximum(np.abs(data).max(axis=others), 1e-9) / 127
    shape = [1] * data.ndim
    shape[axis] = -1
    q = constant(weights.name, np.round(data / scale.reshape(shape)).clip(-127, 127).astype(np.int8))
    q.scale, q.zero_point, q.axis = scale, np.zeros(len(scale), np.int64), axis
    return q


def quantize_constant(tensor: Tensor) -> Tensor:
    """Quantize a constant operand of MUL or ADD, per tensor."""
    data = tensor.data.astype(np.float64)
    scale, zero_point = affine(float(data.min()), float(data.max()))
    q = constant(tensor.name, (np.round(data / scale) + zero_point).clip(-128, 127).astype(np.int8))
    q.scale, q.zero_point = scale, zero_point
    return q


def relu_fused(op: Op) -> bool:
    """Return whether `op` ends in a fused RELU."""
    return getattr(op.options, "fusedActivationFunction", 0) == schema.ActivationFunctionType.RELU
