"""A lesson interrupted over its end gets its register at once, even while the next lesson runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta

from edge_daemon.app.capture.plan_recorder import plan_of
from edge_daemon.store import lessons
from tests.cli.running import run
from tests.simulated_device import CALENDAR, FIRST_LESSON, Device

SECOND = FIRST_LESSON + timedelta(minutes=45)
BACK_TO_BACK = CALENDAR.replace(
    "END:VCALENDAR",
    """BEGIN:VEVENT
UID:art
DTSTAMP:20260101T000000Z
DTSTART:20261123T084500Z
DTEND:20261123T104500Z
SUMMARY:Art
END:VEVENT
END:VCALENDAR""",
)


def cut_over_its_end(device: Device) -> None:
    """Cut the power in the first lesson, and restore it ten minutes into the second one."""
    device.timetable(BACK_TO_BACK)
    device.start_and_cut(2)
    now = SECOND + timedelta(minutes=10)
    device.clock.set(utc=now, boot=2)
    device.clock.stop_at(now)


def courses(device: Device) -> list[object]:
    return [document["course"] for document in device.documents()]


def test_a_cut_off_lesson_is_finalised_while_the_next_one_runs_and_keeps_all_its_captures(device):
    cut_over_its_end(device)
    device.start()
    device.until(lambda: courses(device) == ["Maths"])
    (running,) = lessons.running_lessons(device.db)
    assert running.lesson.course == "Art"
    assert device.documents()[0]["captures_taken"] == 2
    reasons = {m["reason"] for m in device.documents()[0]["missed"]}
    assert reasons == {"the service was not running"}
    device.clock.stop_at(None)
    device.until(lambda: len(device.documents()) == 2)
    art = device.documents()[1]
    before = [s for s, at in enumerate(plan_of(running).offsets_s) if at < 600]
    assert {m["slot"] for m in art["missed"]} <= set(before), "none was late because of the other register"
    device.stop()


def test_status_and_ledger_agree_on_a_cut_off_lesson_until_its_register_is_made(device):
    cut_over_its_end(device)
    home = device.home.state_dir
    assert "over, not made yet" in run(home, "ledger").stdout
    assert "over, not made yet: the service makes it at its next start" in run(home, "status").stdout
    lines = json.loads(run(home, "ledger", "--json").stdout)
    assert [one["state"] for one in lines[:2]] == ["over", "planned"]
    device.start()
    device.until(lambda: courses(device) == ["Maths"])
    device.clock.stop_at(SECOND + timedelta(minutes=12))
    device.until(lambda: "Art" in str(device.status().get("detail")))
    assert "not made yet" not in next(line for line in run(home, "ledger").stdout.splitlines() if "Maths" in line)
    assert "not made yet" not in run(home, "status").stdout
    device.stop()


def test_the_register_of_a_cut_off_lesson_is_made_without_a_neural_network_in_memory(cut_device):
    (lesson,) = lessons.running_lessons(cut_device.db)
    code = (
        "from edge_daemon.app.capture import comparer; from edge_daemon.app.service import worker\n"
        "def refused(*_, **__): raise SystemExit('a network was asked for')\n"
        "comparer.Detector = comparer.RoomDetector = refused\n"
        "worker.main()"
    )
    reading, writing = os.pipe()
    arguments = [
        "--report",
        str(writing),
        "--home",
        str(cut_device.home.state_dir),
        "finalise",
        lesson.lesson.lesson_id,
    ]
    subprocess.run([sys.executable, "-c", code, *arguments], pass_fds=(writing,), check=True)
    os.close(writing)
    with os.fdopen(reading) as reports:
        assert [line for line in reports if '"done"' in line]
    assert courses(cut_device) == ["Maths"]
