"""A file that is called int8 is int8 in every convolution, seen in the file itself."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.vision.models import ModelSet, default_models_dir

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")

HEAVY = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
INT8 = [card for card in ModelSet.load(default_models_dir()).cards if "int8" in card.name]
NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}


def read(card):
    return schema.ModelT.InitFromPackedBuf(card.path.read_bytes(), 0)


def kind(model, op):
    code = model.operatorCodes[op.opcodeIndex]
    return NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]


def test_there_are_four_of_others_the_mask_network_and_the_verifier():
    assert len(INT8) == 6


@pytest.mark.parametrize("card", INT8, ids=lambda card: card.name)
def test_every_convolution_takes_weighs_and_gives_int8(card):
    model = read(card)
    (graph,) = model.subgraphs
    heavy = [op for op in graph.operators if kind(model, op) in HEAVY]
    assert len(heavy) >= 7  # the smallest network has six convolutions and a dense layer
    for op in heavy:
        types = {graph.tensors[i].type for i in (op.inputs[0], op.inputs[1], op.outputs[0])}
        assert types == {schema.TensorType.INT8}


@pytest.mark.parametrize("card", INT8, ids=lambda card: card.name)
def test_floats_stand_only_behind_the_outputs(card):
    model = read(card)
    (graph,) = model.subgraphs
    floats = {i for i, tensor in enumerate(graph.tensors) if tensor.type == schema.TensorType.FLOAT32}
    kinds = {kind(model, op) for op in graph.operators if floats & {*op.inputs, *op.outputs}}
    assert "DEQUANTIZE" in kinds
    assert kinds <= {"DEQUANTIZE", "MUL", "ADD"}
    assert "PRELU" not in {kind(model, op) for op in graph.operators}  # falls off the fast path in int8


@pytest.mark.parametrize("card", INT8, ids=lambda card: card.name)
def test_weights_have_a_scale_for_each_channel(card):
    model = read(card)
    (graph,) = model.subgraphs
    for op in graph.operators:
        if kind(model, op) in HEAVY:
            weights = graph.tensors[op.inputs[1]]
            axis = 3 if kind(model, op) == "DEPTHWISE_CONV_2D" else 0
            assert len(weights.quantization.scale) == weights.shape[axis]
            assert not np.any(weights.quantization.zeroPoint)
