"""The cost of the office: the first and the second ingest of a school, `collect` on the same tree, and each page.

    python -m benchmarks.office --data DIR --json OUT [--rooms 40] [--days 230] [--students 30] [--database URL]
        [--feed] [--feed-rooms 2] [--without-collect] [--generated-rows]

The command needs no data. It writes the tree into DIR, signed by devices' keys (five lessons a day in each room),
unless DIR already has it. Each part runs in a separate process. CPU seconds are those of the process, memory is the
largest resident size. Pages are requested with the office role. Their CPU time is the median of five requests after the
first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from benchmarks import command, machine
from benchmarks.office_feed import FeedServer
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.ingest.day_index import index_text

ROOT = Path(__file__).parents[1]
LESSONS_A_DAY = 5


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure all parts; raises OfficeError if a part fails."""
    folder, home = arguments.data, arguments.data / "office"
    tree = folder / "tree"
    lessons = arguments.days * LESSONS_A_DAY
    if not tree.exists():
        _part(["-m", "tests.office_tree", str(tree), *_size(arguments, lessons)])
    keys = {path.parent.name: json.loads(path.read_text("utf-8"))["public_key"] for path in tree.rglob("key.json")}
    if not home.exists():
        _office(home, "init", "--tree", str(tree.resolve()), "--time-zone", "Europe/Berlin")
        rows = [f"{device},{key}\n" for device, key in keys.items()]
        (home / "school-keys.csv").write_text("device,public_key\n" + "".join(rows), "utf-8")
        if arguments.database:
            path = home / "office.toml"
            path.write_text(path.read_text("utf-8").replace('database = ""', f'database = "{arguments.database}"'))
    if arguments.generated_rows:
        _part(["-m", "benchmarks.office_rows", str(home)])
        _office(home, "ingest")  # stores the heartbeats
        first = {}
    else:
        first = {"first": _figures(_office(home, "rebuild"))}
    second = _office(home, "ingest")
    for key in tree.glob("v1/devices/*/key.json"):
        _write_index(key.parent)
    _office(home, "ingest")  # reads the indexes
    indexed = _office(home, "ingest")
    collected = {} if arguments.without_collect else {"collect": _figures(_collected(folder, tree, home))}
    pages = {} if arguments.generated_rows else {"page_cpu_ms": _pages(home)}
    feed = {"feed": _over_a_feed(folder, tree, home, arguments.feed_rooms)} if arguments.feed else {}
    return {
        "measured": machine.described(command.models(arguments)),
        "documents": sum(1 for _ in tree.rglob("registers/*/*.json")),
        "rooms": arguments.rooms,
        "days": arguments.days,
        "students_a_lesson": arguments.students,
        "database": "postgresql" if arguments.database else "sqlite",
        "database_mib": round(sum(p.stat().st_size for p in home.glob("office.sqlite*")) / 2**20, 1),
        **first,
        "second": _figures(second),
        "second_with_day_indexes": _figures(indexed),
        **collected,
        **pages,
        **feed,
    }


def _pages(home: Path) -> object:
    return json.loads(str(_part(["-m", "benchmarks.office_pages", str(home)])["stdout"]))


def _collected(folder: Path, tree: Path, home: Path) -> dict[str, object]:
    return _part(
        [
            *("-m", "edge_daemon", "collect", str(tree), "--output", str(folder / "term.csv")),
            *("--keys", str(home / "school-keys.csv"), "--time-zone", "Europe/Berlin"),
        ]
    )


def _over_a_feed(folder: Path, tree: Path, home: Path, rooms: int) -> dict[str, object]:
    """Measure ingest from a server of kind `api`: some rooms into an empty tree, then a school with nothing new."""
    with FeedServer(tree, folder / "certificates", rooms=rooms) as server:
        sample = folder / "sample"
        shutil.rmtree(sample, ignore_errors=True)
        _office(sample, "init", "--tree", str((sample / "tree").resolve()), "--time-zone", "Europe/Berlin")
        shutil.copy(home / "school-keys.csv", sample / "school-keys.csv")
        _name_server(sample, server)
        first, count = _office(sample, "ingest"), len(server.documents)
        fetched = server.requests
    with FeedServer(tree, folder / "certificates") as server:
        _name_server(home, server)
        known = _office(home, "ingest")
        listed, server.requests = server.requests, 0
        second = _office(home, "ingest")
        return {
            "first_sample": {**_figures(first), "documents": count, "requests": fetched},
            "all_here_already": {**_figures(known), "documents": len(server.documents), "requests": listed},
            "second": {**_figures(second), "requests": server.requests},
        }


def _name_server(home: Path, server: FeedServer) -> None:
    (home / "server-token").write_text("none\n", "ascii")
    path = home / "office.toml"
    text = path.read_text("utf-8").partition("\n[schools.school.server]")[0]
    table = f'\n[schools.school.server]\nurl = "{server.url}"\nca_file = "{server.ca_file.resolve()}"\n'
    path.write_text(text + table, "utf-8")


def _write_index(device: Path) -> None:
    """Write a day index that names the newest document of a device, as the device does."""
    newest = max(device.glob("registers/*/1.json"), key=lambda path: path.stat().st_mtime_ns)
    named = {newest.relative_to(device).as_posix(): hashlib.sha256(newest.read_bytes()).hexdigest()}
    target = device / "days" / "delivered" / f"{datetime.now(timezone.utc).date()}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(index_text(device.name, datetime.now(timezone.utc).date(), named, 0), "utf-8")


def _size(arguments: argparse.Namespace, lessons: int) -> list[str]:
    return ["--rooms", str(arguments.rooms), "--lessons", str(lessons), "--students", str(arguments.students)]


def _figures(part: dict[str, object]) -> dict[str, object]:
    return {name: part[name] for name in ("cpu_s", "wall_s", "peak_mib")}


def _office(home: Path, *words: str) -> dict[str, object]:
    return _part(["-m", "edge_daemon_office", "--home", str(home), *words])


def _part(words: Sequence[str]) -> dict[str, object]:
    """Run a program; return its output, its CPU seconds and its largest memory."""
    begun = time.monotonic()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    stdout = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    if code:
        raise OfficeError(f"ended with {code}", " ".join(words[:4]), "see what it says above")
    return {
        "stdout": stdout,
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "wall_s": round(time.monotonic() - begun, 1),
        "peak_mib": round(used.ru_maxrss / 1024, 1),
    }


def median_ms(samples: Sequence[float]) -> float:
    """Return the median in milliseconds of times in seconds, without the first."""
    return round(1000 * statistics.median(samples[1:]), 1)


def main() -> int:
    """Measure and return the exit code."""
    found = command.parser("benchmarks.office", __doc__ or "", "folder for the tree and the office")
    found.add_argument("--rooms", type=int, default=40)
    found.add_argument("--days", type=int, default=230)
    found.add_argument("--students", type=int, default=30)
    found.add_argument("--generated-rows", action="store_true", help="no first ingest, and no pages")
    found.add_argument("--without-collect", action="store_true")
    found.add_argument("--feed", action="store_true", help="measure also over a server of kind api")
    found.add_argument("--feed-rooms", type=int, default=2, help="rooms that are fetched into an empty tree")
    found.add_argument("--database", default="", help="postgresql://…; without it SQLite")
    return command.run(measure, found.parse_args())


if __name__ == "__main__":
    sys.exit(main())
