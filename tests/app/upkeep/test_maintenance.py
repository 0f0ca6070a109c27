"""Databases stay sound: copies every day, old data is deleted, and erased data stays erased."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlite_utils

from edge_daemon.app.upkeep import maintenance
from edge_daemon.app.upkeep.maintenance import back_up, check, daily, disk_state, forget_erased, open_databases, retain
from edge_daemon.device.clock import Reading
from edge_daemon.errors import DamageError
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import gallery as tables
from edge_daemon.store import lessons, untimed
from edge_daemon.store.backup import backups
from edge_daemon.store.database import open_gallery, open_register
from tests.damage import spoil_page
from tests.gallery.school import School
from tests.registers import START, a_home, a_lesson, a_register

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=timezone.utc)
KEY = bytes(range(32))


@pytest.fixture
def home(tmp_path) -> Home:
    """An installation with two finalised lessons."""
    return Home(a_home(tmp_path / "home", [_lesson(0), _lesson(1)]))


@pytest.fixture
def school(tmp_path, home) -> School:
    """Enrolled students."""
    school = School(tmp_path / "office")
    school.write_roster(S1="yes", S2="yes")
    school.photograph("S1", 1)
    school.photograph("S2", 2)
    with closing(open_gallery(home.gallery_db_path).conn) as conn:
        school.enrol(GalleryStore(_database(conn), KEY))
    return school


def _database(conn: sqlite3.Connection) -> sqlite_utils.Database:
    return sqlite_utils.Database(conn, execute_plugins=False)


def _lesson(day: int):
    return a_register(a_lesson(START + timedelta(days=day)), {"S1": 0.9, "S2": 0.1})


def _rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        return conn.execute(query).fetchall()


def _start(home: Home, number: int = 0, start: datetime = START, captures: int = 3):
    """Begin a lesson with captures and their candidates; return its id."""
    register, _ = a_register(a_lesson(start, f"running-{number}"), {"S1": 0.5}, captures=captures)
    lesson = register.lesson
    with closing(open_register(home.register_db_path).conn) as r, closing(open_gallery(home.gallery_db_path).conn) as g:
        lessons.start_lesson(_database(r), lesson, register.plan, "synchronised")
        for slot in range(captures):
            candidate_rows.put_candidates(_database(g), lesson.lesson_id, slot, b"sealed" * 50)
            lessons.add_capture(_database(r), lesson.lesson_id, lessons.Capture(slot, f"{slot}", lesson.start))
    return lesson.lesson_id


# --- backups ----------------------------------------------------------------------------------------------------------


def test_a_backup_is_the_whole_register_in_one_file_for_its_owner_only(home):
    (made,), erased = back_up(home, NOW)
    assert erased == 0
    assert made.path.name == "register-000001-20261120T030000Z.sqlite"
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.backup_dir.stat().st_mode) == 0o700
    assert [path.name for path in home.backup_dir.iterdir()] == [made.path.name]
    query = "SELECT lesson_id, sha256, document FROM registers ORDER BY 1"
    assert _rows(made.path, query) == _rows(home.register_db_path, query) != []


def test_both_databases_are_copied_and_the_gallery_without_candidates(home, school):
    _start(home)
    copies, _ = back_up(home, NOW)
    assert [copy.path.name.split("-")[0] for copy in copies] == ["register", "gallery"]
    assert _rows(copies[1].path, "SELECT count(*) FROM students") == [(2,)]
    assert _rows(copies[1].path, "SELECT count(*) FROM candidates") == [(0,)]
    assert b"sealed" * 10 not in copies[1].path.read_bytes()
    assert _rows(home.gallery_db_path, "SELECT count(*) FROM candidates") == [(3,)]


def test_as_many_copies_stay_as_the_settings_say_whatever_the_clock_said(home):
    home.config_path.write_text("[storage]\nkeep_backups = 2\n")
    for at in (NOW, NOW + timedelta(days=400), NOW + timedelta(days=1)):
        back_up(home, at)
    copies = backups(home.backup_dir, "register")
    assert [copy.number for copy in copies] == [3, 2]
    assert copies[0].taken_at == NOW + timedelta(days=1)


def test_a_damaged_database_is_not_copied_and_the_good_copies_stay(home):
    (good,), _ = back_up(home, NOW)
    spoil_page(home.register_db_path, "registers")
    with pytest.raises(DamageError, match="is damaged"):
        back_up(home, NOW)
    assert list(home.backup_dir.iterdir()) == [good.path]


def test_one_damaged_database_does_not_keep_the_other_from_being_copied(home, school):
    spoil_page(home.register_db_path, "registers")
    with pytest.raises(DamageError):
        back_up(home, NOW)
    assert len(backups(home.backup_dir, "gallery")) == 1


def test_with_nothing_recorded_yet_there_is_nothing_to_back_up(tmp_path):
    assert back_up(Home(tmp_path), NOW) == ((), 0)


WRITER = """
import sys
from pathlib import Path
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register
from tests.registers import *
db = open_register(Path(sys.argv[1]))
register, _ = a_register(a_lesson(START, "beside"), {"S1": 0.5}, captures=400)
lessons.start_lesson(db, register.lesson, register.plan, "synchronised")
for slot in range(400):
    lessons.add_capture(db, register.lesson.lesson_id, lessons.Capture(slot, "x", START))
    print(slot, flush=True)
