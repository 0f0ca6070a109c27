"""A training from its first epoch to a model that runs. Needs PyTorch and TensorFlow, which devices and CI may lack."""

from __future__ import annotations

import json
import pickle
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("torch")

import torch

from edge_daemon.errors import LabError
from edge_daemon.lab.expression_augmentation import as_input
from edge_daemon.lab.expression_classes import CLASSES, HEADS
from edge_daemon.lab.expression_export import export_int8
from edge_daemon.lab.expression_model import ExpressionModel, readings
from edge_daemon.lab.expression_network import ExpressionNetwork
from edge_daemon.lab.expression_run import run_expression, train_expression
from edge_daemon.lab.expression_training import ExpressionTraining, TrainingPlan
from edge_daemon.lab.fer_pictures import read_split
from edge_daemon.lab.law import NOTICE

PLAN = TrainingPlan(epochs=2, seed=3, width=4, batch_size=14)


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


def both(data):
    return read_split(data, "Training"), read_split(data, "PublicTest")


def quiet(*_: object) -> None:
    return


def test_a_training_that_was_cut_goes_on_and_gives_what_one_without_a_cut_gives(data, tmp_path):
    whole, cut = tmp_path / "whole.tflite", tmp_path / "cut.tflite"
    lines: list[str] = []
    train_expression(data, whole, PLAN, None, quiet, lines.append)
    assert [line for line in lines if line.startswith("epoch ")] == lines[:2]
    assert {line.split(":")[0] for line in lines if "balanced" in line and line not in lines[:2]} == set(HEADS)
    files = {"state.pt", "curve.csv", "curve.svg", "confusion.svg", "distribution.svg", "samples.png"}
    assert {path.name for path in (tmp_path / "whole.tflite.training").iterdir()} == files
    state = train_expression(data, cut, PLAN, 0.0001, quiet, quiet)
    assert (state.epoch, state.ended, cut.exists()) == (1, "", False)
    with pytest.raises(LabError, match=r"another plan \(seed 3\)"):
        train_expression(data, cut, replace(PLAN, seed=4), None, quiet, quiet)
    with pytest.raises(LabError, match="has 1 finished epochs"):
        train_expression(data, cut, replace(PLAN, epochs=1), None, quiet, quiet)
    training = ExpressionTraining(replace(PLAN, epochs=9), tmp_path / "cut.tflite.training", *both(data))
    assert training.state.epochs_changed == [[1, 2, 9]]  # in memory only: the state is saved after an epoch
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


def test_the_exported_network_computes_what_the_trained_one_computes(tmp_path):
    torch.manual_seed(5)
    network = ExpressionNetwork(4)
    for layer in network.modules():  # as after a training: statistics and weights that are not 0 and 1
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.running_mean, -0.3, 0.3)
            torch.nn.init.uniform_(layer.running_var, 0.3, 2)
            torch.nn.init.uniform_(layer.bias, -1, 1)
        if isinstance(layer, torch.nn.Linear):
            layer.weight.data *= 6
    faces = np.stack([made_face(label, number) for label in range(len(CLASSES)) for number in range(3)])
    weights = {name: one.numpy() for name, one in network.eval().state_dict().items()}
    path = tmp_path / "m.tflite"
    path.write_bytes(export_int8(weights, faces))
    model = ExpressionModel(path)
    with torch.inference_mode():
        read = np.stack([readings(face) for face in faces], 1)
        logits = np.mean([network(torch.from_numpy(as_input(one)).permute(0, 3, 1, 2)).numpy() for one in read], axis=0)
    right = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert np.ptp(right, axis=0).max() > 0.1  # the faces differ, so a wrong network would show
    assert np.abs(np.stack([model(face) for face in faces]) - right).max() < 0.03


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("state.pt", "is not a state from which a training can resume"),
        ("state.json", "a training by an earlier version"),
    ],
)
def test_a_state_that_can_not_be_read_is_refused_in_one_line(data, tmp_path, name, what):
    (tmp_path / "m.tflite.training").mkdir()
    (tmp_path / "m.tflite.training" / name).write_text("{")
    with pytest.raises(LabError, match=what) as refused:
        train_expression(data, tmp_path / "m.tflite", PLAN, None, quiet, quiet)
    assert "remove the folder" in refused.value.line()


def test_a_state_that_is_damaged_foreign_or_a_program_is_refused(data, tmp_path):
    folder = tmp_path / "m.tflite.training"
    training = ExpressionTraining(PLAN, folder, *both(data))
    training._save()
    state = folder / "state.pt"
    whole = state.read_bytes()
    content = torch.load(state, weights_only=True)
    weights = bytearray(whole)
    weights[len(whole) // 2] ^= 0xFF  # PyTorch alone reads it as a weight
    made = [bytes(weights), whole[: len(whole) // 2], pickle.dumps(Program(tmp_path / "made"))]
    for foreign in (
        torch.zeros(2),
        {**content, "optimizer": 5},
        {**content, "best": {}},
        {**content, "state": {**content["state"], "epoch": None}},
        Program(tmp_path / "made"),
    ):
        torch.save(foreign, state)
        made.append(state.read_bytes())
    for body in made:
        state.write_bytes(body)
        with pytest.raises(LabError, match="is not a state from which a training can resume"):
            ExpressionTraining(PLAN, folder, *both(data))
    assert not (tmp_path / "made").exists()
    state.write_bytes(whole)
    assert ExpressionTraining(PLAN, folder, *both(data)).state == training.state


class Program:
    """A pickle that makes a file when it is read."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)
