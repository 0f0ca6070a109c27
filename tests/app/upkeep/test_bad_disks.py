"""Disks that are full, read-only, or another user's: one clear line, nothing is lost, and work continues afterwards."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest
import sqlite_utils

from edge_daemon.app.upkeep import maintenance
from edge_daemon.app.upkeep.maintenance import back_up, disk_state, open_databases
from edge_daemon.errors import DamageError, StoreError
from edge_daemon.home import Home
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import lessons, registers
from edge_daemon.store.backup import backups
from edge_daemon.store.database import open_gallery, open_register
from tests.damage import spoil_page
from tests.disks import filled
from tests.registers import START, a_lesson, a_register

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=timezone.utc)
ROOT = Path(__file__).parents[3]


class Running:
    """A lesson that is written capture by capture, as the worker does."""

    def __init__(self, home: Home, captures: int = 40) -> None:
        self.register, self.sightings = a_register(
            a_lesson(START), {f"S{i}": 0.9 for i in range(30)}, captures=captures
        )
        self.lesson_id = self.register.lesson.lesson_id
        self.register_db = open_databases(home, NOW).register_db
        self.gallery_db = open_gallery(home.gallery_db_path)
        lessons.start_lesson(self.register_db, self.register.lesson, self.register.plan, "synchronised")

    def take(self, slot: int) -> None:
        candidate_rows.put_candidates(self.gallery_db, self.lesson_id, slot, os.urandom(5000))
        lessons.add_capture(self.register_db, self.lesson_id, lessons.Capture(slot, f"{slot}", START))

    def take_until(self, end: int) -> None:
        for slot in range(len(self.slots), end):
            self.take(slot)

    def finalise(self) -> None:
        taken = set(self.slots)
        found = [one for one in self.sightings if one.slot in taken]
        lessons.finalise(self.register_db, self.lesson_id, found, lambda _: "{}", NOW)
        candidate_rows.erase_candidates(self.gallery_db, self.lesson_id)

    @property
    def slots(self) -> list[int]:
        return [capture.slot for capture in lessons.captures(self.register_db, self.lesson_id)]

    def close(self) -> None:
        self.register_db.conn.close()
        self.gallery_db.conn.close()


@pytest.fixture
def begin_lesson(request):
    """Return a function that begins a lesson in a folder; the fixture closes it at the end."""
    begun = []

    def begin(folder: Path) -> Running:
        begun.append(Running(Home(folder)))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


def _refused(what: str, work) -> str:
    with pytest.raises(StoreError, match=what) as caught:
        work()
    assert not isinstance(caught.value, DamageError)
    assert "\n" not in caught.value.line()
    return caught.value.line()


def _sound(db: sqlite_utils.Database) -> bool:
    return db.conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# --- full -------------------------------------------------------------------------------------------------------------


def test_a_full_disk_refuses_captures_loses_none_and_takes_them_again_when_there_is_room(small_disk, begin_lesson):
    lesson = begin_lesson(small_disk)
    lesson.take(0)
    with filled(small_disk):
        slot, refused = 1, ""
        while not refused:  # the logs have some room of their own left
            try:
                lesson.take(slot)
                slot += 1
            except StoreError as error:
                refused = error.line()
        assert "the disk is full; free some space" in refused
        assert disk_state(Home(small_disk)).stop
        assert lesson.slots == list(range(slot))
    lesson.take(slot)
    assert lesson.slots == list(range(slot + 1))
    assert _sound(lesson.register_db)
    assert _sound(lesson.gallery_db)


def test_a_disk_that_gets_full_while_a_lesson_is_finalised_leaves_the_lesson_as_it_was(small_disk, begin_lesson):
    lesson = begin_lesson(small_disk)
    for slot in range(40):
        lesson.take(slot)
    with filled(small_disk, leave_bytes=8192):
        _refused("disk is full", lesson.finalise)
        assert lesson.slots == list(range(40))
        assert registers.latest(lesson.register_db, lesson.lesson_id) is None
        assert len(candidate_rows.candidates(lesson.gallery_db, lesson.lesson_id)) == 40
    lesson.finalise()
    assert registers.latest(lesson.register_db, lesson.lesson_id) is not None
    assert len(lessons.sightings(lesson.register_db, lesson.lesson_id)) == len(lesson.sightings)
    assert candidate_rows.candidates(lesson.gallery_db, lesson.lesson_id) == {}
    assert _sound(lesson.register_db)


def test_the_service_starts_on_a_full_disk(small_disk, begin_lesson):
    begin_lesson(small_disk).take(0)
    with filled(small_disk), closing(open_databases(Home(small_disk), NOW).register_db.conn) as conn:
        assert conn.execute("SELECT count(*) FROM captures").fetchone() == (1,)


def test_a_start_for_which_there_is_no_room_at_all_says_so(small_disk, begin_lesson):
    home, lesson = Home(small_disk), begin_lesson(small_disk)
    lesson.take(0)
    lesson.close()
    with filled(small_disk):
        _refused("the disk is full", lambda: open_databases(home, NOW))
    with closing(open_databases(home, NOW).register_db.conn) as conn:
        assert conn.execute("SELECT count(*) FROM captures").fetchone() == (1,)


def test_without_room_there_is_no_backup_and_the_one_before_stays(small_disk, begin_lesson, monkeypatch):
    monkeypatch.setattr(maintenance, "RESERVE_BYTES", 0)
    home, lesson = Home(small_disk), begin_lesson(small_disk)
    lesson.take(0)
    back_up(home, NOW)
    before = {path.name for path in home.backup_dir.iterdir()}
    with filled(small_disk, leave_bytes=20_000):
        assert "free 1 MB" in _refused("no room for a backup", lambda: back_up(home, NOW))
        assert {path.name for path in home.backup_dir.iterdir()} == before
    assert len(back_up(home, NOW)[0]) == 2


def test_a_disk_that_gets_full_in_the_middle_of_a_backup_is_no_worse(small_disk, begin_lesson, monkeypatch):
    monkeypatch.setattr(maintenance, "RESERVE_BYTES", 0)
    home, lesson = Home(small_disk), begin_lesson(small_disk)
    lesson.take(0)
    monkeypatch.setattr("edge_daemon.store.backup.free_bytes", lambda _: 10**9)
    with filled(small_disk, leave_bytes=20_000):
        _refused("disk is full|No space left", lambda: back_up(home, NOW))
        assert list(home.backup_dir.iterdir()) == []
    assert len(back_up(home, NOW)[0]) == 2


def test_a_restore_without_room_says_so_and_the_damaged_file_stays_in_its_place(small_disk, begin_lesson, monkeypatch):
    monkeypatch.setattr(maintenance, "RESERVE_BYTES", 0)
    home, lesson = Home(small_disk), begin_lesson(small_disk)
    lesson.take(0)
    back_up(home, NOW)
    lesson.close()
    spoil_page(home.register_db_path, "captures")
    damaged = home.register_db_path.read_bytes()
    with filled(small_disk, leave_bytes=80_000):
        _refused("can't be put back: No space left", lambda: open_databases(home, NOW))
        assert home.register_db_path.read_bytes() == damaged
    with closing(open_databases(home, NOW).register_db.conn) as conn:
        assert conn.execute("SELECT count(*) FROM captures").fetchone() == (1,)


def test_a_limit_on_the_size_of_files_is_a_full_disk_too(tmp_path):
    """If no disk can be mounted, only this one of these tests runs."""
    lesson = Running(Home(tmp_path))
    lesson.take(0)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
        with pytest.raises(StoreError) as caught:
            lesson.take_until(100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert not isinstance(caught.value, DamageError)
    slots = lesson.slots
    assert slots == list(range(len(slots)))
    lesson.take(len(slots))
    assert _sound(lesson.register_db)
    lesson.close()


# --- read-only --------------------------------------------------------------------------------------------------------


def test_a_card_that_goes_read_only_in_a_lesson_loses_nothing_and_is_not_taken_for_damage(ext4_disk, begin_lesson):
    lesson, home = begin_lesson(ext4_disk.folder), Home(ext4_disk.folder)
    for slot in range(3):
        lesson.take(slot)
    assert not disk_state(home).stop or "full" in disk_state(home).reason
    ext4_disk.fail()
    assert disk_state(home).reason == "the disk is read-only"
    assert "read `dmesg`" in _refused("the disk has become read-only", lambda: lesson.take(3))
    _refused("the disk has become read-only", lesson.finalise)
    assert lesson.slots == [0, 1, 2]
    assert "read-only" in _refused("can't be made|disk", lambda: back_up(home, NOW)).lower()
    lesson.close()


def test_a_start_on_a_read_only_card_says_what_is_wrong_and_puts_nothing_aside(ext4_disk, begin_lesson):
    lesson, home = begin_lesson(ext4_disk.folder), Home(ext4_disk.folder)
    lesson.take(0)
    lesson.close()
    ext4_disk.fail()
    _refused("the disk has become read-only", lambda: open_databases(home, NOW))
    assert home.register_db_path.exists()


# --- rights -----------------------------------------------------------------------------------------------------------

AS_NOBODY = """
import os, sys
from pathlib import Path
from edge_daemon.__main__ import run
from edge_daemon.app.upkeep.maintenance import open_databases
from edge_daemon.cli import maintain
from edge_daemon.errors import EdgeError
from edge_daemon.home import Home
from edge_daemon.app.opening import database_recovery
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
home = Home(Path(sys.argv[1]))
if sys.argv[2] == "start":
    try:
        open_databases(home)
    except EdgeError as error:
        print(error.exit_code, error.line())
