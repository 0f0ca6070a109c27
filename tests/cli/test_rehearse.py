from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from edge_daemon.__main__ import run

DEMO = Path(__file__).parents[2] / "demo"


@pytest.fixture(scope="module")
def frames(tmp_path_factory) -> Path:
    """Four captures of the demo lesson; the second one breaks off, the third is a note, not a picture."""
    folder = tmp_path_factory.mktemp("lesson") / "frames"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import make_lesson as m; m.compose(m.Path(sys.argv[2]), range(4))"
    )
    subprocess.run([sys.executable, "-c", code, DEMO, folder], check=True)
    bad = folder / "capture-02.jpg"
    bad.write_bytes(bad.read_bytes()[:5000])
    (folder / "capture-03.txt").write_text("the bell rang")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    photos = DEMO / "pictures" / "enrolment"
    assert run(["--home", str(folder), "enrol", "import", str(DEMO / "roster.csv"), "--photos", str(photos)]) == 0
    return folder


def rehearse(home, frames, *options) -> list[str]:
    return ["--home", str(home), "rehearse", "--frames", str(frames), *options]


def test_a_lesson_becomes_a_register_on_the_screen(home, frames, capsys):
    assert run(rehearse(home, frames)) == 0
    out, _ = capsys.readouterr()
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith("S")}
    assert "3 of 4 captures" in out
    assert "Eileen Collins  present" in rows["S1"]
    assert "Barack Obama    present" in rows["S2"]
    assert "Ada Lovelace    not assessed     -       -      -" in rows["S4"]
    assert "unknown faces: 1" in out
    assert "register show " in out


def test_json_is_what_the_design_says(home, frames, capsys, tmp_path):
    sightings = tmp_path / "sightings.csv"
    assert run(rehearse(home, frames, "--json", "--sightings", str(sightings))) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == [
        "lesson_id", "captures_planned", "captures_taken", "students", "unknown_faces", "seconds_per_capture",
    ]  # fmt: skip
    assert (told["captures_planned"], told["captures_taken"]) == (4, 3)
    by_id = {student["student_id"]: student for student in told["students"]}
    assert list(by_id) == ["S1", "S2", "S3", "S4"]
    assert list(by_id["S1"]) == ["student_id", "frames_seen", "frames_attentive", "share", "verdict", "flags"]
    assert by_id["S1"]["frames_seen"] == 3
    assert by_id["S1"]["share"] == by_id["S1"]["frames_attentive"] / 3
    assert by_id["S4"]["verdict"] == "not_assessed"
    with sightings.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["frame", "student_id", "similarity", "x", "y", "w", "h", "attentive"]
    assert sum(row["student_id"] == "S1" for row in rows) == 3
    assert {row["frame"] for row in rows} == {f"capture-0{n}.jpg" for n in (1, 3, 4)}
    assert "" in {row["student_id"] for row in rows}


def test_an_unreadable_frame_is_one_warning_and_the_rest_goes_on(home, frames):
    result = subprocess.run(
        [sys.executable, "-m", "edge_daemon", *rehearse(home, frames, "--json")], capture_output=True, text=True
    )
    assert result.returncode == 0
    assert result.stderr.count("\n") == 1
    assert "capture missed" in result.stderr
    assert json.loads(result.stdout)["captures_taken"] == 3


def test_a_bar_of_progress_is_shown_on_a_terminal(home, frames):
    """And in a pipe none is: the test above has one line on stderr."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_daemon", *rehearse(home, frames)], stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            block = os.read(ours, 4096)
        except OSError:  # how Linux says that the other side has closed
            break
        if not block:
            break
        shown += block
    os.close(ours)
    assert process.wait() == 0
    assert b"captures" in shown
    assert b"4/4" in shown


def test_an_empty_folder_changes_nothing(tmp_path, capsys):
    empty = tmp_path / "frames"
    empty.mkdir()
    home = tmp_path / "home"
    assert run(rehearse(home, empty)) == 2
    err = capsys.readouterr().err
    assert err == f"edge-daemon: {empty}: has no pictures; put JPEG or PNG files there\n"
    assert not home.exists()
