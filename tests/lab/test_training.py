"""A training from its first epoch to a model that runs. Needs TensorFlow, which devices and some CI machines lack."""

from __future__ import annotations

import json
import zipfile

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edge_daemon.errors import LabError
from edge_daemon.lab.expression_classes import CLASSES
from edge_daemon.lab.expression_model import ExpressionModel
from edge_daemon.lab.expression_run import run_expression, train_expression
from edge_daemon.lab.expression_training import TrainingPlan
from edge_daemon.lab.law import NOTICE

PLAN = TrainingPlan(epochs=2, seed=3, width=8, batch_size=14)


def made_face(label: int, number: int):
    """A grey square with stripes that depend on its label."""
    face = np.random.default_rng((label, number)).integers(80, 120, (48, 48)).astype(np.uint8)
    face[label * 6 : label * 6 + 6] = 255
    return face


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fer")
    for split, first in (("Training", 0), ("PublicTest", 100)):
        with zipfile.ZipFile(folder / f"{split}.zip", "w") as archive:
            for k, label in enumerate(CLASSES):
                for number in range(first, first + 4):
                    archive.writestr(f"{label}/{number}.png", cv2.imencode(".png", made_face(k, number))[1].tobytes())
    return folder


def quiet(*_: object) -> None:
    return


def test_a_training_that_was_cut_goes_on_and_gives_what_one_without_a_cut_gives(data, tmp_path):
    whole, cut = tmp_path / "whole.tflite", tmp_path / "cut.tflite"
    lines: list[str] = []
    train_expression(data, whole, PLAN, None, quiet, lines.append)
    assert len(lines) == 2
    state = train_expression(data, cut, PLAN, 0.0001, quiet, quiet)
    assert (state.epoch, state.ended, cut.exists()) == (1, "", False)
    with pytest.raises(LabError, match="another plan"):
        train_expression(data, cut, TrainingPlan(epochs=9, seed=3, width=8, batch_size=14), None, quiet, quiet)
    state = train_expression(data, cut, PLAN, None, quiet, quiet)
    assert (state.epoch, state.ended) == (2, "the plan's last epoch")
    facts = json.loads((tmp_path / "cut.tflite.json").read_text())
    assert facts["notice"] == NOTICE
    curves = [
        (tmp_path / f"{name}.tflite.training" / "curve.csv").read_text().splitlines() for name in ("whole", "cut")
    ]
    figures = [[line.split(",")[:1] + line.split(",")[2:] for line in curve] for curve in curves]
    assert figures[0] == figures[1]
    one, other = ExpressionModel(whole), ExpressionModel(cut)
    face = made_face(2, 7)
    assert one(face) == pytest.approx(other(face), abs=0.02)
    assert whole.stat().st_size < 1_000_000

    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "a.png"), face)
    found = run_expression(tmp_path / "in", cut, tmp_path / "out", 10, quiet)
    assert (found.pictures, len(found.faces), found.tracks) == (1, 1, {})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png-expression.png", "expression.csv"]


def test_a_state_that_can_not_be_read_is_refused_in_one_line(data, tmp_path):
    (tmp_path / "m.tflite.training").mkdir()
    (tmp_path / "m.tflite.training" / "state.json").write_text("{")
    with pytest.raises(LabError, match="is no state from which a training can resume") as refused:
        train_expression(data, tmp_path / "m.tflite", PLAN, None, quiet, quiet)
    assert "remove the folder" in refused.value.line()
