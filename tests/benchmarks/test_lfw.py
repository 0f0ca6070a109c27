from __future__ import annotations

import json
import re

import pytest

from benchmarks import lfw
from benchmarks.network import precision
from edge_daemon.vision.models import ModelSet, default_models_dir
from tests.benchmarks import folders
from tests.benchmarks.running import run


def test_every_embedder_distinguishes_public_portraits_and_a_face_not_found_is_wrong(tmp_path, monkeypatch):
    out = tmp_path / "out.json"
    assert run(monkeypatch, lfw, "--data", folders.lfw(tmp_path / "set"), "--json", out) == 0
    found = json.loads(out.read_text())
    assert found["default"] in found
    assert (found["faces_found"]["hits"], found["faces_found"]["n"]) == (5, 6)
    for key in {"float32", "float16", "int8"} & found.keys():
        assert found[key]["accuracy"] == pytest.approx(5 / 6, abs=1e-4)
        assert found[key]["tar_at_far_1e-2"] == pytest.approx(2 / 3, abs=1e-4)
        assert found[key]["n"] == 6
    assert {"float32", "float16"} <= found.keys()


def test_a_file_is_called_what_its_operators_are():
    for card in ModelSet.load(default_models_dir()).cards:
        assert precision(card.path) == re.split(r"\W", card.quantization)[0]


@pytest.mark.parametrize("pairs", ["fold,same,file1\n1,1,a\n", "fold,same,file1,file2\n", None])
def test_a_folder_of_another_form_is_one_line_and_exit_2(tmp_path, monkeypatch, capsys, pairs):
    if pairs is not None:
        (tmp_path / "pairs.csv").write_text(pairs)
    assert run(monkeypatch, lfw, "--data", tmp_path, "--json", tmp_path / "out.json") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "pairs.csv" in error
    assert not (tmp_path / "out.json").exists()


def test_a_picture_that_is_missing_is_named(tmp_path, monkeypatch, capsys):
    folder = folders.lfw(tmp_path / "set")
    (folder / "images" / "wall.jpg").unlink()
    assert run(monkeypatch, lfw, "--data", folder, "--json", tmp_path / "out.json") == 2
    assert "wall.jpg" in capsys.readouterr().err
