"""Enrolment at a camera: consent first, each picture is checked at once, templates are kept and pictures are not."""

from __future__ import annotations

import io
import json
import re
import shutil

import cv2
import numpy as np
import pytest

from tests.cli.running import CommandResult, run
from tests.demo_lesson import PORTRAITS

HEADER = "student_id,name,email,guardian_email,consent\n"


class PhotoDay:
    """An installation with a roster, and a folder in place of the camera."""

    def __init__(self, folder, monkeypatch) -> None:
        self.home, self.roster, self.shots = folder / "home", folder / "roster.csv", folder / "shots"
        self._monkeypatch = monkeypatch
        self.shots.mkdir()
        self.enrol("S1,Eileen,,,yes", "S2,Bo,,,yes", "S3,Cy,,,no")
        self.straight = cv2.imread(str(PORTRAITS / "S2" / "obama-2012.jpg"))
        self.left = cv2.imread(str(PORTRAITS / "S2" / "obama-2009.jpg"))
        self.right = np.ascontiguousarray(self.left[:, ::-1])
        self.other = cv2.imread(str(PORTRAITS / "S1" / "collins-1992.jpg"))
        self.dark = self.straight // 14

    def enrol(self, *rows: str, photos=None) -> CommandResult:
        self.roster.write_text(HEADER + "".join(f"{row}\n" for row in rows))
        more = ("--photos", str(photos)) if photos else ()
        result = run(self.home, "enrol", "import", str(self.roster), *more)
        assert result.exit_code == 0, result.stderr
        return result

    def camera_shows(self, *pictures) -> None:
        for number, picture in enumerate(pictures):
            assert cv2.imwrite(str(self.shots / f"{number:02}.png"), picture)

    def capture(self, *arguments: str, answers: str) -> CommandResult:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(answers))
        return run(self.home, "enrol", "capture", *arguments, "--camera", str(self.shots))

    def photographs(self) -> dict[str, int]:
        listed = json.loads(run(self.home, "enrol", "list", "--json").stdout)
        return {one["student_id"]: one["photographs"] for one in listed}


@pytest.fixture
def day(tmp_path, monkeypatch) -> PhotoDay:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return PhotoDay(tmp_path, monkeypatch)


def test_a_student_is_guided_through_the_pictures_and_only_templates_are_kept(day):
    pictures = (day.dark, day.left, day.straight, day.straight, day.left, day.left, day.right, day.other, day.straight)
    day.camera_shows(*pictures)
    result = day.capture("S2", answers="y\ny\n" + "\n" * len(pictures))
    assert result.exit_code == 0, result.stdout + result.stderr
    feedback = re.findall(r"  (again: [^\n]*|good)\n", result.stdout)
    reasons = ("dark", "look straight", "good", "hardly", "good", "same side", "good", "different person", "good")
    assert len(feedback) == len(reasons), feedback
    for line, reason in zip(feedback, reasons, strict=True):
        assert reason in line
    assert "S2 Bo: 4 templates kept, no picture" in result.stdout
    assert day.photographs() == {"S1": 0, "S2": 4, "S3": 0}
    assert {path.suffix for path in day.home.rglob("*") if path.is_file()} & {".png", ".jpg"} == set()
    asked = result.stdout.index("do you agree")
    assert asked < result.stdout.index("glasses") < result.stdout.index("look straight into the camera")


def test_without_a_yes_nothing_is_taken(day):
    day.camera_shows(day.straight)
    result = day.capture("S2", answers="n\n")
    assert result.exit_code == 1
    assert "nothing was taken" in result.stdout
    assert "picture 1" not in result.stdout
    assert day.photographs()["S2"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("S3",), 2, "student S3: the roster has no consent"),
        (("S9",), 2, "student S9: not on the roster"),
        ((), 2, "give a student's ID, or --roster"),
        (("S2", "--roster"), 2, "give a student's ID, or --roster"),
    ],
)
def test_a_student_who_can_not_be_captured_is_refused_before_any_question(day, arguments, code, words):
    day.camera_shows(day.straight)
    result = day.capture(*arguments, answers="")
    assert (result.exit_code, words in result.stderr) == (code, True), result.stderr
    assert "agree" not in result.stdout


def test_a_camera_that_is_not_there_is_one_line(day):
    result = run(day.home, "enrol", "capture", "S2", "--camera", str(day.home / "nothing"))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "no such camera, folder or video" in result.stderr


def test_a_photo_day_goes_through_the_roster_and_may_be_interrupted(day):
    day.camera_shows(day.straight, day.left, day.right)
    result = day.capture("--roster", answers="s\n\ny\nn\n\n\n\n")
    assert result.exit_code == 0, result.stdout + result.stderr
    assert "2 students to take, 1 without consent in the roster are left out" in result.stdout
    assert "1 of 2 students have templates from this camera now" in result.stdout
    assert day.photographs() == {"S1": 0, "S2": 3, "S3": 0}
    again = day.capture("--roster", answers="q\n")
    assert "1 students to take" in again.stdout, "S2 has templates already"
    assert "0 of 1 students" in again.stdout


def test_input_that_ends_keeps_nothing_of_the_student_in_front_of_the_camera(day):
    day.camera_shows(day.straight, day.left, day.right)
    result = day.capture("S2", answers="y\nn\n\n\n")
    assert result.exit_code == 130, "as after Ctrl-C"
    assert day.photographs()["S2"] == 0


def test_pictures_of_an_enrolled_student_are_refused_for_another_student(day, tmp_path):
    photos = tmp_path / "photos"
    shutil.copytree(PORTRAITS / "S2", photos / "S2")
    day.enrol("S1,Eileen,,,yes", "S2,Bo,,,yes", photos=photos)
    day.camera_shows(day.straight)
    result = day.capture("S1", answers="y\nn\n" + "\n" * 8 + "s\ns\n")
    assert result.exit_code == 1
    assert "resembles student S2, who is already enrolled" in result.stdout
    assert "no picture was good enough" in result.stdout
    assert day.photographs()["S1"] == 0


def test_templates_of_a_camera_stay_when_photographs_are_imported_and_go_with_the_consent(day, tmp_path):
    day.camera_shows(day.straight, day.left, day.right)
    assert day.capture("S2", answers="y\nn\n\n\n\n").exit_code == 0
    photos = tmp_path / "photos"
    shutil.copytree(PORTRAITS / "S1", photos / "S1")
    day.enrol("S1,Eileen,,,yes", "S2,Bo,,,yes", "S3,Cy,,,no", photos=photos)
    assert day.photographs() == {"S1": 1, "S2": 3, "S3": 0}
    assert day.capture("S2", answers="y\nn\n\n\n\n").exit_code == 0
    assert day.photographs()["S2"] == 3, "captured again: in place of those before"
    day.enrol("S1,Eileen,,,yes", "S2,Bo,,,no", "S3,Cy,,,no")
    assert day.photographs() == {"S1": 1, "S2": 0, "S3": 0}
