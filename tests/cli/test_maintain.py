"""`edge-daemon maintain`: one line about what was done, for a timer's log."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from edge_daemon.device import clock
from tests.cli.running import run
from tests.damage import spoil_page
from tests.gallery.school import School
from tests.registers import START, a_home, a_lesson, a_register


@pytest.fixture
def home(tmp_path):
    lessons = [a_register(a_lesson(START - timedelta(days=days)), {"S1": 0.9}) for days in (3000, 0)]
    return a_home(tmp_path, lessons)


@pytest.fixture
def trusted(monkeypatch):
    monkeypatch.setattr(clock, "clock_state", lambda *_: "synchronised")


def test_backup_prints_the_file_that_it_made(home):
    result = run(home, "maintain", "backup")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("backed up and verified: register-000001-")
    assert len(result.stdout.splitlines()) == 1
    again = json.loads(run(home, "maintain", "backup", "--json").stdout)
    assert again["erased"] == 0
    assert again["backups"][0]["bytes"] > 10_000


def test_with_nothing_recorded_every_command_is_content(tmp_path):
    for command in ("backup", "retention", "check"):
        result = run(tmp_path, "maintain", command)
        assert (result.exit_code, result.stderr) == (0, ""), command
        assert len(result.stdout.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_retention_lists_what_it_deleted_once(home, trusted):
    first = json.loads(run(home, "maintain", "retention", "--json").stdout)
    assert first["sightings"] == 18
    assert first["keep_sightings_days"] == 90
    assert run(home, "maintain", "retention").stdout.startswith("deleted: 0 sightings older than 90 days")


def test_retention_without_a_trusted_clock_deletes_nothing_and_says_why(home, monkeypatch):
    monkeypatch.setattr(clock, "clock_state", lambda *_: "unsynchronised")
    result = run(home, "maintain", "retention")
    assert result.exit_code == 0
    assert "nothing deleted: the time is not known" in result.stdout


def test_check_fails_where_a_database_is_damaged(home):
    assert run(home, "maintain", "check").stdout == "register.sqlite: sound\n"
    spoil_page(home / "register.sqlite", "captures")
    result = run(home, "maintain", "check")
    assert result.exit_code == 1
    assert "restart the service" in result.stdout
    assert json.loads(run(home, "maintain", "check", "--json").stdout)["register.sqlite"]


def test_a_backup_of_a_damaged_database_is_refused_in_one_line(home):
    spoil_page(home / "register.sqlite", "captures")
    result = run(home, "maintain", "backup")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "register.sqlite" in result.stderr


def test_removing_a_student_renews_the_backups_of_the_gallery_and_says_so(tmp_path):
    office = School(tmp_path / "office")
    office.write_roster(S1="no", S2="no")
    home = tmp_path / "home"
    assert run(home, "enrol", "import", str(office.roster)).exit_code == 0
    for _ in range(2):
        assert run(home, "maintain", "backup").exit_code == 0
    result = run(home, "enrol", "remove", "S1", "--yes")
    assert "erased: 2 older backups of the gallery" in result.stdout
    assert "stays: backups of registers keep sightings" in result.stdout
    (fresh,) = (home / "backups").glob("gallery-*")
    with closing(sqlite3.connect(fresh)) as conn:
        assert conn.execute("SELECT student_id FROM students").fetchall() == [("S2",)]


def office(folder, name: str, content: str):
    path = folder / name
    path.write_text(content)
    return str(path)


def test_documents_of_the_office_are_applied_by_hand_one_line_each(tmp_path, home):
    listed = office(tmp_path, "withdrawals.json", '{"schema": 1, "withdrawals": [{"student_id": "X9"}]}')
    result = run(home, "maintain", "inbox", listed)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == ("withdrawals.json: 0 consents taken back, 0 were not given, 1 ids are not known here\n")
    assert run(home, "maintain", "inbox").stdout == "nothing waits\n"


def test_a_refused_document_is_reported_with_its_place_and_exit_code_1(tmp_path, home):
    broken = office(tmp_path, "corrections.json", '{"schema": 1, "corrections": [{"id": "c1"}]}')
    completed = run(home, "maintain", "inbox", broken, "--json")
    assert completed.exit_code == 1
    (result,) = json.loads(completed.stdout)
    assert (result["document"], result["in_force"]) == ("corrections.json", False)
    assert result["problem"].startswith("corrections.json, correction 1, lesson_id")


def test_a_file_that_the_office_does_not_send_is_refused(tmp_path, home):
    result = run(home, "maintain", "inbox", office(tmp_path, "students.csv", ""))
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "not one of the office's documents" in result.stderr
