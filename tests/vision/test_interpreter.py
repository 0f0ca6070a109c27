"""The one seam to the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.errors import ModelError
from edge_daemon.vision import interpreter
from edge_daemon.vision.interpreter import Model, available_runtimes, pick, runtime_name


def test_a_model_takes_inputs_with_and_without_the_batch_dimension(model_set):
    card = model_set.card("detector_look")
    model = Model(card.path)
    picture = np.random.default_rng(0).integers(0, 256, card.input_shape[1:], dtype=np.uint8)
    for a, b in zip(model(card.encode(picture)), model(card.encode(picture)[None]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_outputs_are_copies(model_set):
    card = model_set.card("detector_look")
    model = Model(card.path)
    black, white = (np.full(card.input_shape, level, np.uint8) for level in (0, 255))
    first = pick(model(card.encode(black)), 16)
    copy = first.copy()
    model(card.encode(white))
    np.testing.assert_array_equal(first, copy)


def test_an_output_is_chosen_by_its_last_dimension():
    boxes, scores = np.zeros((1, 9, 16)), np.zeros((1, 9, 1))
    assert pick([boxes, scores], 1) is scores
    assert pick([scores, boxes], 16) is boxes


@pytest.mark.parametrize("outputs", [[], [np.zeros((1, 2)), np.zeros((3, 2))]])
def test_no_or_two_such_outputs_are_an_error(outputs):
    with pytest.raises(ModelError, match="outputs of last dimension 2"):
        pick(outputs, 2)


def test_a_file_that_is_no_network_is_an_error(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"TFL3 but not really")
    with pytest.raises(ModelError, match="can't load this model"):
        Model(path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="can't load this model"):
        Model(tmp_path / "nowhere.tflite")


def test_the_best_runtime_is_taken():
    assert runtime_name() == available_runtimes()[0]


def test_no_runtime_at_all_is_an_error(monkeypatch):
    monkeypatch.setattr(interpreter, "_RUNTIMES", {"litert": "no_such_module"})
    with pytest.raises(ModelError, match="no TensorFlow Lite interpreter"):
        runtime_name()


def test_a_runtime_that_is_asked_for_by_name_must_be_there(model_set, monkeypatch):
    monkeypatch.setattr(interpreter, "_RUNTIMES", {"other": "no_such_module"})
    with pytest.raises(ModelError, match="other is not installed"):
        Model(model_set.card("mesh").path, runtime="other")
