from __future__ import annotations

import csv
import json
import os
import pty
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge_daemon.__main__ import run
from edge_daemon.home import Home


@pytest.fixture(scope="module")
def frames(demo_frames, tmp_path_factory) -> Path:
    """Four captures of the demo lesson, the second one truncated, and a text file, which is no picture."""
    folder = tmp_path_factory.mktemp("lesson") / "frames"
    shutil.copytree(demo_frames, folder, ignore=shutil.ignore_patterns("capture-05.jpg", "capture-06.jpg"))
    bad = folder / "capture-02.jpg"
    bad.write_bytes(bad.read_bytes()[:5000])
    (folder / "capture-03.txt").write_text("the bell rang")
    return folder


@pytest.fixture(scope="module")
def one_frame(demo_frames, tmp_path_factory) -> Path:
    """Only the first capture."""
    folder = tmp_path_factory.mktemp("one")
    shutil.copy(demo_frames / "capture-01.jpg", folder)
    return folder


@pytest.fixture(scope="module")
def home(demo_home, tmp_path_factory) -> Path:
    return Path(shutil.copytree(demo_home, tmp_path_factory.mktemp("rehearsals") / "home"))


def rehearse(home, frames, *options) -> list[str]:
    return ["--home", str(home), "rehearse", "--frames", str(frames), *options]


@pytest.fixture(scope="module")
def piped(home, frames, tmp_path_factory) -> tuple[dict, list[dict[str, str]], str]:
    """A rehearsal in a pipe: its JSON, its sightings, its stderr."""
    sightings = tmp_path_factory.mktemp("out") / "sightings.csv"
    command = [sys.executable, "-m", "edge_daemon", *rehearse(home, frames, "--json", "--sightings", str(sightings))]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    with sightings.open(newline="", encoding="utf-8") as file:
        return json.loads(result.stdout), list(csv.DictReader(file)), result.stderr