"""


def test_a_backup_beside_a_running_lesson_is_of_one_moment_and_stops_nothing(home):
    path = home.register_db_path
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, path], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True
    )
    try:
        for line in writer.stdout:
            if line == "20\n":
                break
        (made,), _ = back_up(home, NOW)
        lines = writer.stdout.read().split()
        assert writer.wait(60) == 0
    finally:
        writer.kill()
    ((copied,),) = _rows(made.path, "SELECT count(*) FROM captures WHERE name = 'x'")
    assert 20 < copied <= 400
    assert lines[-1] == "399"
    assert _rows(path, "SELECT count(*) FROM captures WHERE name = 'x'") == [(400,)]


# --- retention --------------------------------------------------------------------------------------------------------


def test_old_sightings_go_and_registers_captures_and_newer_sightings_stay(home):
    home.config_path.write_text("[storage]\nkeep_sightings_days = 3\n")
    before = dict(_rows(home.register_db_path, "SELECT lesson_id, count(*) FROM sightings GROUP BY 1 ORDER BY 1"))
    assert len(before) == 2
    result = retain(home, START + timedelta(days=3, hours=2), "synchronised")
    left = dict(_rows(home.register_db_path, "SELECT lesson_id, count(*) FROM sightings GROUP BY 1"))
    assert left.items() < before.items()
    assert result.sightings == sum(before.values()) - sum(left.values())
    assert _rows(home.register_db_path, "SELECT count(*) FROM registers") == [(2,)]
    assert _rows(home.register_db_path, "SELECT count(*) FROM captures") == [(40,)]
    assert retain(home, START + timedelta(days=3, hours=2), "synchronised").sightings == 0


def test_an_untrusted_clock_deletes_nothing(home):
    result = retain(home, NOW + timedelta(days=4000), "unsynchronised")
    assert result.sightings == 0
    assert "the time is not known" in result.skipped
    assert retain(home, NOW + timedelta(days=4000), "rtc").sightings > 0


def test_candidates_stay_for_the_lesson_that_runs_and_go_for_those_that_never_end(home, school):
    running, stuck = _start(home, 1, NOW), _start(home, 2, NOW - timedelta(days=200))
    with closing(open_gallery(home.gallery_db_path).conn) as conn:
        candidate_rows.put_candidates(_database(conn), "of no lesson", 0, b"x" * 100)
    result = retain(home, NOW, "synchronised")
    assert result.candidate_sets == 2
    assert _rows(home.gallery_db_path, "SELECT DISTINCT lesson_id FROM candidates") == [(running,)]
    assert stuck != running


def test_captures_of_unknown_time_go_when_they_are_old_those_of_this_boot_by_its_seconds(home, school, monkeypatch):
    boottime_s = 400 * 86_400.0
    clock = SimpleNamespace(reading=lambda: Reading(NOW, boottime_s, "synchronised", "this"))
    monkeypatch.setattr(maintenance, "SystemClock", lambda **_: clock)
    taken = [("other", 0, "a", 200, 9.0), ("other", 1, "a", 1, 9.0)]  # by the untrusted clock
    taken += [("this", slot, "this", 200, boottime_s - days * 86_400) for slot, days in enumerate((90.01, 89.99))]
    with (
        closing(open_register(home.register_db_path).conn) as conn,
        closing(open_gallery(home.gallery_db_path).conn) as gallery,
    ):
        for session, slot, boot_id, days, taken_s in taken:
            at = NOW - timedelta(days=days)
            untimed.add_untimed(_database(conn), untimed.UntimedCapture(session, slot, boot_id, taken_s, at))
            candidate_rows.put_candidates(_database(gallery), session, slot, b"x" * 100)
    assert retain(home, NOW, "synchronised").untimed == 2
    left = [("other", 1), ("this", 1)]
    assert _rows(home.register_db_path, "SELECT session_id, slot FROM untimed ORDER BY 1") == left
    assert _rows(home.gallery_db_path, "SELECT lesson_id, slot FROM candidates ORDER BY 1") == left


def test_the_daily_job_does_both(home):
    result = daily(home, NOW + timedelta(days=300), "synchronised")
    assert len(result.backups) == 1
    assert result.retained.sightings > 0
    ((sightings,),) = _rows(result.backups[0].path, "SELECT count(*) FROM sightings")
    assert sightings == result.retained.sightings  # the copy is from before


# --- erasure ----------------------------------------------------------------------------------------------------------


def _secrets(home: Home, student_id: str) -> list[bytes]:
    with closing(open_gallery(home.gallery_db_path).conn) as conn:
        db = _database(conn)
        row = next(row for row in tables.student_rows(db) if row.student_id == student_id)
        return [
            row.wrapped_key,
            row.sealed,
            *(t.sealed for t in tables.template_rows(db) if t.student_id == student_id),
        ]


def _holders(home: Home, secrets: list[bytes]) -> set[str]:
    """Names of the files that hold any part of the secrets."""
    parts = [secret[at : at + 16] for secret in secrets for at in range(0, len(secret) - 16, 64)]
    files = [path for path in home.state_dir.rglob("*") if path.is_file()]
    return {path.name for path in files if any(part in path.read_bytes() for part in parts)}


def _remove(home: Home, student_id: str) -> None:
    with closing(open_gallery(home.gallery_db_path).conn) as conn:
        GalleryStore(_database(conn), KEY).remove(student_id, NOW)


def test_after_a_removal_no_backup_holds_a_byte_of_the_student_and_a_fresh_one_the_others(home, school):
    for day in range(3):
        back_up(home, NOW + timedelta(days=day))
    secrets = _secrets(home, "S1")
    assert len(_holders(home, secrets)) == 4
    open_copy = backups(home.backup_dir, "gallery")[0].path.open("rb")  # what a removed file's blocks hold
    _remove(home, "S1")
    assert forget_erased(home, NOW).erased == 3
    assert _holders(home, secrets) == set()
    with open_copy:
        assert set(open_copy.read()) == {0}
    (fresh,) = backups(home.backup_dir, "gallery")
    assert _rows(fresh.path, "SELECT student_id FROM students") == [("S2",)]
    assert forget_erased(home, NOW).erased == 0
    assert len(backups(home.backup_dir, "register")) == 3


def test_the_daily_job_finishes_an_erasure_in_backups_after_a_power_cut(home, school):
    back_up(home, NOW)
    secrets = _secrets(home, "S1")
    _remove(home, "S1")
    _, erased = back_up(home, NOW)
    assert erased == 1
    assert _holders(home, secrets) == set()


def test_a_damaged_gallery_that_was_put_aside_goes_with_an_erasure(home, school):
    back_up(home, NOW)
    secrets = _secrets(home, "S1")
    spoil_page(home.gallery_db_path, "look_alikes")
    open_databases(home, NOW).register_db.conn.close()
    assert any("damaged" in str(path) and "gallery" in path.name for path in home.state_dir.rglob("*.sqlite"))
    _remove(home, "S1")
    forget_erased(home, NOW)
    assert _holders(home, secrets) == set()


def test_a_trial_without_backups_needs_none_after_an_erasure(home, school):
    _remove(home, "S1")
    assert forget_erased(home, NOW).erased == 0
    assert not home.backup_dir.exists()


# --- the disk ---------------------------------------------------------------------------------------------------------


def test_captures_stop_below_the_reserve_and_go_on_above_it(home, monkeypatch):
    assert disk_state(home).stop is False
    monkeypatch.setattr(maintenance.disk, "free_bytes", lambda _: maintenance.RESERVE_BYTES - 1)
    state = disk_state(home)
    assert state.stop
    assert state.reason == "the disk is full: 63 MB free, 64 MB are kept for finalising"
    monkeypatch.setattr(maintenance.disk, "free_bytes", lambda _: maintenance.RESERVE_BYTES)
    assert disk_state(home).stop is False


def test_the_state_of_a_disk_that_is_gone_is_reported_and_raises_nothing(tmp_path):
    state = disk_state(Home(tmp_path / "nowhere"))
    assert state.stop
    assert "does not answer" in state.reason


def test_check_finds_what_a_backup_would(home, school):
    assert {name: found.problem for name, found in check(home).items()} == {"register.sqlite": "", "gallery.sqlite": ""}
    spoil_page(home.gallery_db_path, "look_alikes")
    assert check(home)["gallery.sqlite"].problem
