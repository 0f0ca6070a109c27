"""A TensorFlow Lite file as a small graph that can be rewritten: read, change, write.

It needs NumPy, flatbuffers and ai-edge-litert (for its generated schema), but no TensorFlow. It supports only what our
networks use, and raises an error for anything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

OP_CODES = {k: v for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
OP_NAMES = {v: k for k, v in OP_CODES.items()}
DTYPES = {
    schema.TensorType.FLOAT32: np.dtype(np.float32),
    schema.TensorType.FLOAT16: np.dtype(np.float16),
    schema.TensorType.INT32: np.dtype(np.int32),
    schema.TensorType.INT8: np.dtype(np.int8),
}
TYPE_OF = {v: k for k, v in DTYPES.items()}
# The lowest version of each operator that supports the types we write (schema versions, TensorFlow Lite).
VERSIONS_INT8 = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "ADD": 2,
    "MUL": 2,
    "MAX_POOL_2D": 2,
    "PAD": 2,
    "MAXIMUM": 2,
    "RESIZE_BILINEAR": 2,
    "CONCATENATION": 2,
    "DEQUANTIZE": 2,
    "RESHAPE": 1,
    "SUB": 2,
}


@dataclass(eq=False)
class Tensor:
    """One edge of the graph; `data` is set for constants. `scale` is per tensor, or per channel along `axis`."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype = field(default_factory=lambda: np.dtype(np.float32))
    data: np.ndarray | None = None
    scale: np.ndarray | None = None
    zero_point: np.ndarray | None = None
    axis: int = 0


@dataclass(eq=False)
class Op:
    """One operator; `options` is the schema's own options object (or None)."""

    kind: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    options: object = None

    @property
    def out(self) -> Tensor:
        """The only output."""
        (tensor,) = self.outputs
        return tensor


@dataclass(eq=False)
class Graph:
    """Operators in an order in which they can run."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    ops: list[Op]

    def producer(self, tensor: Tensor) -> Op | None:
        """Return the operator that computes `tensor`; None for inputs and constants."""
        return next((op for op in self.ops if any(t is tensor for t in op.outputs)), None)

    def consumers(self, tensor: Tensor) -> list[Op]:
        """Return the operators that read `tensor`."""
        return [op for op in self.ops if any(t is tensor for t in op.inputs)]

    def replace(self, old: Tensor, new: Tensor) -> None:
        """Replace `old` by `new` for every reader, including outputs of the graph."""
        for op in self.ops:
            op.inputs = [new if t is old else t for t in op.inputs]
        self.outputs = [new if t is old else t for t in self.outputs]


def constant(name: str, data: np.ndarray) -> Tensor:
    """Make a constant tensor."""
    return Tensor(name, tuple(data.shape), data.dtype, np.ascontiguousarray(data))


def read(path: Path) -> Graph:
    """Read a one-subgraph float file; float16 constants behind DEQUANTIZE become float32 constants."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    (sub,) = model.subgraphs
    tensors: dict[int, Tensor] = {}
    for i, t in enumerate(sub.tensors):
        dtype, raw = DTYPES[t.type], model.buffers[t.buffer].data
        shape = () if t.shape is None else tuple(int(n) for n in t.shape)
        data = None if raw is None else np.frombuffer(bytes(raw), dtype).reshape(shape).copy()
        tensors[i] = Tensor(t.name.decode(), shape, dtype, data)
    ops = []
    for o in sub.operators:
        code = model.operatorCodes[o.opcodeIndex]
        kind = OP_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        source, out = tensors[int(o.inputs[0])], tensors[int(o.outputs[0])]
        if kind == "DEQUANTIZE" and source.data is not None:
            out.data = source.data.astype(np.float32)
            continue
        ops.append(
            Op(
                kind,
                [tensors[int(i)] for i in o.inputs if i >= 0],
                [tensors[int(i)] for i in o.outputs],
                o.builtinOptions,
            )
        )
    return Graph([tensors[int(i)] for i in sub.inputs], [tensors[int(i)] for i in sub.outputs], ops)


