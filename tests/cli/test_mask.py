"""`edge-daemon mask`: pictures, a video, a door; one line for bad input; nothing stored."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest

from edge_daemon.app.masks import door_watch
from edge_daemon.app.masks.door_watch import IN_A_ROW, DoorDecision, DoorLook, look_at
from edge_daemon.app.masks.mask_finder import MaskFace
from edge_daemon.types import Box
from tests.cli.running import run
from tests.vision import pictures


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "pictures"
    source.mkdir()
    scene = pictures.hang(pictures.wall(640, 480), pictures.portrait(pictures.NAMES[0]), 60, 60, 240)
    cv2.imwrite(str(source / "2.png"), scene)
    cv2.imwrite(str(source / "10.jpg"), pictures.wall(320, 240))
    (source / "11.jpg").write_bytes(b"no picture")
    return source


def test_a_folder_gives_a_table_pictures_and_json(tmp_path, folder):
    home, out = tmp_path / "home", tmp_path / "out"
    cv2.imwrite(str(folder / "2.jpg"), pictures.wall(320, 240))  # beside 2.png
    result = run(home, "mask", str(folder), "--output", str(out), "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert [one["picture"] for one in report["pictures"]] == ["2.jpg", "2.png", "10.jpg"]
    (face,) = report["pictures"][1]["faces"]
    assert face["state"] == "none"
    assert face["none"] > 0.5
    assert report["faces"] == {"none": 1, "right": 0, "wrong": 0, "undecided": 0}
    assert "warning: 11.jpg is damaged" in result.stderr
    assert "PRIVACY" in result.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "10.jpg-masks.png",
        "2.jpg-masks.png",
        "2.png-masks.png",
        "masks.csv",
    ]
    assert all(path.stat().st_mode & 0o077 == 0 for path in out.iterdir())
    (row,) = csv.DictReader((out / "masks.csv").read_text("utf-8-sig").splitlines())
    assert (row["picture"], row["state"], float(row["none"])) == ("2.png", "none", pytest.approx(face["none"]))
    drawn, original = cv2.imread(str(out / "2.png-masks.png")), cv2.imread(str(folder / "2.png"))
    assert drawn.shape == original.shape
    assert (drawn != original).any()
    assert not home.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "no such folder or video"),
        ([], "name a folder of pictures or a video"),
        (["pictures", "--camera"], "--camera takes no folder or video"),
        (["--camera", "--json"], "--camera takes no folder or video"),
        (["pictures", "--output", "no/such/out"], "there is no such folder"),
        (["pictures", "--output", "pictures"], "is the folder of the pictures; name another"),
    ],
)
def test_bad_input_is_one_line(tmp_path, folder, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = run(tmp_path, "mask", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_folder_without_a_readable_picture_is_refused(tmp_path, folder):
    (folder / "2.png").unlink()
    (folder / "10.jpg").unlink()
    result = run(tmp_path, "mask", str(folder))
    assert result.exit_code == 2
    assert "no picture could be read (11.jpg is damaged" in result.stderr


def face(state: str) -> MaskFace:
    return MaskFace(Box(0, 0, 50, 60), state, None)


@pytest.mark.parametrize(
    ("states", "state", "sentence"),
    [
        ((), "", "nobody in view"),
        (("right", "right"), "right", "thank you"),
        (("right", "wrong"), "wrong", "please cover your nose and mouth"),
        (("wrong", "none"), "none", "please put on a mask"),
        (("right", "undecided"), "undecided", "please look at the camera, and come closer"),
    ],
)
def test_the_face_with_the_strictest_state_decides_the_sentence_of_a_look(states, state, sentence):
    look = look_at(tuple(map(face, states)))
    assert (look.state, look.sentence, look.faces) == (state, sentence, len(states))


def decided(*states: str) -> tuple[str, bool]:
    decision, opened = DoorDecision(), False
    for state in states:
        opened = decision.add(DoorLook(state, 1))
    return decision.answer, opened


def test_the_door_opens_after_enough_looks_in_a_row_and_not_before():
    assert decided(*["right"] * IN_A_ROW) == ("open", True)
    assert decided(*["right"] * (IN_A_ROW - 1), "undecided", *["right"] * (IN_A_ROW - 1)) == ("nobody", False)
    assert decided("none", *["right"] * IN_A_ROW) == ("open", True)
    assert decided("right", "wrong", "right") == ("mask_needed", False)
    assert decided("", "undecided") == ("nobody", False)


def test_at_a_door_a_bare_face_is_asked_for_a_mask_and_nothing_is_stored(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(door_watch, "LOOK_S", 0.0)
    monkeypatch.setattr(door_watch, "_WARM_UP_S", 0.0)
    home = tmp_path / "home"
    home.mkdir()
    for name in ("10.jpg", "11.jpg"):
        (folder / name).unlink()
    (home / "config.toml").write_text(f'[camera]\nkind = "files"\nsource = "{folder}"\n')
    result = run(home, "mask", "--camera", "--wait", "1")
    assert result.exit_code == 3
    assert set(result.stdout.splitlines()) == {"please put on a mask"}
    assert [path.name for path in home.iterdir()] == ["config.toml"]


def test_a_video_is_looked_at_evenly(tmp_path):
    path = tmp_path / "walk.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (320, 240))
    for level in range(9):
        video.write(np.full((240, 320, 3), 20 * level, np.uint8))
    video.release()
    result = run(tmp_path, "mask", str(path), "--captures", "3", "--json")
    assert [one["picture"] for one in json.loads(result.stdout)["pictures"]] == ["1", "5", "9"]


def test_waiting_without_a_camera_is_refused(tmp_path):
    result = run(tmp_path, "mask", str(tmp_path), "--wait", "5")
    assert (result.exit_code, "--wait needs --camera" in result.stderr) == (2, True)
