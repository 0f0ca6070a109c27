"""A start after damage: damaged files are set aside, the last good backup is restored, and the loss is reported."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlite_utils

from edge_daemon.app.ledger.plan_check import coming_plans
from edge_daemon.app.opening import database_recovery
from edge_daemon.app.registers.check_in_note import take_check_ins, write_note
from edge_daemon.app.upkeep.maintenance import back_up, open_databases
from edge_daemon.errors import DamageError, StoreError
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import lessons, registers
from edge_daemon.store.database import open_gallery, open_register
from edge_daemon.store.integrity import examine
from tests.damage import flip, spoil_page
from tests.gallery.school import School
from tests.gallery.sightings import put_sightings
from tests.registers import START, a_home, a_lesson, a_register, keep

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=timezone.utc)
KEY = bytes(range(32))
ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path) -> Home:
    """Two lessons, backed up, then a third."""
    folder = tmp_path / "home"
    home = Home(a_home(folder, [_lesson(0), _lesson(1)]))
    back_up(home, NOW)
    a_home(folder, [_lesson(2)])
    return home


def _lesson(day: int):
    return a_register(a_lesson(START + timedelta(days=day)), {"S1": 0.9, "S2": 0.1})


def _opened(home: Home) -> tuple[tuple[str, ...], list[str], str | None]:
    """Start once; return the notes, the lessons with a register, and the newest hash."""
    opened = open_databases(home, NOW + timedelta(days=1))
    with closing(opened.register_db.conn):
        ids = [one.lesson_id for one in registers.latest_registers(opened.register_db)]
        return opened.notes, ids, registers.last_sha256(opened.register_db)


def _ids(*days: int) -> list[str]:
    return [_lesson(day)[0].lesson.lesson_id for day in days]


def test_a_sound_start_says_nothing_and_changes_nothing(home):
    before = home.register_db_path.read_bytes()
    notes, ids, _ = _opened(home)
    assert notes == ()
    assert ids == _ids(0, 1, 2)
    assert home.register_db_path.read_bytes() == before
    assert not home.damaged_dir.exists()


def test_a_first_start_makes_an_empty_register_and_no_gallery(tmp_path):
    opened = open_databases(Home(tmp_path / "new"))
    with closing(opened.register_db.conn):
        assert (opened.notes, opened.gallery_ok) == ((), False)
    assert not (tmp_path / "new" / "gallery.sqlite").exists()


def test_damage_brings_the_last_backup_back_and_names_what_is_lost(home):
    spoil_page(home.register_db_path, "captures")
    damaged = home.register_db_path.read_bytes()
    (note,), ids, _ = _opened(home)
    assert ids == _ids(0, 1)
    assert note.startswith("register.sqlite was damaged (")
    assert "was replaced by the backup of 2026-11-20T03:00:00Z: later data is lost" in note
    assert "1 registers, 1 lessons, as far as the damaged file can be read" in note
    (aside,) = home.damaged_dir.glob("*.sqlite")
    assert aside.read_bytes() == damaged
    assert note in (home.damaged_dir / "NOTES.txt").read_text()
    assert _opened(home)[0] == ()


def test_the_next_register_continues_the_ledger_that_came_back_and_so_shows_the_gap(home):
    with closing(sqlite3.connect(home.register_db_path)) as conn:
        second, lost = (
            row[0]
            for row in conn.execute("SELECT sha256 FROM registers ORDER BY ledger_position DESC").fetchmany(2)[::-1]
        )
    spoil_page(home.register_db_path, "captures")
    opened = open_databases(home, NOW)
    with closing(opened.register_db.conn):
        document = json.loads(keep(opened.register_db, *_lesson(3)))
    assert document["previous_sha256"] == second != lost


def test_without_any_backup_the_file_is_kept_and_an_empty_one_begun_loudly(tmp_path):
    home = Home(a_home(tmp_path, [_lesson(0)]))
    spoil_page(home.register_db_path, "captures")
    (note,), ids, _ = _opened(home)
    assert ids == []
    assert "has no backup: the program began a new one, and all earlier data is lost (1 registers, 1 lessons" in note
    assert len(list(home.damaged_dir.glob("*.sqlite"))) == 1


def test_an_empty_file_is_read_by_nobody_and_brought_back_by_the_next_start(home):
    """A command that made tables in it would hide from the start that a backup has to come back."""
    home.register_db_path.write_bytes(b"")
    home.register_db_path.with_name("register.sqlite-wal").touch()  # a folder that the group may enter keeps one
    for read in (
        lambda: open_register(home.register_db_path, create=False),
        lambda: coming_plans(home, NOW),
        lambda: write_note(home, home.state_dir / "note.json", NOW, NOW),
        lambda: take_check_ins(home, [], NOW),
        lambda: back_up(home, NOW),
    ):
        with pytest.raises(DamageError, match="the database is empty"):
            read()
        assert home.register_db_path.read_bytes() == b""
    (note,), ids, _ = _opened(home)
    assert ids == _ids(0, 1)
    assert "was damaged (the file is empty)" in note


def test_a_backup_that_is_damaged_itself_is_passed_over(home):
    back_up(home, NOW + timedelta(hours=1))
    newest = max(home.backup_dir.iterdir())
    flip(newest, newest.stat().st_size // 2)
    spoil_page(newest, "lessons")
    spoil_page(home.register_db_path, "captures")
    (note,), ids, _ = _opened(home)
    assert ids == _ids(0, 1)
    assert "backup of 2026-11-20T03:00:00Z" in note
    assert newest.exists()


@pytest.mark.parametrize("share_left", [0.0, 0.02, 0.5, 0.97])
def test_a_truncated_register_is_restored(home, share_left):
    path = home.register_db_path
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share_left)])
    (note,), ids, _ = _opened(home)
    assert ids == _ids(0, 1)
    assert "register.sqlite was damaged" in note


def test_a_register_that_is_gone_is_restored_and_never_begun_anew(home):
    home.register_db_path.unlink()
    (note,), ids, _ = _opened(home)
    assert ids == _ids(0, 1)
    assert "the file is missing" in note


def test_a_changed_byte_in_a_document_is_found_by_its_hash(home):
    path = home.register_db_path
    at = path.read_bytes().rindex(b'"device":"room 204"')
    flip(path, at + 12)
    (note,), ids, _ = _opened(home)
    assert "of the ledger is not what was written" in note
    assert ids == _ids(0, 1)


def test_data_of_a_removed_student_in_a_restored_register_is_erased_again(tmp_path):
    home = Home(tmp_path / "home")
    home.ensure_state_dir()
    home.key_path.write_bytes(KEY)
    home.key_path.chmod(0o600)
    school = School(tmp_path / "office")
    school.write_roster(S1="yes", S2="yes")
    with closing(open_register(home.register_db_path).conn) as r, closing(open_gallery(home.gallery_db_path).conn) as g:
        register_db, gallery_db = (sqlite_utils.Database(conn, execute_plugins=False) for conn in (r, g))
        school.enrol(GalleryStore(gallery_db, KEY))
        put_sightings(register_db, "lesson", START, "S1", "S2")
        back_up(home, NOW)
        GalleryStore(gallery_db, KEY).remove("S1", NOW)
        lessons.erase_sightings(register_db, "S1")
    for path, table in ((home.register_db_path, "captures"), (home.gallery_db_path, "look_alikes")):
        spoil_page(path, table)
    opened = open_databases(home, NOW)
    with closing(opened.register_db.conn):
        assert len(opened.notes) == 2
        assert [one.student_id for one in lessons.sightings(opened.register_db, "lesson")] == ["S2"]
    with closing(sqlite3.connect(home.gallery_db_path)) as conn:
        assert conn.execute("SELECT student_id FROM students").fetchall() == [("S2",)]


def test_captures_whose_faces_went_with_the_gallery_are_missed_and_nobody_is_absent_in_them(home):
    register, _ = a_register(a_lesson(START, "running"), {"S1": 0.5}, captures=4)
    lesson_id = register.lesson.lesson_id
    with closing(open_register(home.register_db_path).conn) as r, closing(open_gallery(home.gallery_db_path).conn) as g:
        register_db, gallery_db = (sqlite_utils.Database(conn, execute_plugins=False) for conn in (r, g))
        lessons.start_lesson(register_db, register.lesson, register.plan, "synchronised")
        for slot in range(3):
            candidate_rows.put_candidates(gallery_db, lesson_id, slot, b"x")
            lessons.add_capture(register_db, lesson_id, lessons.Capture(slot, "x", START))
        candidate_rows.put_candidates(gallery_db, lesson_id, 3, b"x")  # the power went before the capture
    assert _opened(home)[0] == ()
    back_up(home, NOW)
    spoil_page(home.gallery_db_path, "look_alikes")
    opened = open_databases(home, NOW)
    with closing(opened.register_db.conn):
        assert opened.gallery_ok
        assert "3 captures of running lessons count as missed" in opened.notes[-1]
        assert lessons.captures(opened.register_db, lesson_id) == []
        missed = lessons.missed_captures(opened.register_db, lesson_id)
    assert [(one.slot, one.reason) for one in missed] == [
        (slot, "its faces were lost with a damaged database") for slot in range(3)
    ]


def test_a_gallery_without_backup_is_begun_anew_and_the_service_reports_it(home):
    with closing(open_gallery(home.gallery_db_path).conn):
        pass
    shutil.rmtree(home.backup_dir)
    spoil_page(home.gallery_db_path, "look_alikes")
    opened = open_databases(home, NOW)
    opened.register_db.conn.close()
    assert not opened.gallery_ok
    assert "gallery.sqlite was damaged" in opened.notes[0]


WRITER = """
import os, sys
from pathlib import Path
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register
from tests.registers import *
db = open_register(Path(sys.argv[1]))
register, _ = a_register(a_lesson(START, "cut"), {"S1": 0.5}, captures=20)
lessons.start_lesson(db, register.lesson, register.plan, "synchronised")
for slot in range(20):
    lessons.add_capture(db, register.lesson.lesson_id, lessons.Capture(slot, "cut", START))
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def cut(home) -> Path:
    """The log of a writer at a power cut, after 20 captures."""
    subprocess.run([sys.executable, "-c", WRITER, home.register_db_path], cwd=ROOT, check=False, timeout=60)
    log = home.register_db_path.with_name("register.sqlite-wal")
    assert log.stat().st_size > 20 * 4096
    return log


