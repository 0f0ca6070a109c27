"""Converts the trained network to TensorFlow Lite files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from models_tflite.build.verifier import network
from models_tflite.build.verifier.augment import INPUT_PX
from models_tflite.build.verifier.batches import MIDDLE, Batches, Crops, arrays

CALIBRATION = 12
"""Number of batches with which the int8 file is calibrated."""


def write(model: keras.Model, crops: Crops, out: Path) -> None:
    """Write the int8 and the float16 file."""
    taken = stepped(model)
    (out / "face_verifier_int8.tflite").write_bytes(quantized(taken, crops))
    converter = converter_of(model)
    converter.optimizations, converter.target_spec.supported_types = [tf.lite.Optimize.DEFAULT], [tf.float16]
    (out / "face_verifier_float16.tflite").write_bytes(converter.convert())
    held = arrays(crops, np.flatnonzero(crops.held))
    seen, targets = held
    for name, factor in (("face_verifier_float16.tflite", 1.0), ("face_verifier_int8.tflite", MIDDLE)):
        sys.stdout.write(f"{name}: {network.examined(run(out / name, seen * np.float32(factor)), targets)}\n")


def converter_of(model: keras.Model) -> tf.lite.TFLiteConverter:
    """Return the converter for one crop at a time, with the weights as constants."""
    spec = tf.TensorSpec((1, INPUT_PX, INPUT_PX, 3), tf.float32)
    call = tf.function(lambda seen: model(seen, training=False)).get_concrete_function(spec)
    return tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(call)])


def stepped(model: keras.Model) -> keras.Model:
    """Return the network for input from -128 to 127. Its first weights are divided to make up for the larger input."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    first = next(layer for layer in copy.layers if isinstance(layer, layers.Conv2D))
    first.set_weights([first.get_weights()[0] / MIDDLE])
    return copy


def quantized(model: keras.Model, crops: Crops) -> bytes:
    """Return the int8 file; its input is RGB - 128, its outputs are floats."""
    batches = Batches(crops, 96, np.random.default_rng(1))

    def examples() -> Iterator[list[np.ndarray]]:
        for _ in range(CALIBRATION):
            for seen in batches.next()[0] * np.float32(MIDDLE):
                seen[0, 0], seen[0, 1] = -128, 127  # the whole range in every example, so that a step is one grey level
                yield [seen[None]]

    converter = converter_of(model)
    converter.optimizations, converter.representative_dataset = [tf.lite.Optimize.DEFAULT], examples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type, converter.inference_output_type = tf.int8, tf.float32
    found: bytes = converter.convert()
    return found


def run(path: Path, seen: np.ndarray) -> list[np.ndarray]:
    """Return a file's outputs for many inputs, in the order of the network."""
    interpreter = tf.lite.Interpreter(str(path))
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    by_size = {int(d["shape"][-1]): d["index"] for d in interpreter.get_output_details()}
    rows: list[list[np.ndarray]] = []
    for one in seen.astype(entry["dtype"]):
        interpreter.set_tensor(entry["index"], one[None])
        interpreter.invoke()
        rows.append([interpreter.get_tensor(by_size[n])[0] for n in (1, network.VISIBLE, network.SHAPE)])
    return [np.stack(column) for column in zip(*rows, strict=True)]
