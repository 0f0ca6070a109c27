"""The check-in with the real networks: a portrait of the demo with an animated mouth."""

from __future__ import annotations

import io
import json

import pytest

from tests.checkin.mouths import WORDS
from tests.checkin.talking import COLLINS, OBAMA, Portrait, write
from tests.cli.running import run

HEADER = "student_id,name,email,guardian_email,consent,checkin_consent\n"


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """An installation with a student who enrolled a phrase, and clips of all kinds."""
    folder = tmp_path_factory.mktemp("door")
    home, roster = folder / "home", folder / "roster.csv"
    roster.write_text(HEADER + "S1,Ann,,,yes,yes\nS2,Bo,,,yes,\n")
    assert run(home, "enrol", "import", str(roster)).exit_code == 0
    person, other = Portrait(OBAMA), Portrait(COLLINS)
    for take in range(5):
        write(person.says(take=take), folder / "enrol" / f"take-{take}")
    enrolled = run(home, "checkin", "from", str(folder / "enrol"), "S1", "--enrol")
    own = person.says(take=20)
    clips = {
        "own": own,
        "another word": person.says(WORDS[1], take=20),
        "backwards": own[::-1],
        "still": [own[8]] * 16,
        "silent": person.says("00000000", take=20),
        "another person": other.says(take=20),
        "nobody": [own[0][:60] for _ in range(4)],
    }
    for name, frames in clips.items():
        write(frames, folder / "clips" / name)
    return home, folder, enrolled


def test_enrolment_keeps_numbers_and_no_picture(door):
    home, folder, enrolled = door
    assert enrolled.exit_code == 0, enrolled.stdout + enrolled.stderr
    assert "5 repetitions kept as numbers, no picture" in enrolled.stdout
    assert not [p for p in home.rglob("*") if p.suffix in (".jpg", ".png", ".mp4", ".npy")]
    exported = run(home, "enrol", "show", "S1", "--output", str(folder / "about.json"))
    assert exported.exit_code == 0, exported.stderr
    phrase = json.loads((folder / "about.json").read_text())["enrolment"]["spoken_phrase"]
    assert phrase["version"] == 1


@pytest.mark.parametrize(
    ("clip", "answer"),
    [("own", "yes")]
    + [(name, "no") for name in ("another word", "backwards", "still", "silent", "another person", "nobody")],
)
def test_own_phrase_yes_everything_else_no(door, monkeypatch, clip, answer):
    home, folder, _ = door
    monkeypatch.setattr("edge_daemon.app.checkin.session.ANSWER_S", 0.0)
    monkeypatch.setattr("edge_daemon.app.checkin.session.MOST_FAILURES", 100)
    result = run(home, "checkin", "from", str(folder / "clips" / clip), "S1")
    assert (result.stdout, result.exit_code) == (f"{answer}\n", int(answer == "no")), result.stderr


def test_at_the_camera_frames_come_from_its_own_process(door, monkeypatch):
    home, folder, _ = door
    monkeypatch.setattr("edge_daemon.app.checkin.session.ANSWER_S", 0.0)
    monkeypatch.setattr("edge_daemon.app.checkin.session.MOST_FAILURES", 100)
    monkeypatch.setattr("edge_daemon.app.checkin.session.CLIP_S", 16 / 25)
    (home / "config.toml").write_text(f'[checkin]\ncamera = "{folder / "clips" / "own"}"\n')
    monkeypatch.setattr("sys.stdin", io.StringIO("S1\nS2\nq\n"))
    result = run(home, "checkin", "run")
    assert result.exit_code == 0, result.stderr
    assert [line for line in result.stdout.splitlines() if line in ("yes", "no")] == ["yes", "no"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "S1"), "no camera is set for the check-in"),
        (("from", "nowhere.mp4", "S1"), "no such folder or video"),
        (("from", ".", "S2", "--enrol"), "no consent to check-in"),
        (("from", ".", "nobody", "--enrol"), "no such student"),
    ],
)
def test_what_is_missing_is_one_line(door, arguments, message):
    home = door[0]
    (home / "config.toml").unlink(missing_ok=True)
    result = run(home, "checkin", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