def _captures(home: Home) -> tuple[tuple[str, ...], int]:
    opened = open_databases(home, NOW)
    with closing(opened.register_db.conn) as conn:
        return opened.notes, conn.execute("SELECT count(*) FROM captures WHERE name = 'cut'").fetchone()[0]


@pytest.fixture
def with_faces(monkeypatch):
    """Keep captures that have no candidates, because the test needs them."""
    monkeypatch.setattr(database_recovery.retention, "drop_captures_without_candidates", lambda *_: 0)


def test_after_a_power_cut_everything_that_was_committed_is_there(home, cut, with_faces):
    assert _captures(home) == ((), 20)


@pytest.mark.parametrize("torn", [1, 100, 4000])
def test_a_commit_that_was_cut_off_is_no_damage(home, cut, with_faces, torn):
    with cut.open("r+b") as file:
        file.truncate(cut.stat().st_size - torn)
    notes, count = _captures(home)
    assert notes == ()
    assert count == 19


def test_a_damaged_log_gives_what_stands_before_the_damage_and_says_how_much_is_gone(home, cut, with_faces):
    flip(cut, cut.stat().st_size // 2)
    damaged = cut.read_bytes()
    (note,), count = _captures(home)
    assert 3 < count < 17
    gone = 20 - count
    assert f"its log was damaged, the last {gone - 1} commits or more are lost" in note
    (damaged_log,) = home.damaged_dir.glob("*-wal")
    assert damaged_log.read_bytes() == damaged


def test_a_log_whose_head_is_damaged_is_named_too(home, cut, with_faces):
    flip(cut, 20)
    (note,), count = _captures(home)
    assert count == 0
    assert "commits or more are lost" in note


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "register.sqlite"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE bookmarks (url TEXT)")
        conn.commit()
    with pytest.raises(StoreError, match="is not a register database"):
        open_databases(Home(tmp_path))
    assert path.exists()


def test_a_full_check_follows_when_no_backup_is_young(home, monkeypatch):
    depths = []
    monkeypatch.setattr(
        database_recovery,
        "examine",
        lambda path, depth, **more: depths.append(depth) or database_recovery.DatabaseFindings(empty=False),
    )
    for days in (1, 6, 8):
        open_databases(home, NOW + timedelta(days=days)).register_db.conn.close()
    home.register_db_path.with_name("register.sqlite-wal").touch()
    open_databases(home, NOW).register_db.conn.close()
    assert depths == ["start", "start", "full", "quick"]


def test_damage_in_the_sightings_is_found_by_the_daily_job_and_mended_by_the_next_start(home):
    """A start after a clean end does not read the sightings, which are nearly the whole file."""
    spoil_page(home.register_db_path, "sightings")
    assert _opened(home) == ((), _ids(0, 1, 2), _opened(home)[2])
    with pytest.raises(DamageError):
        back_up(home, NOW)
    assert home.suspect_path.exists()
    (note,), ids, _ = _opened(home)
    assert "register.sqlite was damaged" in note
    assert ids == _ids(0, 1)
    assert not home.suspect_path.exists()


def test_after_a_sudden_end_a_start_reads_the_sightings_too(home):
    spoil_page(home.register_db_path, "sightings")
    home.register_db_path.with_name("register.sqlite-wal").touch()
    assert len(_opened(home)[0]) == 1


@pytest.mark.parametrize("index", ["sqlite_autoindex_captures_1", "sqlite_autoindex_lessons_1", "lessons_by_start"])
def test_an_index_that_does_not_fit_its_table_is_damage(home, index):
    with closing(sqlite3.connect(home.register_db_path)) as conn:
        page = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (index,)).fetchone()[0]
    data = home.register_db_path.read_bytes()[(page - 1) * 4096 : page * 4096]
    flip(home.register_db_path, (page - 1) * 4096 + 4096 - 6 if data[-6] else (page - 1) * 4096 + 4096 - 5)
    notes, ids, _ = _opened(home)
    assert len(notes) == 1
    assert ids == _ids(0, 1)


