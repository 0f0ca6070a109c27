"""Simulates a school year in an hour: 1,000 lessons with DST, holidays, power cuts, camera faults and lost time.

    python -m tests.slow.year --json OUT [--lessons 1000]

The service is a real process with real workers, models and databases; only its clock is simulated, so that nobody waits
between lessons. In the first half something goes wrong every few lessons. In the second half the same service process
runs on undisturbed, and its memory, threads and file descriptors are watched. In the end every lesson that the calendar
has must have a register or a reason.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_daemon.app.opening.timetable_files import read_timetable
from tests.simulated_device import Device, children, prepare

START = datetime(2026, 8, 31, 5, 0, tzinfo=timezone.utc)
END = datetime(2027, 7, 23, 20, 0, tzinfo=timezone.utc)
ZONE = "Europe/Berlin"
LESSONS_A_DAY = 5
CAPTURES = 4
HOLIDAYS = (("20261019", "20261031"), ("20261221", "20270104"), ("20270329", "20270410"), ("20270517", "20270522"))
STILL_S = 300.0
"""Real seconds without a new lesson after which something hangs."""


def timetable() -> str:
    """Return five lessons a day, Monday to Friday, in local time."""
    events = "".join(
        f"BEGIN:VEVENT\nUID:period-{period}\nDTSTAMP:20260101T000000Z\n"
        f"DTSTART;TZID={ZONE}:20260831T{8 + period:02d}0000\nDTEND;TZID={ZONE}:20260831T{8 + period:02d}4500\n"
        f"RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20270723T200000Z\nSUMMARY:Period {period}\nEND:VEVENT\n"
        for period in range(LESSONS_A_DAY)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//\n{events}END:VCALENDAR\n"


def holidays() -> str:
    """Return the holidays as all-day events."""
    events = "".join(
        f"BEGIN:VEVENT\nUID:holiday-{first}\nDTSTAMP:20260101T000000Z\nDTSTART;VALUE=DATE:{first}\n"
        f"DTEND;VALUE=DATE:{after}\nSUMMARY:Holidays\nEND:VEVENT\n"
        for first, after in HOLIDAYS
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//\n{events}END:VCALENDAR\n"


class Year:
    """A device that lives through a school year."""

    def __init__(self, folder: Path, lessons: int, seed: int) -> None:
        prepare(folder, captures=3, scale=0.35)
        self.device = Device(folder, captures=CAPTURES, calendar=timetable())
        settings = folder / "config.toml"
        text = settings.read_text().replace('["timetable.ics"]', '["timetable.ics"]\nholidays = ["holidays.ics"]')
        settings.write_text(text)
        (folder / "holidays.ics").write_text(holidays().replace("\n", "\r\n"))
        self.device.clock.set(utc=START, state="synchronised")
        self.lessons, self.chance, self.boot = lessons, random.Random(seed), 1
        self.events: Counter[str] = Counter()
        self.samples: list[dict[str, float]] = []
        self.latest = ""

    def go(self) -> None:
        """Simulate the year."""
        self.device.start()
        faults = (self.cut, self.long_cut, self.cut_and_no_time, self.no_camera, self.kill_worker, self.clock_jumps)
        while self.registers() < self.lessons // 2 and not self.over():
            self.pass_lessons(self.chance.randrange(5, 12))
            fault = self.chance.choice(faults)
            self.events[fault.__name__] += 1
            fault()
        while self.registers() < self.lessons and not self.over():
            self.pass_lessons(25)
            self.sample()
        self.device.stop()

    def over(self) -> bool:
        """Whether the school year has ended."""
        return self.device.clock.reading().utc > END

    def registers(self) -> int:
        if not self.device.home.register_db_path.exists():
            return 0
        return self.count("SELECT count(*) FROM lessons WHERE state = 'finalised'")

    def count(self, sql: str) -> int:
        db = self.device.db
        try:
            return db.execute(sql).fetchone()[0]
        finally:
            db.conn.close()

    def pass_lessons(self, number: int) -> None:
        wanted = self.registers() + number
        self.wait(lambda: self.registers() >= wanted or self.over())

    def wait(self, true: Callable[[], bool]) -> None:
        """Wait, in real time, until a condition holds."""
        last, since = self.registers(), time.monotonic()
        while not true():
            assert self.device.service.poll() is None, self.device.log()[-2000:]
            if (now := self.registers()) != last:
                last, since = now, time.monotonic()
            assert time.monotonic() - since < STILL_S, f"nothing happens: {self.device.status()}"
            time.sleep(0.1)
        done = self.registers()
        if done // 25 != getattr(self, "_told", -1):
            self._told = done // 25
            at = self.device.clock.reading().utc
            print(f"{at:%Y-%m-%d} {done} registers, {sum(self.events.values())} faults", file=sys.stderr, flush=True)

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    def cut(self, dark: timedelta = timedelta(minutes=20)) -> None:
        """Cut the power for a while."""
        self.device.cut()
        self.boot += 1
        self.device.clock.set(utc=self.device.clock.reading().utc + dark, boot=self.boot)
        self.device.start()

    def long_cut(self) -> None:
        """Cut the power for some lessons or some days."""
        self.cut(timedelta(hours=self.chance.choice((3, 20, 70))))

    def cut_and_no_time(self) -> None:
        """Cut the power; the clock then continues from its old time, and a time server answers only later."""
        dark = timedelta(hours=self.chance.choice((1, 14)))
        self.device.cut()
        self.boot += 1
        self.device.clock.set(state="unsynchronised", boot=self.boot)
        self.device.start()
        self.wait(lambda: self.count("SELECT count(*) FROM untimed") >= 5)
        os.kill(self.device.service.pid, signal.SIGSTOP)
        self.device.clock.set(utc=self.device.clock.reading().utc + dark, state="synchronised")
        os.kill(self.device.service.pid, signal.SIGCONT)
        self.wait(lambda: self.count("SELECT count(*) FROM untimed") == 0)

    def no_camera(self) -> None:
        """Disconnect the camera for some lessons."""
        frames = self.device.home.state_dir / "frames"
        frames.rename(frames.with_name("pulled"))
        try:
            self.pass_lessons(2)
        finally:
            frames.with_name("pulled").rename(frames)

    def kill_worker(self) -> None:
        """Kill the worker or the camera process."""
        self.wait(lambda: bool(children(self.device.service.pid)))
        for pid in children(self.device.service.pid)[-1:]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                self.events["kill_came_late"] += 1

    def clock_jumps(self) -> None:
        """Set the clock a year ahead, and back again."""
        self.device.clock.set(utc=self.device.clock.reading().utc + timedelta(days=365))
        time.sleep(1.0)
        self.device.clock.set(utc=self.device.clock.reading().utc - timedelta(days=365))

    # --- what is watched ----------------------------------------------------------------------------------------------

    def sample(self) -> None:
        """Record memory, threads and file descriptors of the service's own process."""
        pid = self.device.service.pid
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        size_kb = {key: int(rest.split()[0]) for key, _, rest in (x.partition(":") for x in lines[1:])}
        self.samples.append(
            {
                "registers": self.registers(),
                # PSS rises, too, when another process with the same libraries ends; what is anonymous is our own.
                "anonymous_mb": round(size_kb["Anonymous"] / 1024, 2),
                "pss_mb": round(size_kb["Pss"] / 1024, 2),
                "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
                "file_descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            }
        )

    def unaccounted(self) -> list[str]:
        """Return the lessons of the calendar, so far, that have neither register nor reason."""
        now = self.device.clock.reading().utc
        due = [x for x in read_timetable(self.device.home).lessons(START, now) if x.end <= now]
        db = self.device.db
        known = {row[0] for row in db.execute("SELECT lesson_id FROM lessons WHERE state = 'finalised'")}
        known |= {row[0] for row in db.execute("SELECT lesson_id FROM skipped")}
        self.events["lessons in the calendar"] = len(due)
        return [f"{x.start:%Y-%m-%d %H:%M}Z" for x in due if x.lesson_id not in known]

    def result(self) -> dict[str, object]:
        db = self.device.db
        sightings, distinct = db.execute(
            "SELECT count(*), count(DISTINCT lesson_id || slot || student_id) FROM sightings"
            " WHERE student_id IS NOT NULL"
        ).fetchone()
        starts = [
            datetime.fromisoformat(r[0][:19]).replace(tzinfo=timezone.utc)
            for r in db.execute("SELECT start_utc FROM lessons WHERE course <> ''")
        ]
        hours = Counter(f"{s.astimezone(ZoneInfo(ZONE)):%H:%M}" for s in starts)
        own = [s["anonymous_mb"] for s in self.samples]
        return {
            "registers": self.registers(),
            "unaccounted": self.unaccounted(),
            "skipped": dict(db.execute("SELECT reason, count(*) FROM skipped GROUP BY reason").fetchall()),
            "without a known time": db.execute(
                "SELECT count(*) FROM lessons WHERE clock = 'unsynchronised'"
            ).fetchone()[0],
            "missed": dict(db.execute("SELECT reason, count(*) FROM missed GROUP BY reason").fetchall()),
            "captures": db["captures"].count,
            "sightings": sightings,
            "sightings doubled": sightings - distinct,
            "local starts": dict(sorted(hours.items())),
            "events": dict(self.events),
            "memory growth": round(own[-1] / own[0] - 1, 4) if own else None,
            "threads": sorted({s["threads"] for s in self.samples}),
            "file descriptors": sorted({s["file_descriptors"] for s in self.samples}),
            "until": f"{self.device.clock.reading().utc:%Y-%m-%d}",
            "samples": self.samples,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lessons", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        begun = time.monotonic()
        year = Year(Path(name) / "home", arguments.lessons, arguments.seed)
        year.go()
        result = year.result() | {"seconds": round(time.monotonic() - begun)}
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    grown = result["memory growth"] or 0.0
    leaks = grown > 0.05 or len(result["threads"]) > 1
    sys.exit(1 if result["unaccounted"] or result["sightings doubled"] or leaks else 0)


if __name__ == "__main__":
    main()
