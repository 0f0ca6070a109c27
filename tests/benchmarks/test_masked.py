from __future__ import annotations

import json

import pytest

from benchmarks import masked
from tests.benchmarks import folders
from tests.benchmarks.running import run


def test_faces_are_counted_by_label_and_width(tmp_path, monkeypatch):
    out = tmp_path / "out.json"
    assert run(monkeypatch, masked, "--data", folders.masks(tmp_path / "set"), "--json", out) == 0
    result = json.loads(out.read_text())
    masks, bare = result["found"]["with_mask"], result["found"]["without_mask"]
    assert (masks["32+"]["hits"], masks["32+"]["n"]) == (1, 1)
    assert (bare["32+"]["hits"], bare["32+"]["n"]) == (1, 1)
    assert bare["24-32"]["rate"] is None
    assert result["candidates"]["with_mask"]["32+"]["n"] == 1
    assert result["false_boxes_a_picture"] == 0
    assert result["pictures"] == 1


@pytest.mark.parametrize("missing", ["label", "xmax"])
def test_a_folder_of_another_form_is_one_line_and_exit_2(tmp_path, monkeypatch, capsys, missing):
    columns = [c for c in ("file", "label", "xmin", "ymin", "xmax", "ymax") if c != missing]
    folders.table(tmp_path / "boxes.csv", ",".join(columns), ("a.jpg", 1, 2, 3, 4))
    assert run(monkeypatch, masked, "--data", tmp_path, "--json", tmp_path / "out.json") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert missing in error
