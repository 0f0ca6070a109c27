"""Exports a trained network to a .tflite file in int8, with a file of facts about it. Needs TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from edge_daemon.errors import LabError
from edge_daemon.lab.expression_classes import CLASSES, HEADS, SIDE_PX
from edge_daemon.lab.expression_training import Bytes, TrainingState, as_input, import_keras
from edge_daemon.lab.law import NOTICE

FORMAT = 1
_CALIBRATION = 300


def export_int8(network: Any, calibration: Bytes) -> bytes:
    """Return a network as a .tflite file: int8 inside, int8 grey pictures as input, float32 logits as output.

    Args:
        network: a network of `expression_network`.
        calibration: grey pictures (n, 48, 48); an evenly spread selection of them determines the ranges of int8.
    """
    _, tf = import_keras()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    call = tf.function(network).get_concrete_function(tf.TensorSpec((1, SIDE_PX, SIDE_PX, 1), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(call)])
    chosen = calibration[:: max(len(calibration) // _CALIBRATION, 1)]
    rim = np.stack([np.zeros_like(chosen[0]), np.full_like(chosen[0], 255)])
    samples = as_input(np.concatenate([chosen, rim]))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.float32
    return bytes(converter.convert())


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
        "seed": state.plan.seed,
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
