"""Determines the precision of a .tflite file from its contents, not its name."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from edge_daemon.vision.interpreter import runtime_name

_HEAVY = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_MODULES = {"litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}


@cache
def precision(path: Path) -> str:
    """Return `int8`, `dynamic`, `float16` or `float32` from the operators in the file.

    - int8: every convolution and fully connected layer has int8 input and output.
    - dynamic: a layer has int8 weights and float input or output.
    - float16: no layer has int8, and the weights are stored as float16.
    """
    module = importlib.import_module(_MODULES[runtime_name()])
    plain = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = module.Interpreter(model_path=str(path), experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    types = {d["index"]: np.dtype(d["dtype"]) for d in interpreter.get_tensor_details()}
    heavy = [_types(op, types) for op in interpreter._get_ops_details() if op["op_name"] in _HEAVY]
    if heavy and all(inside == out == np.int8 for inside, _, out in heavy):
        return "int8"
    if any(weights == np.int8 for _, weights, _ in heavy):
        return "dynamic"
    return "float16" if np.dtype(np.float16) in types.values() else "float32"


def _types(op: dict[str, Any], types: dict[int, np.dtype[Any]]) -> tuple[np.dtype[Any], np.dtype[Any], np.dtype[Any]]:
    return types[op["inputs"][0]], types[op["inputs"][1]], types[op["outputs"][0]]