else:
    print(run(["--home", sys.argv[1], "maintain", "backup"]))
"""


@pytest.fixture
def shared_folder():
    """Yield a folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def _as_nobody(folder: Path, what: str) -> tuple[str, str]:
    command = [sys.executable, "-c", AS_NOBODY, str(folder), what]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return completed.stdout.strip(), completed.stderr.strip()


def test_a_state_folder_that_can_not_be_made_is_one_line(shared_folder):
    shared_folder.chmod(0o555)
    out, err = _as_nobody(shared_folder / "state", "start")
    assert out.startswith("2 ")
    assert "Permission denied" in out
    assert (len(out.splitlines()), err) == (1, "")


def test_a_state_folder_of_another_user_is_one_line(shared_folder):
    open_register(shared_folder / "register.sqlite").conn.close()
    shared_folder.chmod(0o555)
    (shared_folder / "register.sqlite").chmod(0o666)
    out, _ = _as_nobody(shared_folder, "start")
    assert "this user has no right to write the folder" in out
    assert "correct the folder's owner" in out


def test_a_database_of_another_user_is_one_line_and_stays(shared_folder):
    path = shared_folder / "register.sqlite"
    open_register(path).conn.close()
    before = path.read_bytes()
    shared_folder.chmod(0o777)
    out, err = _as_nobody(shared_folder, "start")
    assert "register.sqlite" in out
    assert "owner" in out
    assert (len(out.splitlines()), err) == (1, "")
    assert path.read_bytes() == before
    assert not (shared_folder / "damaged").exists()


def test_a_backup_folder_of_another_user_is_one_line(shared_folder):
    path = shared_folder / "register.sqlite"
    open_register(path).conn.close()
    path.chmod(0o666)
    shared_folder.chmod(0o777)
    (shared_folder / "backups").mkdir(mode=0o700)
    out, err = _as_nobody(shared_folder, "backup")
    assert out == "2"
    assert "Permission denied" in err
    assert len(err.splitlines()) == 1


def test_every_copy_is_sound_after_all_this(tmp_path):
    home = Home(tmp_path)
    lesson = Running(home)
    lesson.take(0)
    back_up(home, NOW)
    lesson.close()
    for stem in ("register", "gallery"):
        with closing(sqlite3.connect(backups(home.backup_dir, stem)[0].path)) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