def test_a_log_without_its_file_is_not_played_into_the_copy_that_comes_back(home, cut):
    home.register_db_path.unlink()
    (note,), count = _captures(home)
    assert "the file is missing" in note
    assert count == 0
    assert len(list(home.damaged_dir.glob("*-wal"))) == 1
    assert _captures(home) == ((), 0)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_damaged_the_start_gives_sound_databases_with_true_registers(home, cut, seed):
    with closing(sqlite3.connect(f"file:{home.register_db_path}?mode=ro", uri=True)) as conn:
        written = {row[0] for row in conn.execute("SELECT document FROM registers")}
    chance = random.Random(seed)
    for path in chance.sample([home.register_db_path, cut], chance.choice([1, 2])):
        data = bytearray(path.read_bytes())
        at, length = chance.randrange(len(data)), chance.choice([1, 512, 4096])
        data[at : at + length] = chance.choice([bytes, chance.randbytes])(len(data[at : at + length]))
        path.write_bytes(data if chance.random() < 0.8 else data[:at])
    opened = open_databases(home, NOW)
    with closing(opened.register_db.conn) as conn:
        found = {row[0] for row in conn.execute("SELECT document FROM registers")}
        assert found <= written
        assert len(found) >= 2
        conn.execute("UPDATE lessons SET course = 'it can be written'")
        conn.commit()
    assert not examine(home.register_db_path, "quick").problem
