"""A device that has registers to deliver: a home with settings, a database, and the office's server to deliver to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.sync.sync_result import SyncResult
from edge_daemon.app.sync.sync_session import SyncSession
from edge_daemon.home import Home
from edge_daemon.lesson.lesson_ids import timetable_lesson_id
from edge_daemon.store.database import open_register
from tests.office_server import OfficeServer
from tests.registers import START, a_lesson, a_register, keep

DEVICE = "room 204"
NOW = START + timedelta(hours=6)
TOKEN = "secret-token"


def settings(server: OfficeServer | None, more: str = "") -> str:
    lines = [f'[device]\nname = "{DEVICE}"\ntime_zone = "Europe/Berlin"\ntrust_clock = true']
    if server is not None:
        lines.append(f'[upstream]\nkind = "{server.kind}"\nurl = "{server.url}"\nca_file = "{server.ca_file}"')
        lines.append('token_file = "token"')
    return "\n".join([*lines, more]) + "\n"


def a_device(folder: Path, server: OfficeServer | None, lessons: int = 3, students: int = 4, more: str = "") -> Home:
    """Return a home with so many finalised lessons, an hour apart."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "token").chmod(0o600)
    (folder / "config.toml").write_text(settings(server, more))
    home = Home(folder)
    add_lessons(home, range(lessons), students)
    return home


def add_lessons(home: Home, numbers: Sequence[int], students: int = 4, device: str = DEVICE) -> None:
    shares = {f"S{n:03}": (0.9 if n % 4 else 0.1) for n in range(students)}
    db = open_register(home.register_db_path)
    for number in numbers:
        lesson = a_lesson(START + timedelta(hours=number))
        lesson = replace(lesson, device=device, lesson_id=timetable_lesson_id(device, "7b", lesson.start))
        register, sightings = a_register(lesson, shares)
        keep(db, register, sightings, also=outbox_writer(home.config))
    db.conn.close()


def held_registers(server: OfficeServer) -> dict[tuple[str, int], bytes]:
    """What the server holds: (lesson id, revision) to bytes."""
    found = {}
    for path, body in server.documents().items():
        parts = path.split("/")
        if "registers" in parts:
            found[parts[-2], int(parts[-1].removesuffix(".json"))] = body
    return found


def made_registers(home: Home) -> dict[tuple[str, int], bytes]:
    """What the device finalised."""
    db = open_register(home.register_db_path, create=False)
    rows = db.execute("SELECT lesson_id, revision, document FROM registers").fetchall()
    db.conn.close()
    return {(row[0], row[1]): row[2].encode() for row in rows}


def document(server: OfficeServer, name: str, device: str = DEVICE) -> dict:
    return json.loads(server.documents()[f"v1/devices/{device}/{name}"])


class Clock:
    """A clock that a test sets."""

    def __init__(self, at: datetime = NOW):
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=20)
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


def run(home: Home, clock: Clock, **more) -> SyncResult:
    return SyncSession(Home(home.state_dir), now=clock, **more).go()


UTC = timezone.utc
