from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.demo_lesson import DEMO, compose


def annotate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, DEMO / "annotate.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def frames(demo_captures) -> Path:
    return demo_captures


def test_the_same_lesson_comes_out_every_time(frames, tmp_path):
    again = compose(tmp_path / "again", 5)
    assert (again / "capture-06.jpg").read_bytes() == (frames / "capture-06.jpg").read_bytes()


def test_an_absent_student_is_not_in_the_drawn_picture(frames):
    """The admiral sits at the back on the right in the first captures only."""
    there, away = (cv2.imread(str(frames / f"capture-{n:02d}.jpg"))[430:640, 1440:1640] for n in (1, 6))
    assert np.mean(there < 40) > 0.2  # her uniform is black
    assert np.mean(away < 40) < 0.02


def test_the_capture_with_most_names_is_drawn(frames, tmp_path):
    sightings = tmp_path / "sightings.csv"
    sightings.write_text(
        "frame,student_id,similarity,x,y,w,h,attentive\n"
        "capture-01.jpg,,0.1,10,900,50,50,1\n"
        "capture-06.jpg,S1,0.98,300.4,600,80,90,1\n"
        "capture-06.jpg,,0.2,1100,600,80,90,0\n"
    )
    out = tmp_path / "annotated.jpg"
    assert annotate(frames, sightings, DEMO / "roster.csv", out).returncode == 0
    changed = np.abs(cv2.imread(str(out)).astype(int) - cv2.imread(str(frames / "capture-06.jpg"))).max(axis=2) > 60
    assert changed[600, 310:370].all()
    assert changed[600, 1110:1170].all()
    assert not changed[:400].any()  # nobody sits so high: below, faces have their points
    line = "masks in the room: 4 none, 0 right, 0 wrong, 0 undecided"
    assert annotate(frames, sightings, DEMO / "roster.csv", out, line).returncode == 0
    with_line, height = cv2.imread(str(out)), changed.shape[0]
    assert with_line.shape[0] > height
    assert (with_line[height:] < 100).sum() > 500  # letters


def test_without_faces_the_demo_says_so(frames, tmp_path):
    sightings = tmp_path / "sightings.csv"
    sightings.write_text("frame,student_id,similarity,x,y,w,h,attentive\n")
    result = annotate(frames, sightings, DEMO / "roster.csv", tmp_path / "out.jpg")
    assert result.returncode == 1
    assert result.stderr == f"{sightings}: no faces\n"
