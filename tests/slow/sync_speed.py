"""Measures the cost of a sync: a day of lessons with its mails, and a year without a network in one run.

    python -m tests.slow.sync_speed --json OUT [--year 2000] [--repeats 5]

It starts the command as systemd does. The tests' office server and mail server run in another process. The time is that
from the start of the process to its end; the memory is its largest resident size.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_daemon import __version__
from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from tests.mail_server import PASSWORD, USER
from tests.mail_server import Server as MailServer
from tests.office_server import OfficeServer
from tests.registers import a_lesson, a_register, keep
from tests.sync_device import settings

ROOT = Path(__file__).parents[2]
STUDENTS, LESSONS_A_DAY, CAPTURES = 40, 8, 100


@dataclass(frozen=True)
class Sync:
    """One run of the command."""

    wall_s: float
    processor_s: float
    peak_mb: float
    exit_code: int
    said: str


def a_sync(home: Path) -> Sync:
    command = [sys.executable, "-m", "edge_daemon", "--home", str(home), "sync", "--once"]
    begun_s = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read().strip()
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.monotonic() - begun_s
    peak_mb = used.ru_maxrss / 1024
    return Sync(
        round(wall_s, 2),
        round(used.ru_utime + used.ru_stime, 2),
        round(peak_mb, 1),
        os.waitstatus_to_exitcode(status),
        output,
    )


def a_device(folder: Path, server: OfficeServer, mail: MailServer | None, certificates: Path) -> Home:
    folder.mkdir()
    (folder / "token").write_text("secret-token\n")
    (folder / "password").write_text(PASSWORD)
    more = ""
    if mail is not None:
        more = (
            f'[mail]\nhost = "localhost"\nport = {mail.port}\nca_file = "{certificates}/ca.pem"\nusername = "{USER}"\n'
            'password_file = "password"\nfrom = "room204@school.example"\noffice = ["office@school.example"]\n'
        )
    (folder / "config.toml").write_text(settings(server, more))
    return Home(folder)


def add_lessons(home: Home, starts: Sequence[datetime], captures: int = CAPTURES) -> None:
    shares = {f"S{n:03}": 0.1 if n % 10 == 0 else 0.5 + 0.01 * n for n in range(STUDENTS)}
    db = open_register(home.register_db_path)
    for start in starts:
        register, _ = a_register(a_lesson(start), shares, captures=captures)
        keep(db, register, [], also=outbox_writer(home.config))
    db.conn.close()


def a_day(folder: Path, certificates: Path, kind: str, repeats: int) -> dict[str, object]:
    """Measure days of eight lessons, each synced by one run. The first run, with a new server, is left out."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    runs: list[Sync] = []
    with (
        OfficeServer(folder / "office", certificates=certificates, kind=kind) as server,
        MailServer(certificates) as mail,
    ):
        home = a_device(folder / "home", server, mail, certificates)
        for number in range(repeats + 1):
            first = now - timedelta(days=1) + timedelta(minutes=number)
            add_lessons(home, [first + timedelta(hours=n) for n in range(LESSONS_A_DAY)])
            server.seen.clear()
            runs.append(a_sync(home.state_dir))
            wire = [len(one.body) for one in server.seen if "/registers/" in one.path and one.method == "PUT"]
        best = min(runs[1:], key=lambda one: one.wall_s)
        return {
            "kind": kind,
            "lessons": LESSONS_A_DAY,
            "students": STUDENTS,
            "mails": len(mail.taken) // len(runs),
            "best": asdict(best),
            "wall_s_of_all": [one.wall_s for one in runs[1:]],
            "peak_mb_of_all": [one.peak_mb for one in runs[1:]],
            "bytes_of_a_register_on_the_wire": max(wire),
        }


def a_year(folder: Path, certificates: Path, registers: int) -> dict[str, object]:
    """Measure one run that delivers the registers of a year without a network."""
    with OfficeServer(folder / "office", certificates=certificates) as server:
        home = a_device(folder / "home", server, None, certificates)
        begun = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=registers // LESSONS_A_DAY + 1)
        starts = [
            begun + timedelta(days=number // LESSONS_A_DAY, hours=number % LESSONS_A_DAY) for number in range(registers)
        ]
        add_lessons(home, starts[:20], captures=4)  # a document has as many bytes; making it takes fewer commits
        small = a_sync(home.state_dir)
        add_lessons(home, starts[20:], captures=4)
        whole = a_sync(home.state_dir)
        held = sum("/registers/" in path for path in server.documents())
    return {
        "registers": registers,
        "held_by_the_server": held,
        "twenty_first": asdict(small),
        "the_rest": asdict(whole),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--year", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in ("api", "webdav", "year"):
            (folder / name).mkdir()
        document = {
            "program": __version__,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "measured": f"{datetime.now(timezone.utc):%Y-%m-%d}",
            "load_at_begin": round(os.getloadavg()[0], 1),
            "day": [a_day(folder / kind, folder / "ca", kind, options.repeats) for kind in ("api", "webdav")],
            "year": a_year(folder / "year", folder / "ca", options.year),
            "load_at_end": round(os.getloadavg()[0], 1),
        }
    text = json.dumps(document, indent=1)
    options.json.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
