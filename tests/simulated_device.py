"""A device with a simulated clock: a home, a service as a process, and a power supply that can fail."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from copy import copy
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import sqlite_utils

from edge_daemon.__main__ import run
from edge_daemon.app.capture.plan_recorder import plan_of
from edge_daemon.home import Home
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register
from edge_daemon.store.registers import latest_registers
from tests.simulation import ROOT, VARIABLE, SimulatedClock

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=timezone.utc)
FIRST_LESSON = MONDAY + timedelta(hours=1)
PATIENCE_S = 300.0
"""A long time limit, for busy computers."""
CONFIG = """
[device]
name = "room-1"
time_zone = "Europe/Berlin"
[timetable]
files = ["timetable.ics"]
[camera]
kind = "files"
source = "frames"
[lesson]
captures = {captures}
"""
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//
BEGIN:VEVENT
UID:maths
DTSTAMP:20260101T000000Z
DTSTART:20261123T080000Z
DTEND:20261123T084500Z
RRULE:FREQ=DAILY
SUMMARY:Maths
END:VEVENT
END:VCALENDAR
"""


class Device:
    """A home, its clock and its service."""

    def __init__(self, folder: Path, captures: int = 4, calendar: str = CALENDAR) -> None:
        self.home = Home(folder)
        (folder / "config.toml").write_text(CONFIG.format(captures=captures))
        self.timetable(calendar)
        self.clock = SimulatedClock(folder / "clock")
        self.clock.set(utc=MONDAY, state="synchronised", boot=1)
        self.service: subprocess.Popen[bytes] | None = None
        self.log_path = folder / "service.log"

    def copied(self, folder: Path) -> Device:
        """Return a copy of this device, which has no power, in another folder."""
        other = copy(self)
        other.home, other.service = Home(Path(shutil.copytree(self.home.state_dir, folder))), None
        other.clock, other.log_path = SimulatedClock(folder / "clock"), folder / "service.log"
        return other

    def timetable(self, text: str) -> None:
        (self.home.state_dir / "timetable.ics").write_text(text.replace("\n", "\r\n"))

    def start(self) -> None:
        environment = {**os.environ, VARIABLE: str(self.home.state_dir / "clock"), "PYTHONPATH": str(ROOT)}
        with self.log_path.open("ab") as log:
            self.service = subprocess.Popen(
                [sys.executable, "-m", "tests.simulated_service", str(self.home.state_dir)],
                env=environment,
                cwd=ROOT,
                stderr=log,
                start_new_session=True,
            )

    def start_and_cut(self, captures: int) -> list[lessons.Capture]:
        """Start, and cut the power in the first lesson after this many pictures; return the pictures.

        Time stands still meanwhile: on a busy computer the lesson would otherwise be over before the test looks.
        """
        self.clock.stop_at(FIRST_LESSON)
        self.start()
        self.until(lambda: self.home.register_db_path.exists() and bool(lessons.running_lessons(self.db)))
        (lesson,) = lessons.running_lessons(self.db)
        before, after = plan_of(lesson).offsets_s[captures - 1 : captures + 1]
        self.clock.stop_at(FIRST_LESSON + timedelta(seconds=(before + after) / 2))
        self.until(lambda: len(captures_taken(self)) == captures)
        self.cut()
        self.clock.stop_at(None)
        return captures_taken(self)

    def cut(self) -> None:
        """Cut the power: every process of the device is killed at once."""
        assert self.service is not None
        pids = [self.service.pid, *children(self.service.pid)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        for pid in [*pids, *children(self.service.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.service.wait()
        shutil.rmtree(self.home.runtime_dir, ignore_errors=True)

    def stop(self) -> str:
        assert self.service is not None
        self.service.send_signal(signal.SIGTERM)
        assert self.service.wait(PATIENCE_S) == 0, self.log()
        return self.log()

    def log(self) -> str:
        return self.log_path.read_text() if self.log_path.exists() else ""

    def until(self, true: Callable[[], bool]) -> None:
        ends, pause_s = time.monotonic() + PATIENCE_S, 0.02
        while not true():
            assert self.service is None or self.service.poll() is None, self.log()
            assert time.monotonic() < ends, "it never came"
            time.sleep(pause_s)
            pause_s = min(1.2 * pause_s, 0.1)  # a long wait looks less often

    def status(self) -> dict[str, object]:
        try:
            return json.loads((self.home.runtime_dir / "status.json").read_text())
        except (OSError, ValueError):
            return {}

    def ready(self) -> bool:
        """Whether the running service has reported that it is ready."""
        status = self.status()
        return status.get("pid") == self.service.pid and status.get("state") != "starting"

    @property
    def db(self):
        return open_register(self.home.register_db_path)

    def documents(self) -> list[dict[str, object]]:
        """Return the newest revisions. A test that waits calls this often, so no migrations are looked at."""
        try:
            file = sqlite3.connect(f"{self.home.register_db_path.as_uri()}?mode=rw", timeout=60, uri=True)
        except sqlite3.OperationalError:  # the service has not made it yet
            return []
        with contextlib.closing(file):
            found = sqlite_utils.Database(file)
            return [json.loads(r.document) for r in latest_registers(found)] if found["registers"].exists() else []


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(stat.parent.name)
            found += [child, *children(child)]
    return found


def prepare(folder: Path, captures: int = 4, scale: float = 0.5) -> None:
    """Draw pictures of the demo room and enrol its students."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import make_lesson as m;"
        " m.compose(m.Path(sys.argv[2]), range(int(sys.argv[3])))"
    )
    subprocess.run([sys.executable, "-c", code, ROOT / "demo", folder / "frames", str(captures)], check=True)
    for path in (folder / "frames").iterdir():
        picture = cv2.imread(str(path))
        cv2.imwrite(str(path), cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    photographs, roster = ROOT / "demo" / "pictures" / "enrolment", ROOT / "demo" / "roster.csv"
    assert run(["--home", str(folder), "enrol", "import", str(roster), "--photos", str(photographs)]) == 0


def in_lesson(device: Device, captures: int) -> datetime:
    """Start, and stop the clock after this many captures of the first lesson; return the instant."""
    device.clock.stop_at(FIRST_LESSON)
    device.start()
    device.until(lambda: device.home.register_db_path.exists() and bool(lessons.running_lessons(device.db)))
    (lesson,) = lessons.running_lessons(device.db)
    before, after = plan_of(lesson).offsets_s[captures - 1 : captures + 1]
    at = FIRST_LESSON + timedelta(seconds=(before + after) / 2)
    device.clock.stop_at(at)
    device.until(lambda: len(captures_taken(device)) == captures)
    return at


def after_last_capture(device: Device) -> datetime:
    """Return an instant of the running lesson at which every planned capture is over, wherever the plan put it."""
    (lesson,) = lessons.running_lessons(device.db)
    last = FIRST_LESSON + timedelta(seconds=plan_of(lesson).offsets_s[-1])
    return last + (lesson.lesson.end - last) / 2


def captures_taken(device: Device) -> list[lessons.Capture]:
    """Return the captures of the first lesson."""
    row = device.db.execute("SELECT lesson_id FROM lessons ORDER BY start_utc LIMIT 1").fetchone()
    return lessons.captures(device.db, row[0]) if row else []
