"""The build's rewritings do not change the function, and its quantizer keeps its promises."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert.schema_py_generated")

from edge_daemon.vision.models import default_models_dir
from models_tflite.build.common.equalise import equalise
from models_tflite.build.common.graph import read
from models_tflite.build.common.heads import normalise_channels
from models_tflite.build.common.quantize import affine, quantize_weights, ranges
from models_tflite.build.common.rewrite import set_input
from models_tflite.build.common.rounding import look, round_weights
from models_tflite.build.common.search import answers
from models_tflite.build.mobilefacenet.prelu import merge_linear, split_prelu

FACES = [np.random.default_rng(i).uniform(-1, 1, (1, 112, 112, 3)).astype(np.float32) for i in range(2)]


@pytest.fixture
def graph():
    return read(default_models_dir() / "mobilefacenet_float32.tflite")


def vectors(graph):
    return np.concatenate([answer[0] for answer in answers(graph, FACES)])


@pytest.mark.parametrize("form", ["mul", "two"])
def test_prelu_in_other_operators_is_the_same_function(graph, form):
    exact = vectors(graph)
    split_prelu(graph, dict.fromkeys(range(33), form))
    assert not any(op.kind == "PRELU" for op in graph.ops)
    np.testing.assert_allclose(vectors(graph), exact, atol=1e-3)


def test_two_pairs_of_linear_convolutions_are_merged_exactly(graph):
    exact, before = vectors(graph), len(graph.ops)
    merge_linear(graph)
    assert len(graph.ops) == before - 2
    np.testing.assert_allclose(vectors(graph), exact, atol=1e-3)


def test_equalised_channels_give_the_same_vector(graph):
    exact = vectors(graph)
    split_prelu(graph, dict.fromkeys(range(33), "mul"))
    equalise(graph, ranges(graph, FACES), share=0.7, weight=0.3)
    np.testing.assert_allclose(vectors(graph), exact, atol=1e-3)


def test_equalised_channels_are_alike_where_it_is_free(graph):
    split_prelu(graph, dict.fromkeys(range(33), "mul"))

    def unevenness():
        seen = ranges(graph, FACES)
        sizes = [
            np.maximum(-seen[op.inputs[0]].low, seen[op.inputs[0]].high)
            for op in graph.ops
            if op.kind == "DEPTHWISE_CONV_2D"
        ]
        return np.mean([size.max() / np.median(size) for size in sizes])

    before = unevenness()
    equalise(graph, ranges(graph, FACES), share=1.0)
    assert unevenness() < 0.7 * before


def test_a_normalised_head_can_be_undone(graph):
    exact = vectors(graph)
    last = graph.producer(graph.producer(graph.outputs[0]).inputs[0])
    low, high = np.linspace(-9, -1, 192), np.linspace(1, 12, 192)
    half, middle = normalise_channels(last, low, high)
    np.testing.assert_allclose(vectors(graph) * half + middle, exact, atol=1e-3)


def test_a_detector_takes_other_input_sizes():
    graph = read(default_models_dir() / "blazeface_full_192_float16.tflite")
    set_input(graph, (1, 64, 128, 3))
    picture = np.zeros((1, 64, 128, 3), np.float32)
    assert sorted(a.shape for a in answers(graph, [picture])[0]) == [(1, 512, 1), (1, 512, 16)]


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 6.0), (-3.0, 0.5), (2.0, 5.0), (0.0, 0.0)])
def test_zero_is_an_exact_int8_number(low, high):
    (scale,), (zero_point,) = affine(low, high)
    assert -128 <= zero_point <= 127
    assert scale > 0
    assert scale * (127 - zero_point) >= high - scale


def test_rounding_that_looks_at_the_pictures_errs_less_than_rounding_to_the_nearest(graph):
    """This is checked for one 1x1 and one depthwise convolution, on the pictures that were used."""
    seen = look(graph, FACES)
    convolutions = [op for op in graph.ops if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D")]
    for op in (convolutions[4], convolutions[5]):
        axis = 0 if op.kind == "CONV_2D" else 3
        nearest = quantize_weights(op.inputs[1], axis)
        found, correction = round_weights(op, nearest.scale, seen[id(op)])
        exact, bias = op.inputs[1].data, op.inputs[2].data

        def error(weights, extra, op=op, scale=nearest.scale, exact=exact, bias=bias):
            shape = [1, 1, 1, 1]
            shape[0 if op.kind == "CONV_2D" else 3] = -1
            difference = exact - weights * scale.reshape(shape)
            places = seen[id(op)].places
            gram, mean = seen[id(op)].gram / places, seen[id(op)].total / places
            if op.kind == "CONV_2D":
                rows = difference.reshape(len(bias), -1)
                return float(
                    np.einsum("ci,ij,cj->c", rows, gram, rows).sum() - 2 * extra @ (rows @ mean) + extra @ extra
                )
            rows = difference.reshape(-1, len(bias)).T
            squares = np.einsum("ci,cij,cj->c", rows, gram, rows)
            return float((squares - 2 * extra * (rows * mean).sum(1) + extra**2).sum())

        assert error(found, correction) < 0.7 * error(nearest.data, np.zeros(len(bias)))
