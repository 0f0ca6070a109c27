"""The cost of the office: the first and the second ingest of a school, `collect` on the same tree, and each page.

    python -m benchmarks.office --data DIR --json OUT [--rooms 40] [--days 230] [--students 30] [--database URL]

The command needs no data. It writes the tree into DIR, signed by devices' keys (five lessons a day in each room),
unless DIR already has it. Each part runs in a separate process. CPU seconds are those of the process, memory is the
largest resident size. Pages are requested with the office role. Their CPU time is the median of five requests after the
first.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import command, machine
from edge_daemon_office.errors import OfficeError

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
    first = _office(home, "rebuild")
    second = _office(home, "ingest")
    collected = _part(
        [
            *("-m", "edge_daemon", "collect", str(tree), "--output", str(folder / "term.csv")),
            *("--keys", str(home / "school-keys.csv"), "--time-zone", "Europe/Berlin"),
        ]
    )
    pages = json.loads(_part(["-m", "benchmarks.office_pages", str(home)])["stdout"])
    return {
        "measured": machine.described(command.models(arguments)),
        "documents": sum(1 for _ in tree.rglob("registers/*/*.json")),
        "rooms": arguments.rooms,
        "days": arguments.days,
        "students_a_lesson": arguments.students,
        "database": "postgresql" if arguments.database else "sqlite",
        "database_mib": round(sum(p.stat().st_size for p in home.glob("office.sqlite*")) / 2**20, 1),
        "first": _figures(first),
        "second": _figures(second),
        "collect": _figures(collected),
        "page_cpu_ms": pages,
    }


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
    found.add_argument("--database", default="", help="postgresql://…; without it SQLite")
    return command.run(measure, found.parse_args())


if __name__ == "__main__":
    sys.exit(main())
