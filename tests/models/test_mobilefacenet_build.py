"""The embedder's build: the calibration faces are fixed, and the first biases are those of the shipped file."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

pytest.importorskip("ai_edge_litert.schema_py_generated")

from edge_daemon.vision.models import default_models_dir
from models_tflite.build.common.graph import read
from models_tflite.build.common.quantize import quantize_weights
from models_tflite.build.common.rounding import nearest
from models_tflite.build.mobilefacenet.build import CALIBRATION, calibrating, calibration, rounded

PLAIN = {"sha256": "0", "gain_r": "", "gain_g": "", "gain_b": "", "offset": "", "size_px": ""}
FACE = np.random.default_rng(0).integers(0, 255, (112, 112, 3), dtype=np.uint8)


def test_120_pictures_calibrate_60_as_they_are_30_tinted_30_small():
    with CALIBRATION.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["sha256"] for row in rows}) == 120
    assert sum(row["offset"] != "" for row in rows) == 30
    assert sum(row["size_px"] != "" for row in rows) == 30
    assert sum(row["offset"] == row["size_px"] == "" for row in rows) == 60


def test_a_row_says_what_becomes_of_its_face():
    assert (calibrating(FACE, PLAIN) == FACE).all()
    tinted = calibrating(FACE, {**PLAIN, "gain_r": "0.5", "gain_g": "1.0", "gain_b": "2.0", "offset": "10.0"})
    assert tinted[0, 0].tolist() == [min(int(value), 255) for value in FACE[0, 0] * [0.5, 1.0, 2.0] + 10.0]
    small = calibrating(FACE, {**PLAIN, "size_px": "28"})
    assert small.shape == FACE.shape
    assert small.std() < FACE.std() / 2
    with pytest.raises(ValueError, match="no face was found"):
        calibrating(None, PLAIN)


def test_other_pictures_do_not_calibrate(tmp_path):
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "somebody.png"), FACE)
    with pytest.raises(ValueError, match=r"120 of the 120 pictures of calibration\.csv are not in "):
        calibration(tmp_path)


def test_the_first_convolution_has_the_half_step_of_its_float_weights():
    graph = read(default_models_dir() / "mobilefacenet_float32.tflite")
    first, later = graph.ops[0], graph.ops[4]
    scale = quantize_weights(first.inputs[1], axis=0).scale
    weights, correction = rounded(first, scale, graph.inputs[0])
    of_int8 = 0.5 / 128 * (weights * scale.reshape(-1, 1, 1, 1)).reshape(len(scale), -1).sum(1)
    exact = 0.5 / 128 * first.inputs[1].data.astype(np.float64).reshape(len(scale), -1).sum(1)
    np.testing.assert_allclose(of_int8 + correction, exact, rtol=1e-9)
    assert (weights == nearest(first, scale)[0]).all()
    assert not rounded(later, quantize_weights(later.inputs[1], axis=0).scale, graph.inputs[0])[1].any()
