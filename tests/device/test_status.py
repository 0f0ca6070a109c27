"""The status file: it can be read back, its readers are limited, and a dead service differs from a live one."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.device.status import (
    FILE,
    STALE_S,
    LessonStatus,
    ServiceStatus,
    age_s,
    read_status,
    runs,
    start_ticks,
    write_status,
)

AT = datetime(2026, 9, 1, 8, 0, tzinfo=timezone.utc)


def a_status(**changes) -> ServiceStatus:
    lesson = LessonStatus(
        lesson_id="5c0f",
        course="Matemática",
        start=AT,
        end=AT + timedelta(minutes=45),
        captures_planned=100,
        captures_taken=40,
        captures_missed=2,
        last_missed_reason="the camera did not answer",
        next_capture_utc=AT + timedelta(minutes=20),
        provisional={"s-1": (30, 28), "s-2": (0, 0)},
    )
    whole = ServiceStatus(
        state="lesson",
        detail="lesson 5c0f: 40 of 100 pictures",
        pid=os.getpid(),
        started_utc=AT,
        updated_utc=AT,
        clock="rtc",
        next_lesson_start=AT + timedelta(hours=2),
        next_course="Physik",
        lesson=lesson,
        missed_total={"camera": 2},
    )
    return dataclasses.replace(whole, **changes)


def test_a_written_status_is_read_back_unchanged(tmp_path):
    status = a_status()
    write_status(tmp_path, status)
    found = read_status(tmp_path)
    assert found.pid_start_ticks == start_ticks(os.getpid())
    assert dataclasses.replace(found, pid_start_ticks=0, updated_boottime_s=0.0) == status


def test_a_status_without_a_lesson_is_read_back(tmp_path):
    write_status(tmp_path, a_status(lesson=None, next_lesson_start=None, state="waiting"))
    assert read_status(tmp_path).lesson is None


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_only_the_owner_may_read_the_status_whatever_the_umask(tmp_path, mask):
    folder = tmp_path / "run"
    umask = os.umask(mask)
    try:
        write_status(folder, a_status())
    finally:
        os.umask(umask)
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o755
    write_status(folder, read_status(folder), 0o640)
    assert (folder / FILE).stat().st_mode & 0o777 == 0o640
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_a_part_that_a_killed_process_left_is_no_hindrance(tmp_path):
    (tmp_path / f".{FILE}.part").write_text("half")
    write_status(tmp_path, a_status())
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_symbolic_link_in_its_place_is_replaced_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    (tmp_path / FILE).symlink_to(elsewhere)
    write_status(tmp_path, a_status())
    assert elsewhere.read_text() == "untouched"
    assert not (tmp_path / FILE).is_symlink()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"format": 1}', '{"format": 99}', '{"format": 1, "state": "dancing"}', "\xff"]
)
def test_a_file_that_says_nothing_is_no_status(tmp_path, content):
    (tmp_path / FILE).write_bytes(content.encode("latin-1"))
    assert read_status(tmp_path) is None


def test_a_status_with_one_wrong_value_is_none(tmp_path):
    write_status(tmp_path, a_status())
    document = json.loads((tmp_path / FILE).read_text())
    document["clock"] = "sundial"
    (tmp_path / FILE).write_text(json.dumps(document))
    assert read_status(tmp_path) is None


def test_no_file_is_no_status(tmp_path):
    assert read_status(tmp_path) is None


def test_a_service_that_lives_runs_and_its_status_is_fresh(tmp_path):
    write_status(tmp_path, a_status())
    found = read_status(tmp_path)
    assert runs(found)
    assert 0 <= age_s(found) < STALE_S


def test_a_killed_service_does_not_run(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_status(tmp_path, a_status(pid=child.pid))
    found = read_status(tmp_path)
    assert runs(found)
    child.kill()
    child.wait()
    child.stdin.close()
    assert not runs(found)


def test_a_file_that_nests_without_an_end_is_none(tmp_path):
    (tmp_path / FILE).write_text("[" * 200_000)
    assert read_status(tmp_path) is None


def test_another_process_that_was_given_its_number_is_not_the_service(tmp_path):
    write_status(tmp_path, a_status(pid_start_ticks=1))
    assert not runs(read_status(tmp_path))


def test_a_process_with_brackets_in_its_name_is_understood(tmp_path):
    fields = ["S", *map(str, range(4, 53))]
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text(f"7 (edge) (x)) {' '.join(fields)}\n")
    assert start_ticks(7, tmp_path) == 22


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(OSError, match="run"):
        write_status(tmp_path / "run", a_status())