@pytest.fixture(scope="module")
def on_a_terminal(home, frames) -> tuple[str, str]:
    """A rehearsal with a terminal as stderr: its stdout and stderr."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "edge_daemon", *rehearse(home, frames)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    terminal_text = b""
    try:
        while block := os.read(ours, 4096):
            terminal_text += block
    except OSError:  # how Linux says that the other side has closed
        pass
    os.close(ours)
    out, _ = process.communicate()
    assert process.returncode == 0
    return out, terminal_text.decode()


def test_a_lesson_becomes_a_register_on_the_screen(on_a_terminal):
    out, _ = on_a_terminal
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith("S")}
    assert "3 of 4 captures" in out
    assert "Eileen Collins  present" in rows["S1"]
    assert "Barack Obama    present" in rows["S2"]
    assert "Ada Lovelace    not assessed     -       -      -" in rows["S4"]
    (counted,) = [line.partition(";")[0] for line in out.splitlines() if "unknown faces" in line]
    assert counted == "1 present, 2 to confirm, 1 not assessed, unknown faces: 1"
    assert "note:" not in out, "bare walls and a window are no fault of an unknown room"
    assert "register show " in out


def test_a_bar_of_progress_is_shown_on_a_terminal(on_a_terminal):
    _, terminal_text = on_a_terminal
    assert "captures" in terminal_text
    assert "4/4" in terminal_text


def test_in_a_pipe_an_unreadable_frame_is_the_only_line_on_stderr(piped):
    _, _, err = piped
    assert err.count("\n") == 1
    assert "capture-02.jpg is damaged, truncated or not a picture; capture 2 is missed" in err


def test_json_is_what_the_design_says(piped):
    document, _, _ = piped
    assert list(document) == [
        "lesson_id", "captures_planned", "captures_taken", "students", "unknown_faces", "register_flags",
        "seconds_per_capture", "cpu_seconds_per_capture",
    ]  # fmt: skip
    assert (document["captures_planned"], document["captures_taken"]) == (4, 3)
    by_id = {student["student_id"]: student for student in document["students"]}
    assert list(by_id) == ["S1", "S2", "S3", "S4"]
    assert list(by_id["S1"]) == ["student_id", "frames_seen", "frames_attentive", "share", "verdict", "flags"]
    assert by_id["S1"]["frames_seen"] == 3
    assert by_id["S1"]["share"] == by_id["S1"]["frames_attentive"] / 3
    assert by_id["S4"]["verdict"] == "not_assessed"


def test_sightings_list_every_face_by_frame_and_leave_a_stranger_without_id(piped):
    _, rows, _ = piped
    assert list(rows[0]) == ["frame", "student_id", "similarity", "x", "y", "w", "h", "attentive"]
    assert sum(row["student_id"] == "S1" for row in rows) == 3
    assert sum(row["student_id"] == "" for row in rows) == 3
    assert {row["frame"] for row in rows} == {f"capture-0{n}.jpg" for n in (1, 3, 4)}


def test_an_empty_folder_changes_nothing(tmp_path, capsys):
    empty = tmp_path / "frames"
    empty.mkdir()
    home = tmp_path / "home"
    home.mkdir()
    assert run(rehearse(home, empty)) == 2
    err = capsys.readouterr().err
    assert err == f"edge-daemon: {empty}: has no pictures; put JPEG or PNG files there\n"
    assert not any(home.iterdir())


def test_a_place_for_the_sightings_that_does_not_exist_is_refused_before_the_work(tmp_path, frames, capsys):
    home = tmp_path / "home"
    home.mkdir()
    assert run(rehearse(home, frames, "--sightings", str(tmp_path / "no" / "s.csv"))) == 2
    assert capsys.readouterr().err == f"edge-daemon: {tmp_path / 'no'}: there is no such folder; make it first\n"
    assert not any(home.iterdir())


def test_a_rehearsal_is_delivered_only_with_the_option_for_it(home, one_frame, capsys):
    assert run(rehearse(home, one_frame, "--json")) == 0
    assert run(rehearse(home, one_frame, "--json", "--deliver")) == 0
    capsys.readouterr()
    assert run(["--home", str(home), "outbox", "list", "--state", "all", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["items"]
    assert run(["--home", str(home), "register", "list", "--json"]) == 0
    newest = json.loads(capsys.readouterr().out)[-1]["lesson_id"]
    assert [(one["destination"], one["kind"], one["ref"]) for one in listed] == [
        ("upstream", "register", f"{newest}/1")
    ]


def test_a_seed_that_is_none_is_refused_in_one_line(home, frames, capsys):
    assert run(rehearse(home, frames, "--captures", "3", "--seed", "abc")) == 2
    assert "--seed takes 64 hexadecimal digits" in capsys.readouterr().err


def test_a_rehearsal_may_be_of_a_course_and_of_another_day(home, one_frame, tmp_path, capsys):
    assert run(rehearse(home, one_frame, "--json", "--at", "2026-09-07T08:00", "--course", "4b")) == 0
    lesson_id = json.loads(capsys.readouterr().out)["lesson_id"]
    assert run(["--home", str(home), "register", "show", lesson_id, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["course"], document["origin"], document["clock"]) == ("4b", "rehearsal", "unsynchronised")
    zone = ZoneInfo(Home(home).config.device.time_zone)
    at = datetime(2026, 9, 7, 8, 0, tzinfo=zone).astimezone(timezone.utc)
    assert document["start"] == document["end"] == f"{at:%Y-%m-%dT%H:%M:%SZ}"
    days = ["--from", "2026-09-07", "--to", "2026-09-07"]
    assert run(["--home", str(home), "export", *days, "--output", str(tmp_path / "x.csv")]) == 0


@pytest.mark.parametrize(
    "at",
    [
        "yesterday",
        "2026-09-07",
        "25:00",
        "0001-01-01T00:00",
        "1969-09-07T08:00",
        "3000-01-02T08:00",
        "9999-12-31T23:59",
    ],
)
def test_a_time_that_is_none_is_refused_in_one_line(home, frames, capsys, at):
    assert run(rehearse(home, frames, "--at", at)) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_course_that_is_no_text_is_refused_in_one_line(home, frames, capsys):
    assert run(rehearse(home, frames, "--course", "\udcff")) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_before_the_first_enrolment_rehearse_says_so(tmp_path, frames, capsys):
    (tmp_path / "new").mkdir()
    assert run(rehearse(tmp_path / "new", frames)) == 2
    err = capsys.readouterr().err
    assert f"nobody is enrolled; enrol first: `edge-daemon --home {tmp_path / 'new'} enrol import" in err
    assert not any((tmp_path / "new").iterdir())
