"""`status` with a service that runs, was killed, or never started; without the key of templates."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.app.health import overview
from edge_daemon.device.status import write_status
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register
from edge_daemon.store.skipped import skip_lessons
from edge_daemon.types import MissedCapture
from tests.cli.running import run
from tests.device.test_status import a_status
from tests.registers import a_lesson, a_register, keep

NOW = datetime.now(timezone.utc)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "config.toml").write_text('[device]\ntime_zone = "Europe/Berlin"\n')
    return tmp_path


def status_document(home) -> dict:
    return json.loads(run(home, "status", "--json").stdout)


def test_a_running_lesson_in_plain_words(home):
    write_status(home / "run", a_status())
    result = run(home, "status")
    assert result.exit_code == 0
    assert "service       runs\n" in result.stdout
    assert "lesson        Matemática Tue 2026-09-01 10:00 to Tue 2026-09-01 10:45" in result.stdout, "local time"
    assert "40 of 100 captures taken, 2 missed (the last: the camera did not answer)" in result.stdout
    assert "next capture  Tue 2026-09-01 10:20" in result.stdout
    assert "next lesson   Physik Tue 2026-09-01 12:00" in result.stdout
    assert "set by the clock chip" in result.stdout
    assert [line.split() for line in result.stdout.splitlines()[-2:]] == [["s-1", "30", "28"], ["s-2", "0", "0"]]


def test_the_same_in_json(home):
    write_status(home / "run", a_status())
    status = status_document(home)
    assert status["healthy"] is True
    assert (status["service"], status["state"]) == ("runs", "lesson")
    assert status["lesson"]["next_capture"] == "2026-09-01T08:20:00Z"
    assert status["lesson"]["provisional"][0] == {
        "student_id": "s-1", "name": None, "frames_seen": 30, "frames_attentive": 28,
    }  # fmt: skip


def test_with_the_key_at_hand_students_have_names(demo_home, tmp_path):
    shutil.copytree(demo_home, tmp_path / "home")
    status = a_status()
    write_status(
        tmp_path / "home" / "run",
        a_status(lesson=overview.LessonStatus(**{**_fields(status.lesson), "provisional": {"S3": (5, 4)}})),
    )
    assert status_document(tmp_path / "home")["lesson"]["provisional"][0]["name"] == "Grace Hopper"
    (tmp_path / "home" / "device.key").unlink()
    result = run(tmp_path / "home", "status", "--json")
    assert json.loads(result.stdout)["lesson"]["provisional"][0]["name"] is None
    assert not (tmp_path / "home" / "device.key").exists()


def _fields(lesson) -> dict:
    return {name: getattr(lesson, name) for name in lesson.__slots__}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"camera_fault": "no cable"}, "camera: no cable"),
        ({"timetable_error": "school.ics, line 3: is broken"}, "timetable: school.ics, line 3: is broken"),
        ({"storage_fault": "the disk is full"}, "storage: the disk is full"),
        ({"state": "degraded", "detail": "the time is not known"}, "the time is not known"),
        ({"pid_start_ticks": 1, "ended_by": "no camera"}, "the service ended, and systemd starts it again: no camera"),
        ({"pid_start_ticks": 1}, "the service ended without giving a reason: `journalctl -u edge-daemon` may say why"),
    ],
)
def test_problems_that_need_a_person_come_first_and_set_the_exit_code(home, changes, problem):
    write_status(home / "run", a_status(**changes))
    result = run(home, "status")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == f"TO DO         {problem}"
    assert status_document(home)["problems"] == [problem]


def test_a_service_that_hangs_is_distinguished_from_one_that_runs(home, monkeypatch):
    monkeypatch.setattr(overview, "age_s", lambda status: 500.0)
    write_status(home / "run", a_status())
    assert status_document(home)["service"] == "stuck"
    assert status_document(home)["problems"] == ["the service has not reported for 500 s"]


def test_of_a_killed_service_its_lesson_is_not_shown_as_running(home):
    write_status(home / "run", a_status(pid_start_ticks=1))
    status = status_document(home)
    assert (status["service"], status["lesson"]) == ("ended", None)


def test_nothing_at_all_is_no_problem_of_a_trial(tmp_path):
    result = run(tmp_path, "status")
    assert result.exit_code == 0
    assert "service       does not run" in result.stdout
    assert not list(tmp_path.iterdir())


def test_without_a_service_the_last_lesson_comes_from_the_database(home):
    db = open_register(home / "register.sqlite")
    keep(db, *a_register(a_lesson(NOW - timedelta(hours=3), "7b"), {"s-1": 1.0}))
    begun = a_lesson(NOW - timedelta(hours=1), "8c")
    lessons.start_lesson(db, begun, make_plan(begun.lesson_id, 2700, 100), "synchronised")
    lessons.add_capture(db, begun.lesson_id, lessons.Capture(0, "0", begun.start))
    lessons.add_missed(db, begun.lesson_id, MissedCapture(1, "the picture is black"))
    skip_lessons(db, [a_lesson(NOW - timedelta(days=1), "9a")], "the device was off", NOW)
    skip_lessons(db, [a_lesson(NOW - timedelta(days=30), "5a")], "the device was off", NOW)
    db.conn.close()
    result = run(home, "status")
    assert result.exit_code == 0
    assert "last lesson   7b: 20 of 20 captures taken, 0 missed, ended" in result.stdout
    assert "no register   8c: 1 of 100 captures taken, 1 missed, of" in result.stdout
    assert "not held      1 in the last 7 days, the latest 9a" in result.stdout
    assert [one["course"] for one in status_document(home)["lessons_not_held"]] == ["9a"]


def test_the_lesson_that_runs_is_not_one_without_a_register(home):
    db = open_register(home / "register.sqlite")
    begun = a_lesson(NOW, "8c")
    lessons.start_lesson(db, begun, make_plan(begun.lesson_id, 2700, 100), "synchronised")
    db.conn.close()
    lesson = overview.LessonStatus(
        lesson_id=begun.lesson_id, course="8c", start=begun.start, end=begun.end, captures_planned=100
    )
    write_status(home / "run", a_status(lesson=lesson))
    assert status_document(home)["lessons_without_register"] == []
    write_status(home / "run", a_status(lesson=None))
    assert len(status_document(home)["lessons_without_register"]) == 1


def test_a_last_lesson_with_too_few_captures_needs_a_person(home):
    db = open_register(home / "register.sqlite")
    missed = [MissedCapture(slot, "the camera did not answer") for slot in range(11)]
    keep(db, *a_register(a_lesson(NOW - timedelta(hours=3)), {"s-1": 1.0}, missed=missed))
    db.conn.close()
    result = run(home, "status")
    assert result.exit_code == 1
    assert "of the last lesson only 9 of 20 captures were taken: inconclusive" in result.stdout


def test_without_a_service_the_next_lesson_comes_from_the_timetable(home):
    at = NOW + timedelta(days=1)
    (home / "x.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART:{at:%Y%m%dT%H%M%SZ}\r\nDURATION:PT45M\r\nSUMMARY:Math\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    (home / "config.toml").write_text('[timetable]\nfiles = ["x.ics"]\n')
    assert status_document(home)["next_lesson"] == {"course": "Math", "start": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    assert sorted(path.name for path in home.iterdir()) == ["config.toml", "x.ics"], "looking writes nothing"


@pytest.mark.parametrize(
    ("file", "content"),
    [("config.toml", "[rule]\nshare = 2\n"), ("register.sqlite", "no database at all, by far" * 99)],
)
def test_broken_files_are_a_problem_in_the_status_and_no_error(home, file, content):
    (home / file).write_text(content)
    result = run(home, "status")
    assert result.exit_code == 1
    assert file in result.stdout.splitlines()[0]
    assert result.stderr == ""


def test_a_full_disk_needs_a_person(home, monkeypatch):
    monkeypatch.setattr(overview, "LEAST_FREE_MB", 10**9)
    assert "MB left" in status_document(home)["problems"][0]


@pytest.mark.parametrize("text", ["two\nlines", "\x1b[31mred"])
def test_control_signs_of_a_calendar_do_not_reach_the_terminal(home, text):
    write_status(home / "run", a_status(next_course=text))
    out = run(home, "status").stdout
    assert "\x1b" not in out
    assert len(out.splitlines()) == len(run(home, "status").stdout.splitlines())
    assert "two lines" in out or " [31mred" in out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_another_user_gets_the_advice_to_be_root(home):
    write_status(home / "run", a_status())
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        try:
            found = overview.look(overview.Home(home), NOW)
            os._exit(0 if found.life == "hidden" and "root" in found.problems[0] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
