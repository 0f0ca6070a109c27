"""Runs whole lessons with a power supply that fails at random moments, and disks that tear what is being written.

    python -m tests.slow.power_cuts --cycles 500 --json OUT

Every cycle starts the service (simulated clock, real workers, real databases) and kills all of its processes at a
random moment. In some cycles it also damages what a torn write could damage.

Then it compares the databases with what another process had seen committed in them. They have to open, and every
committed capture has to be there. No sighting may be doubled and no register changed, and every capture has to be at
its planned instant.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import struct
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_daemon.app.capture.plan_recorder import plan_of
from edge_daemon.store import lessons
from edge_daemon.store.database import open_gallery, open_register
from tests.simulated_device import Device, prepare

LESSONS_A_DAY = 8
CAPTURES = 8
FIRST = datetime(2026, 11, 23, 7, 0, tzinfo=timezone.utc)
LATE_S = 12.0
STARTS = 0.2
"""Share of cuts at any moment of the start; the other cuts come after a lesson has been resumed."""
WAL_HEADER, FRAME_HEADER = 32, 24


@dataclass
class Ledger:
    """The commits that an independent reader saw."""

    captures: dict[tuple[str, int], str] = field(default_factory=dict)
    registers: dict[tuple[str, int], str] = field(default_factory=dict)
    seeds: dict[str, bytes] = field(default_factory=dict)

    def look(self, path: Path) -> None:
        """Read the commits so far; a database that is being created counts as empty."""
        if not path.exists():
            return
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as db:
                for lesson, slot, at in db.execute("SELECT lesson_id, slot, taken_at_utc FROM captures"):
                    self.captures.setdefault((lesson, slot), at)
                for lesson, revision, sha256 in db.execute("SELECT lesson_id, revision, sha256 FROM registers"):
                    self.registers.setdefault((lesson, revision), sha256)
                for lesson, seed in db.execute("SELECT lesson_id, sealed_seed FROM sealed_plans"):
                    self.seeds.setdefault(lesson, bytes(seed))
        except sqlite3.OperationalError:
            return
        finally:
            if "db" in locals():
                db.close()


def timetable() -> str:
    """Return a calendar with eight lessons of 45 minutes a day."""
    events = "".join(
        f"BEGIN:VEVENT\nUID:lesson-{hour}\nDTSTAMP:20260101T000000Z\nDTSTART:20261123T{hour:02d}0000Z\n"
        f"DTEND:20261123T{hour:02d}4500Z\nRRULE:FREQ=DAILY\nSUMMARY:Lesson {hour}\nEND:VEVENT\n"
        for hour in range(8, 8 + LESSONS_A_DAY)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//\n{events}END:VCALENDAR\n"


def tear(path: Path, chance: random.Random) -> str:
    """Damage a database as a power cut may; return what was damaged.

    Only unsynchronised data is damaged, and pages of which the log has a complete copy.
    """
    wal = path.with_name(path.name + "-wal")
    if not wal.exists() or wal.stat().st_size < WAL_HEADER + FRAME_HEADER:
        return ""
    page_size, pages, end = committed(wal)
    if chance.random() < 0.5 or not pages:
        with wal.open("r+b") as file:
            # A transaction that was being appended: part of a frame, garbage behind the last commit.
            file.seek(end)
            file.write(chance.randbytes(chance.randrange(1, 3 * page_size)))
        return "log"
    with path.open("r+b") as file:
        # A checkpoint that was copying a page back: its second half never arrived.
        page = chance.choice(sorted(pages))
        if (page - 1) * page_size + page_size <= path.stat().st_size:
            file.seek((page - 1) * page_size + page_size // 2)
            file.write(chance.randbytes(page_size // 2))
            return "page"
    return ""


def committed(wal: Path) -> tuple[int, set[int], int]:
    """Return page size, pages in the committed part of a log (sqlite.org/fileformat2.html, section 4), and its end."""
    data = wal.read_bytes()
    page_size, salts = struct.unpack(">I", data[8:12])[0], data[16:24]
    pages: set[int] = set()
    pending: set[int] = set()
    end = at = WAL_HEADER
    while at + FRAME_HEADER + page_size <= len(data):
        page, size = struct.unpack(">II", data[at : at + 8])
        if data[at + 8 : at + 16] != salts:
            break
        pending.add(page)
        at += FRAME_HEADER + page_size
        if size:
            pages |= pending
            pending, end = set(), at
    return page_size, pages, end


def faults_of(device: Device, ledger: Ledger, scratch: Path) -> list[str]:
    """Return what is wrong with copies of the databases, as the next start will find them."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for file in device.home.state_dir.glob("*.sqlite*"):
        shutil.copy(file, scratch)
    if not (scratch / "register.sqlite").exists():
        return [] if not ledger.captures else ["register.sqlite is gone"]
    found = []
    db, gallery = open_register(scratch / "register.sqlite"), open_gallery(scratch / "gallery.sqlite")
    for name, opened in (("register", db), ("gallery", gallery)):
        integrity = opened.execute("PRAGMA integrity_check").fetchone()[0]
        if integrity != "ok":
            found.append(f"{name}: {integrity}")
    rows = {(a, b): c for a, b, c in db.execute("SELECT lesson_id, slot, taken_at_utc FROM captures")}
    found += [f"capture lost or changed: {key}" for key, at in ledger.captures.items() if rows.get(key) != at]
    registers = {(a, b): c for a, b, c in db.execute("SELECT lesson_id, revision, sha256 FROM registers")}
    found += [f"register lost or changed: {key}" for key, sha in ledger.registers.items() if registers.get(key) != sha]
    seeds = {a: bytes(b) for a, b in db.execute("SELECT lesson_id, sealed_seed FROM sealed_plans")}
    found += [f"seed changed: {key}" for key, seed in ledger.seeds.items() if seeds.get(key, seed) != seed]
    doubled = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM sightings WHERE student_id IS NOT NULL"
        " GROUP BY lesson_id, slot, student_id HAVING count(*) > 1)"
    ).fetchone()[0]
    found += [f"{doubled} sightings doubled"] if doubled else []
    found += plan_faults(db)
    db.conn.close()
    gallery.conn.close()
    return found