def write(graph: Graph, path: Path, description: str, float16: bool = False) -> None:
    """Write `graph`; with `float16` the float constants are stored as float16 behind DEQUANTIZE."""
    ops = _with_float16(graph.ops) if float16 else graph.ops
    tensors: list[Tensor] = []
    for t in [*graph.inputs, *(t for op in ops for t in [*op.inputs, *op.outputs])]:
        if not any(t is u for u in tensors):
            tensors.append(t)
    index = {id(t): i for i, t in enumerate(tensors)}
    model, sub = schema.ModelT(), schema.SubGraphT()
    model.version, model.description = 3, description
    model.buffers, model.operatorCodes, sub.operators, sub.tensors = [schema.BufferT()], [], [], []
    for t in tensors:
        sub.tensors.append(_pack_tensor(t, model.buffers))
    codes: dict[tuple[str, int], int] = {}
    for op in ops:
        key = (op.kind, _version(op))
        if key not in codes:
            codes[key] = len(codes)
            model.operatorCodes.append(_pack_code(*key))
        sub.operators.append(_pack_op(op, codes[key], index))
    sub.name = "main"
    sub.inputs = [index[id(t)] for t in graph.inputs]
    sub.outputs = [index[id(t)] for t in graph.outputs]
    model.subgraphs = [sub]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def _with_float16(ops: list[Op]) -> list[Op]:
    made: dict[int, Tensor] = {}
    first: list[Op] = []
    for op in ops:
        for t in op.inputs:
            if t.data is not None and t.dtype == np.float32 and id(t) not in made:
                half = constant(t.name + "/float16", t.data.astype(np.float16))
                made[id(t)] = Tensor(t.name, t.shape)
                first.append(Op("DEQUANTIZE", [half], [made[id(t)]]))
    return first + [Op(op.kind, [made.get(id(t), t) for t in op.inputs], op.outputs, op.options) for op in ops]


def _version(op: Op) -> int:
    if op.kind == "DEQUANTIZE" and op.inputs[0].dtype == np.float16:
        return 3
    if op.kind == "RESIZE_BILINEAR" and getattr(op.options, "halfPixelCenters", False):
        return 3
    return VERSIONS_INT8.get(op.kind, 1) if op.inputs[0].dtype == np.int8 else 1


def _pack_tensor(t: Tensor, buffers: list[schema.BufferT]) -> schema.TensorT:
    packed = schema.TensorT()
    packed.name, packed.shape, packed.type, packed.buffer = t.name, list(t.shape), TYPE_OF[np.dtype(t.dtype)], 0
    if t.data is not None:
        packed.buffer = len(buffers)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(t.data).tobytes(), np.uint8)
        buffers.append(buffer)
    if t.scale is not None:
        q = schema.QuantizationParametersT()
        q.scale = [float(s) for s in np.atleast_1d(t.scale)]
        q.zeroPoint = [int(z) for z in np.atleast_1d(t.zero_point if t.zero_point is not None else 0)]
        if len(q.zeroPoint) != len(q.scale):
            q.zeroPoint = [0] * len(q.scale)
        q.quantizedDimension = t.axis
        packed.quantization = q
    return packed


def _pack_code(kind: str, version: int) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = OP_CODES[kind], version
    code.deprecatedBuiltinCode = min(OP_CODES[kind], 127)
    return code


def _pack_op(op: Op, code: int, index: dict[int, int]) -> schema.OperatorT:
    packed = schema.OperatorT()
    packed.opcodeIndex = code
    packed.inputs, packed.outputs = [index[id(t)] for t in op.inputs], [index[id(t)] for t in op.outputs]
    if op.options is not None:
        packed.builtinOptions = op.options
        packed.builtinOptionsType = getattr(schema.BuiltinOptions, type(op.options).__name__.removesuffix("T"))
    return packed
