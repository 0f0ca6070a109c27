"""Exports a trained network to a .tflite file in int8, with a file of facts about it. Needs TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_daemon.errors import LabError
from edge_daemon.lab.expression_augmentation import Bytes, as_input
from edge_daemon.lab.expression_classes import CLASSES, HEADS, SIDE_PX
from edge_daemon.lab.expression_frameworks import import_tensorflow
from edge_daemon.lab.expression_training import TrainingState
from edge_daemon.lab.law import NOTICE

FORMAT = 2
_CALIBRATION = 300

Weights = dict[str, NDArray[np.float32]]


def export_int8(weights: Weights, calibration: Bytes) -> bytes:
    """Return a network as a .tflite file: int8 inside, int8 grey pictures as input, float32 logits as output.

    Args:
        weights: weights of an `ExpressionNetwork` by name, as in its `state_dict`.
        calibration: grey pictures (n, 48, 48); an evenly spread selection of them determines the ranges of int8.
    """
    tf = import_tensorflow()
    forward = tf.function(lambda pictures: _forward(tf, weights, pictures))
    call = forward.get_concrete_function(tf.TensorSpec((1, SIDE_PX, SIDE_PX, 1), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([call])
    chosen = calibration[:: max(len(calibration) // _CALIBRATION, 1)]
    rim = np.stack([np.zeros_like(chosen[0]), np.full_like(chosen[0], 255)])
    samples = as_input(np.concatenate([chosen, rim]))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.float32
    return bytes(converter.convert())


def _forward(tf: Any, weights: Weights, pictures: Any) -> Any:
    """Return the logits (1, heads × classes) of one picture: `ExpressionNetwork.forward` as TensorFlow computes it."""
    x = pictures
    for number in range(sum(name.startswith("trunk.") and name.endswith("norm.weight") for name in weights)):
        x = _trunk_layer(tf, weights, number, x)
    flat = tf.reshape(_convolution(tf, weights, "cnn_features", x), (1, -1))
    rows = tf.reshape(_convolution(tf, weights, "row_features", x), (x.shape[1], -1))
    stripes = tf.reshape(pictures, (-1, weights["bilstm.lstm.weight_ih_l0"].shape[1]))
    logits = {
        "cnn": _linear(tf, weights, "cnn", flat),
        "bilstm": _bilstm(tf, weights, "bilstm", stripes),
        "cnn_bilstm": _bilstm(tf, weights, "cnn_bilstm", rows),
    }
    return tf.concat([logits[head] for head in HEADS], 1)


def _trunk_layer(tf: Any, weights: Weights, number: int, x: Any) -> Any:
    name = f"trunk.{number}"
    if f"{name}.norm.weight" in weights:
        return _convolution(tf, weights, name, x, stride=2 if number else 1)
    return tf.nn.relu(x + _convolution(tf, weights, f"{name}.convolution", x, relu=False))


def _convolution(tf: Any, weights: Weights, name: str, x: Any, stride: int = 1, *, relu: bool = True) -> Any:
    """Return a convolution's output; its batch normalisation becomes part of its weights."""
    kernel = weights[f"{name}.convolution.weight"]
    gain = weights[f"{name}.norm.weight"] / np.sqrt(weights[f"{name}.norm.running_var"] + _NORM_EPSILON)
    shift = weights[f"{name}.norm.bias"] - weights[f"{name}.norm.running_mean"] * gain
    rim = kernel.shape[2] // 2
    if stride > 1:  # "SAME" would pad the right and the lower side only
        x = tf.pad(x, [[0, 0], [rim, rim], [rim, rim], [0, 0]])
    folded = (kernel * gain[:, None, None, None]).transpose(2, 3, 1, 0)
    x = tf.nn.conv2d(x, folded, stride, "VALID" if stride > 1 else "SAME") + shift
    return tf.nn.relu(x) if relu else x


_NORM_EPSILON = 1e-5
"""Epsilon of PyTorch's batch normalisation."""


def _linear(tf: Any, weights: Weights, name: str, x: Any) -> Any:
    return tf.matmul(x, weights[f"{name}.weight"].T) + weights[f"{name}.bias"]


def _bilstm(tf: Any, weights: Weights, name: str, steps: Any) -> Any:
    """Return the logits of a BiLSTM over (steps, features), without a loop: TensorFlow Lite has none in int8."""
    last = [_lstm(tf, weights, f"{name}.lstm", "l0", steps, range(steps.shape[0]))]
    last += [_lstm(tf, weights, f"{name}.lstm", "l0_reverse", steps, reversed(range(steps.shape[0])))]
    return _linear(tf, weights, f"{name}.linear", tf.concat(last, 1))


def _lstm(tf: Any, weights: Weights, name: str, direction: str, steps: Any, order: Any) -> Any:
    """Return the last state (1, units) of one direction; PyTorch stacks the gates input, forget, cell, output."""
    bias = weights[f"{name}.bias_ih_{direction}"] + weights[f"{name}.bias_hh_{direction}"]
    given = tf.matmul(steps, weights[f"{name}.weight_ih_{direction}"].T) + bias
    recurrent = weights[f"{name}.weight_hh_{direction}"].T
    state = cell = None
    for step in order:
        gates = given[step : step + 1]
        if state is not None:
            gates += tf.matmul(state, recurrent)
        enter, forget, new, leave = tf.split(gates, 4, 1)
        entered = tf.sigmoid(enter) * tf.tanh(new)
        cell = entered if cell is None else tf.sigmoid(forget) * cell + entered
        state = tf.sigmoid(leave) * tf.tanh(cell)
    return state


def write_model(path: Path, content: bytes, state: TrainingState) -> None:
    """Write a model and the facts about it, MODEL.json.

    Raises:
        LabError: a file can't be written.
    """
    facts = {
        "format": FORMAT,
        "notice": NOTICE,
        "classes": list(CLASSES),
        "heads": list(HEADS),
        "bytes": len(content),
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "ended": state.ended,
        "minutes": round(state.seconds / 60, 1),
        "processor_minutes": round(state.processor_seconds / 60, 1),
        "epochs_changed": state.epochs_changed,
        "seed": state.plan.seed,
        "width": state.plan.width,
    }
    try:
        for target, data in ((path, content), (facts_path(path), (json.dumps(facts, indent=1) + "\n").encode())):
            partial = target.with_name(f".{target.name}.partial")
            partial.write_bytes(data)
            partial.replace(target)
    except OSError as error:
        raise LabError(f"can't be written: {error.strerror}", str(path)) from error


def facts_path(model: Path) -> Path:
    """Return the path of the facts about a model."""
    return model.with_name(f"{model.name}.json")
