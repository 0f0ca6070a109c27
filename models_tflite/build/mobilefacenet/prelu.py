"""Splits PReLU into operators that XNNPACK runs in int8, without changing the function.

With slope a, prelu(x) = x + relu((a - 1) x) when a <= 1. For a > 1 the same formula gives max(x, a x), which is
-prelu(-x). Such a channel is stored negated, and its reader negates it again. There are two forms:

    "mul": x + RELU(x * (a - 1))                 one MUL by a constant vector, one ADD
    "two": conv(w) + RELU(conv((a - 1) w))       a second convolution with exact weights per channel, one ADD
"""

from __future__ import annotations

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..common.graph import Graph, Op, Tensor, constant
from ..common.rewrite import RELU


def split_prelu(graph: Graph, forms: dict[int, str]) -> None:
    """Replace PReLU number i by the operators of `forms[i]`; channels with a slope above 1 are negated first."""
    for number, prelu in enumerate([op for op in graph.ops if op.kind == "PRELU"]):
        conv = graph.producer(prelu.inputs[0])
        (reader,) = graph.consumers(prelu.out)
        slope = prelu.inputs[1].data.reshape(-1)
        sign = np.where(slope > 1, -1.0, 1.0).astype(np.float32)
        _scale_outputs(conv, sign)
        _scale_inputs(reader, sign)
        at = graph.ops.index(prelu)
        steps = _mul(prelu, slope - 1) if forms[number] == "mul" else _two(prelu, conv, slope - 1)
        graph.ops[at : at + 1] = steps


def _mul(prelu: Op, extra: np.ndarray) -> list[Op]:
    x, y = prelu.inputs[0], prelu.out
    bent = Tensor(y.name + "/bent", y.shape)
    options = schema.MulOptionsT()
    options.fusedActivationFunction = RELU
    vector = constant(y.name + "/extra", extra.reshape(1, 1, 1, -1).astype(np.float32))
    return [Op("MUL", [x, vector], [bent], options), Op("ADD", [x, bent], [y], schema.AddOptionsT())]


def _two(prelu: Op, conv: Op, extra: np.ndarray) -> list[Op]:
    x, y = prelu.inputs[0], prelu.out
    bent = Tensor(y.name + "/bent", y.shape)
    twin = Op(conv.kind, list(conv.inputs), [bent], copy.copy(conv.options))
    twin.options.fusedActivationFunction = RELU
    _scale_outputs(twin, extra)
    return [twin, Op("ADD", [x, bent], [y], schema.AddOptionsT())]


def _scale_outputs(conv: Op, factor: np.ndarray) -> None:
    weights, bias = conv.inputs[1], conv.inputs[2]
    shape = (-1, 1, 1, 1) if conv.kind == "CONV_2D" else (1, 1, 1, -1)
    conv.inputs = [
        conv.inputs[0],
        constant(weights.name, (weights.data * factor.reshape(shape)).astype(np.float32)),
        constant(bias.name, (bias.data * factor).astype(np.float32)),
    ]


def _scale_inputs(conv: Op, factor: np.ndarray) -> None:
    weights = conv.inputs[1]
    data = (weights.data * factor.reshape(1, 1, 1, -1)).astype(np.float32)
    conv.inputs = [conv.inputs[0], constant(weights.name, data), conv.inputs[2]]


def merge_linear(graph: Graph) -> None:
    """Merge a linear 1x1 convolution into the 1x1 convolution that is its only reader."""
    for first in [op for op in graph.ops if op.kind == "CONV_2D"]:
        readers = graph.consumers(first.out)
        if len(readers) != 1 or readers[0].kind != "CONV_2D" or first.options.fusedActivationFunction:
            continue
        (second,) = readers
        w1, w2 = first.inputs[1].data, second.inputs[1].data
        if w1.shape[1:3] != (1, 1) or w2.shape[1:3] != (1, 1):
            continue
        a, b = w1.reshape(w1.shape[0], -1).astype(np.float64), w2.reshape(w2.shape[0], -1).astype(np.float64)
        weights = constant(second.inputs[1].name, (b @ a).astype(np.float32).reshape(b.shape[0], 1, 1, a.shape[1]))
        bias = (second.inputs[2].data + b @ first.inputs[2].data).astype(np.float32)
        second.inputs = [first.inputs[0], weights, constant(second.inputs[2].name, bias)]
        graph.ops.remove(first)
