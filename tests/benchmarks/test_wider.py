from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import wider
from tests.benchmarks import folders
from tests.benchmarks.running import run


def test_faces_on_a_wall_are_found_and_an_invalid_label_counts_nowhere(tmp_path, monkeypatch):
    out = tmp_path / "out.json"
    assert run(monkeypatch, wider, "--data", folders.wider(tmp_path / "set"), "--json", out) == 0
    found = json.loads(out.read_text())
    recall = found["recall"]
    assert (recall["32+"]["hits"], recall["32+"]["n"]) == (2, 2)
    assert (recall["32-48"]["n"], recall["16-24"]["n"]) == (2, 0)
    assert found["false_boxes"] == 0
    assert (found["candidates"]["32+"]["hits"], found["candidates"]["32+"]["n"]) == (2, 2)
    assert found["candidates_a_picture"] >= 3  # the face to ignore is a candidate, too


def test_the_part_that_was_held_back_is_a_third_by_name():
    names = [f"{number}.jpg" for number in range(900)]
    held = [name for name in names if wider.in_part(name, "held-back")]
    assert len(held) == pytest.approx(300, abs=60)
    assert all(wider.in_part(name, "all") for name in names)


def test_recall_goes_by_the_labels_height_and_the_asked_overlap():
    labels = {"a": np.array([[0, 0, 20, 20, 0], [100, 0, 40, 40, 0], [300, 0, 40, 40, 1]], float)}
    found = {"a": np.array([[0, 0, 20, 20], [110, 0, 40, 40], [300, 0, 40, 40], [500, 0, 9, 9]], float)}
    scored = wider.scored(labels, found)
    assert scored["recall"]["16-24"]["hits"] == 1
    assert scored["recall"]["32-48"]["hits"] == 1  # an overlap of .6
    assert scored["false_boxes"] == 1
    strict = wider.scored(labels, found, 0.7)
    assert strict["recall"]["32-48"]["hits"] == 0
    assert strict["false_boxes"] == 2


def test_a_folder_of_another_form_is_one_line_and_exit_2(tmp_path, monkeypatch, capsys):
    folders.table(tmp_path / "boxes.csv", "file,x,y,w,h,invalid", ("a.jpg", 0, 0, "wide", 4, 0))
    assert run(monkeypatch, wider, "--data", tmp_path, "--json", tmp_path / "out.json") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "wide" in error


def test_a_peer_that_is_no_model_is_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "peer.onnx").write_text("no model")
    options = ("--json", tmp_path / "out.json", "--peer", tmp_path / "peer.onnx")
    assert run(monkeypatch, wider, "--data", folders.wider(tmp_path / "set"), *options) == 2
    assert "peer.onnx" in capsys.readouterr().err
