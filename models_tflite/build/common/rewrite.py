"""Exact rewrites of a graph: other batch and picture size, PReLU as one operator, ReLU fused into its convolution."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .graph import Graph, Op, constant

SAME = schema.Padding.SAME
RELU = schema.ActivationFunctionType.RELU


def set_input(graph: Graph, shape: tuple[int, int, int, int]) -> None:
    """Give the graph another input shape (N, H, W, C) and compute all other shapes."""
    resizes = [op for op in graph.ops if op.kind == "RESIZE_BILINEAR"]
    factors = {id(op): op.out.shape[1] // op.inputs[0].shape[1] for op in resizes}
    graph.inputs[0].shape = shape
    for op in graph.ops:
        if op.kind == "RESIZE_BILINEAR":
            size = [n * factors[id(op)] for n in op.inputs[0].shape[1:3]]
            op.inputs[1] = constant(op.inputs[1].name, np.array(size, np.int32))
        if op.kind == "RESHAPE":
            _set_batch(op, shape[0])
        op.out.shape = shape_of(op)


def _set_batch(op: Op, batch: int) -> None:
    options = schema.ReshapeOptionsT()
    last = op.out.shape[-1]
    options.newShape = [batch, last] if len(op.out.shape) == 2 else [batch, -1, last]
    op.options = options
    op.inputs = [op.inputs[0], constant(op.out.name + "/shape", np.array(options.newShape, np.int32))]


def shape_of(op: Op) -> tuple[int, ...]:
    """Return the output shape of `op` from its input shapes."""
    first = op.inputs[0].shape
    if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        kernel = op.inputs[1].shape
        channels = kernel[0] if op.kind == "CONV_2D" else kernel[3]
        return (first[0], *_window(first[1:3], kernel[1:3], op.options), channels)
    if op.kind == "MAX_POOL_2D":
        o = op.options
        return (first[0], *_window(first[1:3], (o.filterHeight, o.filterWidth), o), first[3])
    if op.kind == "PAD":
        return tuple(int(n + p.sum()) for n, p in zip(first, op.inputs[1].data, strict=True))
    if op.kind == "RESIZE_BILINEAR":
        return (first[0], *(int(n) for n in op.inputs[1].data), first[3])
    if op.kind == "RESHAPE":
        shape = [int(n) for n in op.options.newShape]
        known = int(np.prod([n for n in shape if n > 0]))
        return tuple(n if n > 0 else int(np.prod(first)) // known for n in shape)
    if op.kind == "CONCATENATION":
        axis = op.options.axis % len(first)
        return tuple(sum(t.shape[i] for t in op.inputs) if i == axis else n for i, n in enumerate(first))
    if op.kind in ("ADD", "SUB", "MUL", "MAXIMUM"):
        return tuple(np.broadcast_shapes(first, op.inputs[1].shape))
    if op.kind in ("RELU", "ABS", "PRELU"):
        return first
    raise ValueError(f"no shape rule for {op.kind}")


def _window(size: tuple[int, ...], kernel: tuple[int, ...], options: object) -> tuple[int, int]:
    strides = (options.strideH, options.strideW)
    if options.padding == SAME:
        return tuple(-(-n // s) for n, s in zip(size, strides, strict=True))
    return tuple((n - k) // s + 1 for n, k, s in zip(size, kernel, strides, strict=True))


def fold_prelu(graph: Graph) -> None:
    """Turn relu(x) + c * (x - |x|) into PRELU with slope 2c, shaped (1, 1, C)."""
    for relu in [op for op in graph.ops if op.kind == "RELU"]:
        x = relu.inputs[0]
        if {op.kind for op in graph.consumers(x)} != {"RELU", "ABS", "SUB"}:
            continue
        (sub,) = (op for op in graph.consumers(x) if op.kind == "SUB")
        (mul,) = graph.consumers(sub.out)
        (add,) = graph.consumers(mul.out)
        (half,) = (t for t in mul.inputs if t.data is not None)
        slope = constant(add.out.name + "/slope", (2 * half.data).reshape(1, 1, -1).astype(np.float32))
        index = graph.ops.index(add)
        graph.ops[index] = Op("PRELU", [x, slope], [add.out])
        gone = {id(op) for op in (relu, sub, mul)} | {id(op) for op in graph.consumers(x) if op.kind == "ABS"}
        graph.ops = [op for op in graph.ops if id(op) not in gone]


def fuse_relu(graph: Graph) -> None:
    """Fuse a RELU into the preceding convolution or addition, if nothing else reads the raw value."""
    for relu in [op for op in graph.ops if op.kind == "RELU"]:
        before = graph.producer(relu.inputs[0])
        fusable = before is not None and before.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "ADD")
        if fusable and len(graph.consumers(before.out)) == 1 and before.out not in graph.outputs:
            before.options.fusedActivationFunction = RELU
            before.outputs = relu.outputs
            graph.ops.remove(relu)
