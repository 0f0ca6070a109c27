from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cli.running import run
from tests.read_once import each_picture_read_once


@pytest.fixture(scope="module", autouse=True)
def same_pictures():
    with each_picture_read_once():
        yield


@pytest.fixture(scope="module")
def few(demo_frames, tmp_path_factory) -> Path:
    """One capture of the demo, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("few")
    shutil.copy(demo_frames / "capture-02.jpg", folder / "1.jpg")
    (folder / "2.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def nobody(tmp_path_factory) -> Path:
    """A small picture of a grey wall."""
    folder = tmp_path_factory.mktemp("nobody")
    cv2.imwrite(str(folder / "1.png"), np.full((150, 200, 3), 120, np.uint8))
    return folder


@pytest.fixture(scope="module")
def audit_run(few, tmp_path_factory):
    """An audit in a home without enrolled students: its output, its picture, and its home."""
    home = tmp_path_factory.mktemp("home")
    out = tmp_path_factory.mktemp("out") / "room.png"
    return run(home, "audit", "--frames", str(few), "--output", str(out)), out, home


def test_a_technician_sees_rows_advice_and_what_became_of_bad_pictures(audit_run):
    result, _, _ = audit_run
    assert result.exit_code == 0
    assert "4 seats with a face in 1 picture of 672 × 378 px" in result.stdout
    assert "hit rate  register" in result.stdout
    assert "\n1. " in result.stdout
    assert "warning: 2.jpg is damaged, truncated or not a picture; left out" in result.stderr


def test_the_picture_is_for_its_owner_only_and_the_command_says_what_it_is(audit_run):
    result, out, _ = audit_run
    assert out.stat().st_mode & 0o777 == 0o600
    assert cv2.imread(str(out)).shape[1] == 672
    assert f"PRIVACY: {out} is a picture of the people in the room" in result.stderr
    assert "WITH THEIR FACES" not in result.stderr
    assert list(out.parent.iterdir()) == [out]


def test_no_gallery_no_key_and_no_other_file_is_made(audit_run):
    _, _, home = audit_run
    assert list(home.iterdir()) == []


def test_json_goes_alone_to_stdout(few, tmp_path):
    result = run(tmp_path, "audit", "--frames", str(few), "--json")
    document = json.loads(result.stdout)
    assert document["pictures"] == 1
    assert document["seats"] == 4
    assert document["unreadable"] == ["2.jpg is damaged, truncated or not a picture"]
    assert {"code", "text", "gain"} == set(document["advice"][0])


def test_faces_are_shown_only_when_asked_and_loudly(nobody, tmp_path):
    out = tmp_path / "room.PNG"
    out.write_bytes(b"older")
    out.chmod(0o644)
    result = run(tmp_path, "audit", "--frames", str(nobody), "--output", str(out), "--show-faces")
    assert "WITH THEIR FACES" in result.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_bytes().startswith(b"\x89PNG")


def test_an_empty_room_is_a_failure_with_its_advice_and_has_its_picture(nobody, tmp_path):
    result = run(tmp_path, "audit", "--frames", str(nobody), "--output", str(tmp_path / "room.png"))
    assert result.exit_code == 1
    assert "0 seats with a face" in result.stdout
    assert "1. No face was found: nobody is in the picture" in result.stdout
    assert (tmp_path / "room.png").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--frames", "nowhere"), "nowhere: no such folder or video"),
        (("--frames", "empty"), "empty: has no pictures"),
        (("--frames", "empty", "--output", "room.jpg"), "name a file that ends in .png"),
        (("--frames", "empty", "--output", "nowhere/room.png"), "nowhere: there is no such folder"),
        (("--frames", "empty", "--show-faces"), "--show-faces is about the picture of --output"),
        (("--frames", "empty", "--pictures", "0"), "0 is not in the range"),
        (("--frames", "empty", "--field-of-view", "200"), "200.0 is not in the range"),
    ],
)
def test_each_mistake_is_reported_in_one_line(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    result = run(tmp_path, "audit", *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "room.png").exists()


def test_a_full_folder_leaves_no_half_picture(nobody, tmp_path, monkeypatch):
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge_daemon.whole_file.os.open", fail)
    result = run(tmp_path, "audit", "--frames", str(nobody), "--output", str(tmp_path / "room.png"))
    assert result.exit_code == 2
    assert "room.png: can't be written: No space left on device" in result.stderr
    assert not (tmp_path / "room.png").exists()


def test_without_options_the_captures_of_the_program_are_taken():
    from edge_daemon.app.audit import PICTURES
    from edge_daemon.cli.audit import audit

    defaults = {option.name: option.default for option in audit.params}
    assert defaults["pictures"] == PICTURES
