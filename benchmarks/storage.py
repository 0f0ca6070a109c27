"""Measures the data that a lesson writes to the disk, and the data that other settings of SQLite would write.

python -m benchmarks.storage --json OUT [--folder DIR]

A lesson of 100 captures and 30 students runs through the program's own functions, without pictures. The candidates have
the real size and are sealed as usual. The benchmark counts the pages written to the logs and the kernel's figures for
this process (/proc/self/io, proc_pid_io(5)). As root, it also counts what reaches a separate block device (ext4 in a
file), including the file system's journal. Further figures are the time for checks and backups of a quarter's database,
and the space that finalising needs.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import sqlite_utils

from benchmarks import command, machine
from benchmarks.loop_disk import LoopDisk, loop_disk
from edge_daemon.attendance import candidate_codec
from edge_daemon.gallery import data_keys
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store import candidates, lessons
from edge_daemon.store.backup import back_up
from edge_daemon.store.database import CHECKPOINT_PAGES, PAGE_BYTES, open_gallery, open_register, transaction
from edge_daemon.store.integrity import Depth, examine
from edge_daemon.types import Box, Candidate, Lesson, Quality, Sighting

KEY = bytes(range(32))
START = datetime(2026, 11, 16, 8, 0, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of SQLite; the defaults are those of the program."""

    name: str
    page_bytes: int = PAGE_BYTES
    checkpoint_pages: int = CHECKPOINT_PAGES
    synchronous: str = "FULL"
    truncate: bool = True
    """Whether the gallery's log is truncated at the end of the lesson."""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a lesson."""

    captures: int = 100
    students: int = 30
    seen: float = 0.85
    """Share of the students who are seen in a capture."""
    enrolled: int = 30
    """Number of students in the gallery; every face is compared with all of them."""


@dataclass(frozen=True, slots=True)
class Written:
    """The amount that one lesson wrote."""

    log_pages: int
    log_bytes: int
    process_bytes: int
    """Bytes that this process wrote, from /proc/self/io."""
    device_bytes: int | None
    """Bytes that the block device wrote, including the file system's journal; None without a separate disk."""
    device_requests: int | None
    ms_per_capture: float
    finalise_ms: float
    finalise_room_bytes: int
    """Largest growth of the files while the lesson is finalised."""


@dataclass
class Logs:
    """Counts the pages written to the logs of some databases, from the logs after each commit."""

    paths: Sequence[Path]
    pages: int = 0
    bytes: int = 0

    def __post_init__(self) -> None:
        self._seen: dict[Path, tuple[bytes, int]] = {}

    def look(self) -> None:
        """Count the pages since the last call."""
        for path in self.paths:
            generation, frames, page = _frames(path.with_name(path.name + "-wal"))
            before, counted = self._seen.get(path, (b"", 0))
            new = frames - counted if generation == before else frames
            self.pages += new
            self.bytes += new * (page + 24)
            self._seen[path] = (generation, frames)


def _frames(log: Path) -> tuple[bytes, int, int]:
    """Return the salts of SQLite's write-ahead log, the number of its first frames with them, and the page size.

    Without a log the result is (b"", 0, 0).
    """
    try:
        data = log.read_bytes()
    except FileNotFoundError:
        return b"", 0, 0
    page, salts = int.from_bytes(data[8:12], "big"), data[16:24]
    if not page:
        return b"", 0, 0
    frames = 0
    for at in range(32, len(data) - page - 23, page + 24):
        if data[at + 8 : at + 16] != salts:
            break
        frames += 1
    return salts, frames, page


def one_lesson(folder: Path, settings: Settings, size: Size, disk: LoopDisk | None) -> Written:
    """Hold two lessons, and return the amount that the second one wrote. The first brings the files to their size."""
    paths = [folder / "register.sqlite", folder / "gallery.sqlite"]
    for path in paths:
        _with_page_size(path, settings.page_bytes)
    register_db, gallery_db = open_register(paths[0]), open_gallery(paths[1])
    with closing(register_db.conn), closing(gallery_db.conn):
        for db in (register_db, gallery_db):
            db.conn.execute(f"PRAGMA wal_autocheckpoint = {settings.checkpoint_pages}")
            db.conn.execute(f"PRAGMA synchronous = {settings.synchronous}")
        _hold(register_db, gallery_db, settings, size, 0, Logs(paths))
        logs = Logs(paths)
        logs.look()
        logs.pages = logs.bytes = 0
        process, device = _process_bytes(), disk.written() if disk else None
        capture_s, finalise_s, room = _hold(register_db, gallery_db, settings, size, 1, logs)
        after = disk.written() if disk else None
        process = _process_bytes() - process
    return Written(
        log_pages=logs.pages,
        log_bytes=logs.bytes,
        process_bytes=process,
        device_bytes=after[0] - device[0] if after and device else None,
        device_requests=after[1] - device[1] if after and device else None,
        ms_per_capture=round(1000 * capture_s / size.captures, 2),
        finalise_ms=round(1000 * finalise_s, 1),
        finalise_room_bytes=room,
    )


