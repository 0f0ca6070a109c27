"""Chooses the range of each tensor by its effect on the output, with one tensor at a time quantized."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from .graph import Graph, Op, Tensor, write
from .quantize import activations, affine

logger = logging.getLogger(__name__)

GRID = (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.25)

Limits = dict[Tensor, tuple[float, float]]
Answers = Sequence[list[np.ndarray]]
Loss = Callable[[Answers, Answers], float]


def with_rounding(graph: Graph, limits: Mapping[Tensor, tuple[float, float]]) -> Graph:
    """Return a float graph in which the tensors of `limits` pass through int8."""
    ops: list[Op] = []
    renamed: dict[int, Tensor] = {}
    for op in graph.ops:
        ops.append(Op(op.kind, [renamed.get(id(t), t) for t in op.inputs], op.outputs, op.options))
        for t in op.outputs:
            if t in limits:
                scale, zero_point = affine(*limits[t])
                small = Tensor(t.name + "/int8", t.shape, np.dtype(np.int8), None, scale, zero_point)
                renamed[id(t)] = Tensor(t.name + "/rounded", t.shape)
                ops += [Op("QUANTIZE", [t], [small]), Op("DEQUANTIZE", [small], [renamed[id(t)]])]
    return Graph(graph.inputs, [renamed.get(id(t), t) for t in graph.outputs], ops)


def answers(graph: Graph, inputs: Sequence[np.ndarray]) -> Answers:
    """Run `graph` on every input and return its outputs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.tflite"
        write(graph, path, "search")
        interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    entry, outputs = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()
    found = []
    for x in inputs:
        interpreter.set_tensor(entry, x)
        interpreter.invoke()
        found.append([interpreter.get_tensor(o["index"]) for o in outputs])
    return found


def search(
    graph: Graph, limits: Limits, inputs: Sequence[np.ndarray], loss: Loss, most: int, leave: Sequence[Tensor] = ()
) -> Limits:
    """Improve the limits of the `most` tensors with the largest error, each separately.

    Args:
        graph: float.
        limits: the initial limits.
        inputs: normalised pictures.
        loss: error of answers (second argument) against the exact ones (first).
        most: how many tensors to improve.
        leave: tensors that keep their limits.
    """
    exact = answers(graph, inputs)

    def hurt(tensor: Tensor, limit: tuple[float, float]) -> float:
        return loss(exact, answers(with_rounding(graph, {tensor: limit}), inputs))

    start = {t: hurt(t, limits[t]) for t in activations(graph) if t not in (*graph.outputs, *leave)}
    better = dict(limits)
    for tensor in sorted(start, key=start.__getitem__, reverse=True)[:most]:
        best = start[tensor]
        for side in (1, 0):
            low, high = better[tensor]
            if (low, high)[side] == 0:
                continue
            for factor in GRID:
                candidate = (low, high * factor) if side else (low * factor, high)
                found = hurt(tensor, candidate)
                if found < best:
                    best, better[tensor] = found, candidate
        logger.info("%s: %.6f -> %.6f", tensor.name, start[tensor], best)
    return better
