"""The service as a process: real workers, real databases, a simulated clock, pictures from files."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_daemon.__main__ import run
from edge_daemon.app.capture.plan_recorder import plan_of
from edge_daemon.app.capture.plan_trust import seed_of
from edge_daemon.app.notices.lesson_teachers import teachers_of
from edge_daemon.app.opening.models_and_gallery import open_gallery_store
from edge_daemon.app.opening.signer import open_plan_seeds
from edge_daemon.app.opening.timetable_files import timetable_of_files
from edge_daemon.attendance import candidate_codec
from edge_daemon.attendance.commitment import read_commitment
from edge_daemon.home import Home
from edge_daemon.lesson.plan import seed_digest
from edge_daemon.store import lessons
from edge_daemon.store.alarms import alarms
from edge_daemon.store.candidates import candidates, put_candidates
from edge_daemon.store.commitments import commitments
from edge_daemon.store.database import open_gallery
from edge_daemon.store.plans import committed_plans
from edge_daemon.store.skipped import skipped_lessons
from edge_daemon.store.untimed import untimed_captures
from edge_daemon.timestamps import stored
from tests.cli import running
from tests.simulated_device import (
    CALENDAR,
    FIRST_LESSON,
    MONDAY,
    PATIENCE_S,
    Device,
    captures_taken,
    children,
    in_lesson,
)

KNOWN = b"a seed that somebody else knows."


@pytest.fixture(scope="module")
def two_days(prepared, tmp_path_factory) -> tuple[Device, str, str]:
    """A device after two days of lessons, with its log and the memory map of its process after the first day."""
    device = Device(Path(shutil.copytree(prepared, tmp_path_factory.mktemp("days") / "home")))
    device.timetable(CALENDAR.replace("SUMMARY:Maths", "SUMMARY:Maths\nORGANIZER:mailto:tea@school.example"))
    with device.home.config_path.open("a", encoding="utf-8") as file:
        file.write("[mail]\nteachers = true\n")
    device.start()
    try:
        device.until(lambda: len(device.documents()) >= 1)
        mapped = Path(f"/proc/{device.service.pid}/maps").read_text()
        device.until(lambda: len(device.documents()) == 2)
        return device, mapped, device.stop()
    finally:
        if device.service.poll() is None:
            device.cut()


def test_two_days_of_lessons_become_registers_without_a_person(two_days):
    device, _, log = two_days
    first, second = device.documents()
    assert (first["course"], first["captures_taken"], first["captures_planned"]) == ("Maths", 4, 4)
    assert (first["start"], second["start"]) == ("2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z")
    assert first["clock"] == "synchronised"
    assert {s["student_id"]: s["verdict"] for s in first["students"]}["S1"] == "present"
    assert "S1" not in log
    assert not children(device.service.pid)


def test_after_a_lesson_the_service_has_no_library_of_pictures_in_its_memory(two_days):
    _, mapped, _ = two_days
    assert "sqlite3" in mapped
    assert [name for name in ("numpy", "cv2", "litert") if name in mapped] == []


def test_the_teacher_that_the_calendar_names_is_known_once_the_lesson_has_begun(two_days):
    device, _, log = two_days
    home, document = Home(device.home.state_dir), device.documents()[0]
    lesson = lessons.get_lesson(device.db, document["lesson_id"]).lesson
    assert teachers_of(home, device.db, lesson, {}, home.config.mail) == ("tea@school.example",)
    assert "tea@" not in log


def test_a_plan_is_on_record_before_its_lesson_and_the_register_keeps_to_it(two_days):
    device, _, _ = two_days
    document = device.documents()[0]
    plan = next(p for p in committed_plans(device.db, MONDAY, MONDAY + timedelta(days=1)))
    assert plan.committed_at <= MONDAY + timedelta(seconds=30)
    assert plan.seed_sha256 == document["seed_sha256"]
    assert seed_of(plan, open_plan_seeds(device.home)).hex() == document["seed"]
    promise, *_ = (read_commitment(one.document) for one in commitments(device.db))
    assert promise.at <= MONDAY + timedelta(seconds=30)
    assert promise.plans_committed[0].seed_sha256 == document["seed_sha256"]
    assert promise.public_key == document["public_key"]


def test_lessons_become_registers_though_all_that_delivers_them_is_broken(device):
    for table in ("outbox", "destinations", "commitments", "contacts", "lesson_teachers", "events", "pulled"):
        device.db.execute(f"DROP TABLE {table}")
    device.start()
    device.until(lambda: len(device.documents()) == 2)
    log = device.stop()
    assert {s["student_id"]: s["verdict"] for s in device.documents()[0]["students"]}["S1"] == "present"
    assert "contacts not handed on" in log
    assert "register not queued" in log


def test_a_seed_that_somebody_put_on_record_is_neither_promised_nor_followed(device):
    """An attacker who can write to register.sqlite without the key would otherwise know when pictures are taken."""
    (lesson,) = timetable_of_files(device.home).lessons(FIRST_LESSON, FIRST_LESSON + timedelta(hours=1))
    with device.db.conn:
        device.db.execute(
            "INSERT INTO plans (lesson_id, device, course, start_utc, end_utc, seed, seed_sha256, captures_planned,"
            " committed_at_utc) VALUES (?, ?, ?, ?, ?, ?, ?, 4, ?)",
            (
                *(lesson.lesson_id, lesson.device, lesson.course, stored(lesson.start), stored(lesson.end)),
                *(KNOWN, seed_digest(KNOWN), stored(MONDAY)),
            ),
        )
    device.start()
    device.until(lambda: len(device.documents()) == 1)
    device.stop()
    (document,) = device.documents()
    assert document["lesson_id"] == lesson.lesson_id
    assert document["seed"] != KNOWN.hex()
    promises = [read_commitment(one.document).plans_committed for one in commitments(device.db)]
    assert seed_digest(KNOWN) not in {plan.seed_sha256 for plans in promises for plan in plans}


def test_no_picture_is_taken_by_a_seed_that_was_changed_after_the_lesson_began(cut_device):
    cut_device.db.execute("UPDATE lessons SET seed = ?, seed_sha256 = ?", (KNOWN, seed_digest(KNOWN)))
    cut_device.clock.set(boot=2)
    cut_device.start()
    cut_device.until(lambda: len(cut_device.documents()) == 1)
    cut_device.stop()
    (document,) = cut_device.documents()
    (plan,) = committed_plans(cut_device.db, FIRST_LESSON, FIRST_LESSON + timedelta(hours=1))
    assert document["seed"] == seed_of(plan, open_plan_seeds(cut_device.home)).hex()
    assert [one.name for one in alarms(cut_device.db)] == ["plan"]


def test_a_power_cut_in_a_lesson_costs_only_the_slots_that_passed(cut_device):
    before = captures_taken(cut_device)
    cut_device.clock.set(boot=2)
    cut_device.start()
    cut_device.until(lambda: len(cut_device.documents()) == 1)
    document = cut_device.documents()[0]
    assert document["captures_taken"] + len(document["missed"]) == 4
    assert document["captures_taken"] >= 2
    assert [c for c in captures_taken(cut_device) if c.slot in {b.slot for b in before}] == before
    cut_device.stop()


def test_faces_of_a_newer_program_are_missed_captures_and_no_endless_restart(cut_device, monkeypatch):
    slots = {capture.slot for capture in captures_taken(cut_device)}
    monkeypatch.setattr(candidate_codec, "VERSION", 99)
    gallery = open_gallery_store(cut_device.home)
    (lesson_id,) = {row[0] for row in gallery.db.execute("SELECT lesson_id FROM candidates")}
    for slot in slots:
        sealed = gallery.seal_candidates(lesson_id, slot, candidate_codec.pack([], []))
        put_candidates(gallery.db, lesson_id, slot, sealed)
    gallery.db.conn.close()
    cut_device.clock.set(boot=2)
    cut_device.start()
    cut_device.until(lambda: len(cut_device.documents()) == 1)
    missed = {m["slot"]: m["reason"] for m in cut_device.documents()[0]["missed"]}
    assert {missed[slot] for slot in slots} == {"its faces were stored in form 99, which this program does not read"}
    assert "worker failed" not in cut_device.stop()


def test_a_lesson_that_ended_in_the_dark_is_finalised_with_its_missed_slots_named(cut_device):
    cut_device.clock.set(utc=MONDAY + timedelta(hours=30), boot=2)
    cut_device.start()
    cut_device.until(lambda: len(cut_device.documents()) == 1)
    document = cut_device.documents()[0]
    assert document["start"] == "2026-11-23T08:00:00Z"
    assert {m["reason"] for m in document["missed"]} == {"the service was not running"}
    cut_device.until(lambda: len(skipped_lessons(cut_device.db)) == 1)
    skipped = skipped_lessons(cut_device.db)[0]
    assert skipped.start == MONDAY + timedelta(hours=25)
    assert skipped.reason == "the device was off"
    cut_device.stop()


def test_pictures_of_an_unknown_time_get_their_lesson_when_the_time_is_known(device):
    device.clock.set(utc=MONDAY - timedelta(days=1, hours=3), state="unsynchronised")
    device.start()
    device.until(lambda: device.home.register_db_path.exists() and len(untimed_captures(device.db)) >= 12)
    # 12 captures are 5 minutes: the truth is that they were taken between eight and half past.
    os.kill(device.service.pid, signal.SIGSTOP)
    device.clock.set(utc=MONDAY + timedelta(hours=1, minutes=30), state="synchronised")
    os.kill(device.service.pid, signal.SIGCONT)
    device.until(lambda: len(device.documents()) == 1)
    document = device.documents()[0]
    assert document["start"] == "2026-11-23T08:00:00Z"
    assert document["clock"] == "synchronised"
    assert document["captures_taken"] >= 1
    device.until(lambda: not untimed_captures(device.db))
    device.stop()


def test_a_time_that_is_never_known_makes_an_inconclusive_register(device):
    device.clock.set(state="unsynchronised")
    device.start()
    device.until(lambda: device.home.register_db_path.exists() and len(untimed_captures(device.db)) >= 3)
    device.cut()
    device.clock.set(utc=MONDAY + timedelta(days=3, hours=3), state="synchronised", boot=2)
    device.start()
    device.until(lambda: any(d["clock"] == "unsynchronised" for d in device.documents()))
    document = next(d for d in device.documents() if d["clock"] == "unsynchronised")
    assert document["course"] == ""
    verdicts = {s["verdict"] for s in document["students"]}
    assert verdicts == {"inconclusive", "not_assessed"}
    assert all("clock" in s["flags"] for s in document["students"])
    device.stop()


def test_a_broken_timetable_keeps_the_old_one_also_over_a_restart(device):
    device.start()
    device.until(lambda: len(device.documents()) == 1)
    device.timetable("BEGIN:VCALENDAR\nBEGIN:VEVENT\n")
    device.service.send_signal(signal.SIGHUP)
    device.until(lambda: bool(device.status().get("timetable_error")))
    device.stop()
    device.start()
    device.until(lambda: len(device.documents()) == 2)
    assert device.status()["timetable_error"]
    device.stop()


def test_a_camera_that_is_not_there_ends_the_start_with_one_line(device):
    shutil.rmtree(device.home.state_dir / "frames")
    device.start()
    assert device.service.wait(PATIENCE_S) == 1
    log = device.log()
    assert log.splitlines()[-1].startswith("edge-daemon: ")
    assert "frames: no such folder" in log.splitlines()[-1]


def test_a_second_service_is_refused_in_one_line_and_a_stopped_one_leaves_nothing(device):
    device.start()
    device.until(lambda: bool(device.status()))
    second = subprocess.run(
        [sys.executable, "-m", "edge_daemon", "--home", str(device.home.state_dir), "run"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "a service runs already" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    device.until(device.ready)
    device.until(lambda: device.status()["state"] == "lesson")
    device.stop()
    assert not device.status()
    assert not [line for line in device.log().splitlines() if "Traceback" in line]


def test_a_database_that_is_found_damaged_ends_the_service_and_the_next_start_mends_it(device):
    device.start()
    device.until(lambda: len(device.documents()) == 1)
    assert run(["--home", str(device.home.state_dir), "maintain", "backup"]) == 0
    device.home.suspect_path.touch()  # what a worker does that meets damage
    assert device.service.wait(PATIENCE_S) == 1
    with device.home.register_db_path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096 * 8))
    device.start()
    device.until(device.ready)
    device.until(lambda: len(device.documents()) == 2)
    assert "restored" in device.log() or "repaired" in device.log()
    assert list((device.home.state_dir / "damaged").iterdir())
    device.stop()


def test_a_dark_room_is_reported_and_is_no_evidence_of_absence(device):
    for picture in (device.home.state_dir / "frames").iterdir():
        cv2.imwrite(str(picture), np.zeros((1296, 2304, 3), np.uint8))
    device.start()
    device.until(lambda: len(device.documents()) == 1)
    document = device.documents()[0]
    assert document["captures_taken"] == 0
    assert len(document["missed"]) == 4
    assert all("black" in m["reason"] for m in document["missed"])
    assert {s["verdict"] for s in document["students"]} == {"inconclusive", "not_assessed"}
    device.stop()


def test_a_camera_that_is_found_at_the_second_look_is_no_trouble_any_more(device):
    frames, away = device.home.state_dir / "frames", device.home.state_dir / "away"
    frames.rename(away)
    device.start()
    device.until(lambda: "does not answer" in str(device.status().get("detail")))
    away.rename(frames)
    device.until(device.ready)
    assert "tries again" not in str(device.status()["detail"])
    device.until(lambda: device.status()["state"] == "lesson")
    device.stop()


def test_a_lesson_that_was_begun_goes_on_after_a_restart_though_the_timetable_has_lost_it(cut_device):
    cut_device.clock.set(boot=2)
    cut_device.timetable(CALENDAR.replace("20261123T", "20261130T"))
    cut_device.start()
    cut_device.until(lambda: len(cut_device.documents()) == 1)
    assert cut_device.documents()[0]["captures_taken"] >= 3
    cut_device.stop()


def test_a_lesson_that_is_over_gets_its_register_though_the_camera_is_broken_now(cut_device):
    cut_device.clock.set(utc=MONDAY + timedelta(hours=5), boot=2)
    shutil.rmtree(cut_device.home.state_dir / "frames")
    cut_device.start()
    assert cut_device.service.wait(PATIENCE_S) == 1
    assert [d["captures_taken"] for d in cut_device.documents()] == [2]


def test_faces_that_a_worker_left_behind_after_its_register_are_erased_by_the_next_one(two_days):
    device, _, _ = two_days
    lesson_id = str(device.documents()[0]["lesson_id"])
    gallery_db = open_gallery(device.home.gallery_db_path)
    put_candidates(gallery_db, lesson_id, 0, b"sealed")
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "edge_daemon.app.service.worker", "--report", str(writing)]
    arguments = ["--home", str(device.home.state_dir), "lesson", lesson_id]
    subprocess.run([*command, *arguments], pass_fds=(writing,), check=True)
    os.close(writing)
    with os.fdopen(reading) as reports:
        assert reports.read() == '{"kind": "done"}\n'
    assert not candidates(gallery_db, lesson_id)


def test_after_a_restart_in_a_lesson_the_status_never_says_that_there_is_no_lesson(cut_device, monkeypatch):
    at = cut_device.clock.reading().utc

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cut_device.clock.reading().utc.astimezone(tz)

    monkeypatch.setattr(importlib.import_module("edge_daemon.cli.status"), "datetime", Clock)
    cut_device.clock.set(boot=2)
    cut_device.clock.stop_at(at + timedelta(seconds=30))
    cut_device.start()
    statuses: list[dict[str, object]] = []
    outputs: list[str] = []

    def goes_on() -> bool:
        if (status := cut_device.status()) and status not in statuses:
            statuses.append(status)
            outputs.append(running.run(cut_device.home.state_dir, "status").stdout)
        lesson = cut_device.status().get("lesson")
        return isinstance(lesson, dict) and bool(lesson["provisional"])

    cut_device.until(goes_on)
    assert not [one for one in statuses if "no lesson" in str(one["detail"])]
    assert not [text for text in outputs if "none is known" in text or "no register" in text], outputs
    assert all(re.search(r"^lesson +Maths", text, re.MULTILINE) for text in outputs), outputs
    assert statuses[-1]["lesson"]["provisional_of"] == 2, "what was counted before the restart is there at once"
    assert "So far, of 2 captures; the register is made at the lesson's end:" in outputs[-1]
    cut_device.stop()


def test_so_far_follows_each_capture(device):
    in_lesson(device, 1)
    for captures in (1, 2, 3):
        device.until(lambda: dict(device.status().get("lesson") or {}).get("provisional_of") == captures)  # noqa: B023
        if captures < 3:
            (lesson,) = lessons.running_lessons(device.db)
            before, after = plan_of(lesson).offsets_s[captures : captures + 2]
            device.clock.stop_at(FIRST_LESSON + timedelta(seconds=(before + after) / 2))
    device.cut()