def _hold(
    register_db: sqlite_utils.Database,
    gallery_db: sqlite_utils.Database,
    settings: Settings,
    size: Size,
    number: int,
    logs: Logs,
) -> tuple[float, float, int]:
    """Hold one lesson as `app.lesson_run` does.

    Return the seconds of all captures, the seconds of finalising, and the bytes that finalising needed.
    """
    chance = np.random.default_rng(number)
    start = START + timedelta(days=number)
    lesson_id = str(uuid.UUID(int=number))
    lesson = Lesson(lesson_id, "room-204", "7b", start, start + timedelta(seconds=27 * size.captures), "timetable")
    plan = make_plan(lesson_id, 27.0 * size.captures, size.captures, bytes(32))
    students = [f"S{20260000 + i}" for i in range(size.enrolled)]
    lessons.start_lesson(register_db, lesson, plan, "synchronised")
    sightings: list[Sighting] = []
    begun = time.perf_counter()
    for slot in range(size.captures):
        seen = [i for i in range(size.students) if chance.random() < size.seen]
        faces = [_face(chance, slot, size.enrolled) for _ in seen]
        sightings += [Sighting(slot, students[i], 0.6, True, f.box) for i, f in zip(seen, faces, strict=True)]
        bound = data_keys.binding("candidates", lesson_id, str(slot))
        sealed = data_keys.seal(data_keys.lesson_key(KEY, lesson_id), candidate_codec.pack(faces, students), bound)
        candidates.put_candidates(gallery_db, lesson_id, slot, sealed)
        taken = lessons.Capture(slot, f"{slot}", start + timedelta(seconds=27 * slot), "synchronised", lesson_id, 1.5)
        lessons.add_capture(register_db, lesson_id, taken)
        logs.look()
    middle = time.perf_counter()
    before = _room(logs.paths)
    document = "x" * (1500 + 300 * size.students) + str(number)
    lessons.finalise(register_db, lesson_id, sightings, lambda _: document, start)
    logs.look()
    room = _room(logs.paths) - before
    with transaction(gallery_db):  # as `candidates.erase_candidates` does, with a pause in between for counting
        gallery_db.execute("DELETE FROM candidates WHERE lesson_id = ?", (lesson_id,))
    room = max(room, _room(logs.paths) - before)
    logs.look()
    if settings.truncate:
        gallery_db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return middle - begun, time.perf_counter() - middle, room


def _face(chance: np.random.Generator, slot: int, enrolled: int) -> Candidate:
    x, y, w, h = (float(v) for v in chance.uniform(20, 2000, 4))
    agreement = chance.uniform(-0.2, 0.8, enrolled).astype(np.float32)
    return Candidate(slot, Box(x, y, w, h), 0.9, Quality(40.0, 0.5, 0.9), True, agreement, None)


def _with_page_size(path: Path, page_bytes: int) -> None:
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(f"PRAGMA page_size = {page_bytes}")
        conn.execute("CREATE TABLE passing (x)")
        conn.execute("DROP TABLE passing")


def _room(paths: Iterable[Path]) -> int:
    """Return the disk space of the databases and their logs."""
    files = (path.with_name(path.name + suffix) for path in paths for suffix in ("", "-wal"))
    return sum(512 * file.stat().st_blocks for file in files if file.exists())


def _process_bytes() -> int:
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines())
    return int(fields["write_bytes"])


