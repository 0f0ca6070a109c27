"""The file about one student: everything about the student, nothing about others, in words for a parent."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from html.parser import HTMLParser

import pytest

from edge_daemon.device.secrets import device_key
from edge_daemon.device.signing import Signer
from edge_daemon.store.database import open_gallery, open_register, transaction
from edge_daemon.store.still_faces import keep_still_faces
from edge_daemon.timestamps import parsed
from edge_daemon.types import Box
from tests.app.erasure.room import NOW, Room
from tests.cli.running import run
from tests.registers import a_lesson, a_register, keep

LESSON = a_lesson(NOW)


@pytest.fixture
def room(tmp_path) -> Room:
    room = Room(tmp_path / "home", tmp_path / "office")
    room.enrol(sighted=False)
    db = open_register(room.home.register_db_path)
    with closing(db.conn):
        keep(db, *a_register(LESSON, {"S1": 0.6, "S2": 0.9}), Signer(device_key(room.home.key_path)))
        places = [("S1", Box(1.5, 2, 30, 40)), ("S2", Box(5, 6, 70, 80))]
        keep_still_faces(db, LESSON.lesson_id, places)
    for student_id in ("S1", "S2"):
        reason = f"words about {student_id}"
        arguments = ("--student", student_id, "--verdict", "present", "--by", "Ms Weber", "--reason", reason)
        assert run(room.home.state_dir, "register", "correct", LESSON.lesson_id, *arguments).exit_code == 0
    return room


def student_page(room: Room, name: str, student_id: str = "S1") -> str:
    output = room.home.state_dir.parent / name
    result = run(room.home.state_dir, "enrol", "show", student_id, "--output", str(output))
    assert (result.exit_code, result.stderr) == (0, "")
    return output.read_text()


class Page(HTMLParser):
    """Parses a page strictly: every tag has to be closed, and the text is kept."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.tags: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.text += f" {data}"


def test_the_json_has_all_that_is_kept_of_the_student(room):
    fields = json.loads(student_page(room, "me.json"))
    enrolment = fields["enrolment"]
    assert (enrolment["name"], enrolment["email"]) == ("Name of S1", "S1@school.example")
    assert (enrolment["guardian_email"], enrolment["consent"]) == ("parent-S1@home.example", True)
    assert enrolment["further_columns"] == {"locker": "locker-S1"}
    (photograph,) = enrolment["photographs"]
    assert photograph["vectors"] > 0
    assert parsed(photograph["read_at"]) <= datetime.now(timezone.utc)
    assert 0 < photograph["sharpness"] <= 1
    assert "head_turn_deg" in photograph
    (new,) = fields["registers"]
    assert (new["lesson_id"], new["verdict"], new["revision"]) == (LESSON.lesson_id, "present", 3)
    assert len(new["sightings"]) == new["captures_seen"] > 0
    assert new["still_faces_px"] == [[1.5, 2, 30, 40]]
    (correction,) = new["corrections"]
    assert (correction["by"], correction["reason"], correction["note"]) == (
        "Ms Weber",
        "for another reason",
        "words about S1",
    )


@pytest.mark.parametrize("name", ["me.json", "me.html"])
def test_of_a_template_of_the_release_before_the_page_says_not_kept(room, name):
    db = open_gallery(room.home.gallery_db_path)
    with closing(db.conn), transaction(db):
        db.execute("UPDATE templates SET details = NULL")  # as that release wrote it
    text = student_page(room, name)
    if name == "me.json":
        (photograph,) = json.loads(text)["enrolment"]["photographs"]
        assert (photograph["read_at"], photograph["sharpness"]) == (None, None)
        assert photograph["face_width_px"] > 0
    else:
        assert "<td>not kept</td>" in text


def test_the_page_says_when_a_photograph_was_read_and_how_good_it_was(room):
    text = student_page(room, "me.html")
    assert "Photograph read" in Page(text).text
    assert "<td>not kept</td>" not in text


def test_a_release_before_can_write_templates_and_its_own_are_read(room):
    """The earlier release names the columns that it knows."""
    with closing(sqlite3.connect(room.home.gallery_db_path)) as db, db:
        db.execute(
            "INSERT INTO templates (student_id, photograph, sealed, model_sha256, preprocessing)"
            " SELECT student_id, photograph || '2', sealed, model_sha256, preprocessing FROM templates"
        )
        (readable,) = db.execute("SELECT value FROM meta WHERE key = 'readable_from'").fetchone()
    assert int(readable) <= 3
    found = json.loads(student_page(room, "me.json"))["enrolment"]["photographs"]
    assert [one["read_at"] is None for one in found] == [False, True]


@pytest.mark.parametrize("name", ["me.json", "me.html"])
def test_the_file_of_a_student_has_nothing_about_other_students(room, name):
    text = student_page(room, name)
    assert "S1" in text
    assert re.search(r"\bS[23]\b|Name of S[23]|words about S2|locker-S[23]", text) is None


def test_the_page_is_whole_loads_nothing_and_speaks_plainly(room):
    text = student_page(room, "me.html")
    page = Page(text)
    assert not page.tags & {"script", "img", "link", "iframe", "a"}
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")
    for words in ("Name of S1", "Consent to being recognised", "No photograph is kept", "Register says", "90 days"):
        assert words in page.text, words


def test_markup_in_a_name_is_text(room):
    room.school.roster.write_text(
        "student_id,name,email,guardian_email,consent\nS1,<script>alert(1)</script>,,,yes\nS2,Bo,,,yes\n"
    )
    assert run(room.home.state_dir, "enrol", "import", str(room.school.roster)).exit_code == 0
    page = Page(student_page(room, "me.html"))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text


def test_of_a_removed_student_the_registers_are_left(room):
    assert run(room.home.state_dir, "enrol", "remove", "S1", "--yes").exit_code == 0
    fields = json.loads(student_page(room, "me.json"))
    assert fields["enrolment"] is None
    (register,) = fields["registers"]
    assert (register["verdict"], register["sightings"]) == ("present", [])
    assert register["corrections"][0]["note"] is None
    assert "was removed" in Page(student_page(room, "me.html")).text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("S9", "--output", "x.json"), "student S9: no such student"),
        (("S1", "--output", "x.txt"), "x.txt: the file's ending is not supported; use .html or .json"),
        (("S1", "--output", "nowhere/x.json"), "nowhere"),
    ],
)
def test_a_page_that_can_not_be_written_is_one_line(room, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(room.home.state_dir, "enrol", "show", *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert words in line


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_an_export_of_one_student_has_no_lines_of_other_students(room, tmp_path, ending):
    output = tmp_path / f"one.{ending}"
    days = ("--from", "2026-11-01", "--to", "2026-11-30", "--output", str(output))
    result = run(room.home.state_dir, "export", *days, "--student", "S1")
    assert (result.exit_code, result.stderr) == (0, "")
    text = output.read_text("utf-8-sig")
    assert re.search(r"\bS1\b", text)
    assert re.search(r"\bS[23]\b|Name of S[23]", text) is None
    if ending == "json":
        registers = json.loads(text)["registers"]
        assert [[s["student_id"] for s in one["students"]] for one in registers][-1] == ["S1"]
        assert registers[-1]["signature"] is None
        assert len(registers[-1]["corrections"]) == 1
    result = run(room.home.state_dir, "export", *days, "--student", "S9")
    assert (result.exit_code, "nobody has this id" in result.stderr) == (2, True)