def plan_faults(db) -> list[str]:
    """Return captures that are not at their planned instant, and finalised lessons with unexplained slots."""
    found = []
    for (lesson_id,) in db.execute("SELECT lesson_id FROM lessons").fetchall():
        stored = lessons.get_lesson(db, lesson_id)
        plan = plan_of(stored)
        taken = lessons.captures(db, lesson_id)
        missed = lessons.missed_captures(db, lesson_id)
        for capture in taken:
            due = stored.lesson.start + timedelta(seconds=plan.offsets_s[capture.slot])
            if not timedelta(seconds=-1) <= capture.taken_at - due <= timedelta(seconds=LATE_S):
                found.append(f"{lesson_id} slot {capture.slot} is {capture.taken_at - due} off its plan")
        slots = Counter([c.slot for c in taken] + [m.slot for m in missed])
        if max(slots.values(), default=0) > 1:
            found.append(f"{lesson_id}: a slot is both taken and missed")
        if stored.state == "finalised" and len(slots) != stored.captures_planned:
            found.append(f"{lesson_id}: finalised with {len(slots)} of {stored.captures_planned} slots")
    return found


def phase_of(device: Device) -> str:
    """Return what the service was doing at the power cut."""
    status = device.status()
    return str(status.get("state", "starting"))


def one_cycle(device: Device, ledger: Ledger, chance: random.Random, result: dict) -> None:
    device.start()
    path = device.home.register_db_path
    if chance.random() > STARTS:
        device.until(lambda: phase_of(device) in ("lesson", "finalising"))
    ends = time.monotonic() + chance.uniform(0.0, result["longest_s"])
    while time.monotonic() < ends:
        ledger.look(path)
        time.sleep(0.02)
    result["phases"][phase_of(device)] += 1
    device.cut()
    device.clock.set(boot=device.clock.boot + 1)
    if chance.random() < 0.5:
        for file in (path, device.home.gallery_db_path):
            if torn := tear(file, chance):
                result["torn"][torn] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=5.0, help="seconds until the latest cut")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    result: dict = {"cycles": 0, "longest_s": arguments.longest, "phases": Counter(), "torn": Counter(), "faults": []}
    with tempfile.TemporaryDirectory() as name:
        folder, ledger = Path(name) / "home", Ledger()
        prepare(folder, captures=3, scale=0.35)
        device = Device(folder, captures=CAPTURES, calendar=timetable())
        begun = time.monotonic()
        for cycle in range(arguments.cycles):
            one_cycle(device, ledger, chance, result)
            faults = faults_of(device, ledger, Path(name) / "copy")
            result["faults"] += [f"cycle {cycle}: {fault}" for fault in faults]
            result["cycles"] += 1
            if sys.stderr.isatty() or cycle % 25 == 0:
                print(
                    f"{cycle + 1} cuts, {len(ledger.captures)} captures, {len(result['faults'])} faults",
                    file=sys.stderr,
                )
        finish(device, result, ledger)
        result["seconds"] = round(time.monotonic() - begun)
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    sys.exit(1 if result["faults"] else 0)


def finish(device: Device, result: dict, ledger: Ledger) -> None:
    """Let the service run without power cuts, and check that every lesson that began gets its register."""
    device.start()
    device.until(lambda: device.status().get("state") in ("waiting", "lesson"))
    device.until(lambda: bool(begun := begun_before(device)) and all(r[0] == "finalised" for r in begun))
    device.stop()
    ledger.look(device.home.register_db_path)
    states = Counter(r[0] for r in begun_before(device))
    missed = device.db.execute("SELECT reason, count(*) FROM missed GROUP BY reason").fetchall()
    result |= {
        "lessons": dict(states),
        "captures": len(ledger.captures),
        "registers": len(ledger.registers),
        "missed": dict(missed),
        "skipped": device.db["skipped"].count,
    }


def begun_before(device: Device) -> list[tuple[str]]:
    """Return the states of past lessons."""
    now = device.clock.reading().utc.isoformat()
    return device.db.execute("SELECT state FROM lessons WHERE end_utc < ?", (now,)).fetchall()


if __name__ == "__main__":
    main()