def quarter(folder: Path) -> dict[str, object]:
    """Return the time for checks and a backup of 90 days: 65 school days of 6 lessons, 25 of 30 students seen."""
    path = folder / "register.sqlite"
    register_db = open_register(path)
    with closing(register_db.conn):
        register_db.conn.execute("PRAGMA synchronous = OFF")
        for number in range(390):
            _put_lesson(register_db, number)
        register_db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    seconds = {}
    depths: tuple[Depth, ...] = ("start", "quick", "full")
    for depth in depths:
        begun = time.perf_counter()
        assert not examine(path, depth).problem
        seconds[depth] = round(time.perf_counter() - begun, 3)
    before, begun = _process_bytes(), time.perf_counter()
    back_up(path, folder / "backups", START, reserve_bytes=0)
    return {
        "sightings": 390 * 2500,
        "bytes": path.stat().st_size,
        "check_s": seconds,
        "backup_s": round(time.perf_counter() - begun, 2),
        "backup_process_bytes": _process_bytes() - before,
    }


def _put_lesson(db: sqlite_utils.Database, number: int) -> None:
    start = START + timedelta(hours=number)
    lesson = Lesson(str(uuid.uuid4()), "room-204", "7b", start, start + timedelta(minutes=45), "timetable")
    lessons.start_lesson(db, lesson, make_plan(lesson.lesson_id, 2700.0, 100, bytes(32)), "synchronised")
    rows = [(lesson.lesson_id, slot, str(slot), "2026-11-16T08:00:00.000000Z") for slot in range(100)]
    db.conn.execute("BEGIN")
    db.conn.executemany("INSERT INTO captures (lesson_id, slot, name, taken_at_utc) VALUES (?, ?, ?, ?)", rows)
    db.conn.execute("COMMIT")
    found = [
        Sighting(slot, f"S{20260000 + i}", 0.61, True, Box(100.5 * i, 7.5 * i, 40.3, 51.7))
        for slot in range(100)
        for i in range(25)
    ]
    lessons.finalise(db, lesson.lesson_id, found, lambda _: "x" * 10500 + str(number), start)


_VARIANTS = (
    Settings("the program's"),
    Settings("checkpoint every 50 pages", checkpoint_pages=50),
    Settings("checkpoint every 100 pages", checkpoint_pages=100),
    Settings("checkpoint every 400 pages", checkpoint_pages=400),
    Settings("checkpoint every 1000 pages (SQLite's default)", checkpoint_pages=1000),
    Settings("checkpoint every 4000 pages", checkpoint_pages=4000),
    Settings("pages of 1 KiB", page_bytes=1024, checkpoint_pages=800),
    Settings("pages of 2 KiB", page_bytes=2048, checkpoint_pages=400),
    Settings("pages of 8 KiB", page_bytes=8192, checkpoint_pages=100),
    Settings("pages of 16 KiB", page_bytes=16384, checkpoint_pages=50),
    Settings("synchronous NORMAL", synchronous="NORMAL"),
    Settings("log never cut", truncate=False),
)
_SIZES = {
    "30 students": Size(),
    "30 students, 600 enrolled": Size(enrolled=600),
    "1000 captures, 60 students": Size(captures=1000, students=60, enrolled=60),
}


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure everything."""
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name, _disk(Path(name)) as (folder, disk):
        settings = {one.name: asdict(one) | asdict(_apart(folder, one, Size(), disk)) for one in _VARIANTS}
        sizes = {title: asdict(_apart(folder, _VARIANTS[0], size, disk)) for title, size in _SIZES.items()}
        with tempfile.TemporaryDirectory(dir=folder) as place:
            long_run = quarter(Path(place))
    return {
        "measured": machine.described(command.models(arguments)),
        "disk": "ext4 on a loop device" if disk else "the machine's own, shared: no device figures",
        "settings": settings,
        "sizes": sizes,
        "quarter": long_run,
    }


def _apart(folder: Path, settings: Settings, size: Size, disk: LoopDisk | None) -> Written:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        return one_lesson(Path(name), settings, size, disk)


@contextmanager
def _disk(folder: Path) -> Iterator[tuple[Path, LoopDisk | None]]:
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(loop_disk(folder, 2000))
        except OSError as error:
            print(f"{error}: no device figures", file=sys.stderr)
            yield folder, None
            return
        yield disk.folder, disk


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, required=True, metavar="OUT", help="file for the results")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="folder for the databases, on a real disk")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with manifest.toml (default: the program's)")
    return command.run(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
