from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import large_frames, table_large
from tests.benchmarks import folders
from tests.benchmarks.running import run


def test_a_mosaic_repeats_a_picture_and_cuts_what_is_too_much():
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    large = large_frames.mosaic(picture, 7, 3)
    assert large.shape == (3, 7, 3)
    assert (large[:2, 3:6] == picture).all()
    assert (large[2, 6] == picture[0, 0]).all()


def test_growth_is_that_of_both_rehearsals(tmp_path, monkeypatch):
    lesson = folders.lesson(tmp_path / "lesson")
    monkeypatch.setattr(large_frames.lesson, "enrol", lambda *arguments: None)

    def rehearsed(_home, *words):
        frames, sightings = words[2], words[5]
        is_large = frames.endswith("large")
        rows = [f"0001.jpg,,,,{n},0,9,9\n" for n in range(4 if is_large else 2)]
        Path(sightings).write_text("frame,student_id,similarity,attentive,x,y,w,h\n" + "".join(rows))
        document = {"captures_taken": 1, "cpu_seconds_per_capture": 9.0 if is_large else 3.0, "students": []}
        document |= {"seconds_per_capture": 9.5, "register_flags": []}
        return SimpleNamespace(output=json.dumps(document), peak=SimpleNamespace(pss=400.0))

    monkeypatch.setattr(large_frames.lesson, "edge_daemon", rehearsed)
    out = tmp_path / "out.json"
    words = ("--data", lesson, "--hall", lesson, "--json", out, "--frames", 1, "--size", "1280x960")
    assert run(monkeypatch, large_frames, *words) == 0
    found = json.loads(out.read_text())
    assert (found["large"]["picture_pixels"], found["large"]["faces_a_capture"]) == (1280 * 960, 4)
    assert (found["growth"]["faces_a_capture"], found["growth"]["cpu_seconds_a_capture"]) == (2, 3)
    assert "**missed**" in table_large.section(found)


@pytest.mark.parametrize("text", ["9152", "9152x", "axb", "0x100", "9152x6944x3"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(large_frames.folder.DataError, match="is no size"):
        large_frames._size(text)
