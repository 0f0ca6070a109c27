from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlite_utils import Migrations

from edge_daemon.errors import StoreError
from edge_daemon.store import migrations
from edge_daemon.store.database import check_writable, faults, open_gallery, open_register, transaction, trial
from edge_daemon.store.migrations import GALLERY, REGISTER
from tests.nobody import as_nobody

OPENERS = pytest.mark.parametrize(("open_it", "schema"), [(open_register, REGISTER), (open_gallery, GALLERY)])
ROOT = Path(__file__).parents[2]


def refusal(open_it, path, **options):
    """Open a file that must be refused; return the error's line after checking that the file did not change."""
    before = fingerprint(path)
    with pytest.raises(StoreError) as caught:
        open_it(path, busy_timeout_s=0.2, **options)
    assert fingerprint(path) == before
    assert caught.value.exit_code == 2
    line = caught.value.line()
    assert "\n" not in line
    assert str(path.parent) in line
    return line


def fingerprint(path):
    files = sorted(path.parent.glob(path.name + "*"))
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files if f.is_file()}


def closed(db):
    db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.conn.close()


@OPENERS
def test_a_new_file_is_for_its_owner_only_and_safe_from_power_cuts(tmp_path, open_it, schema):
    path = tmp_path / "state" / "a.sqlite"
    db = open_it(path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    pragmas = {
        name: db.conn.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    meta = dict(db.conn.execute("SELECT key, value FROM meta").fetchall())
    assert meta["kind"] == schema.kind
    assert int(meta["readable_from"]) <= int(meta["schema_version"]) == schema.version


@OPENERS
def test_every_table_of_ours_is_strict(tmp_path, open_it, schema):
    db = open_it(tmp_path / "a.sqlite")
    ours = [table for table in db.tables if table.name != "_sqlite_migrations"]
    assert len(ours) > 4
    assert all(table.strict for table in ours)


@OPENERS
def test_opening_again_finds_what_was_written(tmp_path, open_it, schema):
    path = tmp_path / "a.sqlite"
    db = open_it(path)
    db.conn.execute("INSERT INTO meta VALUES ('note', 'here')")
    db.conn.commit()
    db.conn.close()
    again = open_it(path, create=False)
    assert again.conn.execute("SELECT value FROM meta WHERE key = 'note'").fetchone() == ("here",)


@OPENERS
def test_a_missing_file_is_refused_where_none_may_be_made(tmp_path, open_it, schema):
    assert "no such database" in refusal(open_it, tmp_path / "a.sqlite", create=False)
    assert not (tmp_path / "a.sqlite").exists()


@OPENERS
def test_a_folder_is_refused(tmp_path, open_it, schema):
    (tmp_path / "a.sqlite").mkdir()
    assert "is a folder" in refusal(open_it, tmp_path / "a.sqlite")


@OPENERS
@pytest.mark.parametrize(
    "content",
    [b"student_id,name\n1,Ada\n" * 100, random.Random(1).randbytes(8192), b"SQLite format 3\0" + b"x" * 500],
    ids=["text", "noise", "only a header"],
)
def test_a_file_that_is_no_database_is_refused(tmp_path, open_it, schema, content):
    path = tmp_path / "a.sqlite"
    path.write_bytes(content)
    assert "corrupt" in refusal(open_it, path)


@OPENERS
@pytest.mark.parametrize("share_left", [0.3, 0.5, 0.9])
def test_a_truncated_database_is_refused(tmp_path, open_it, schema, share_left):
    path = tmp_path / "a.sqlite"
    closed(open_it(path))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share_left)])
    assert "corrupt" in refusal(open_it, path)


def test_damage_that_shows_only_later_is_the_same_error(tmp_path):
    path = tmp_path / "a.sqlite"
    db = open_register(path)
    page = db.conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'registers'").fetchone()[0]
    size = db.conn.execute("PRAGMA page_size").fetchone()[0]
    closed(db)
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(content)
    db = open_register(path)
    with pytest.raises(StoreError, match="corrupt"), faults(db):
        db.conn.execute("SELECT count(document) FROM registers").fetchall()


@OPENERS
def test_the_database_of_another_program_is_refused(tmp_path, open_it, schema):
    path = tmp_path / "a.sqlite"
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE bookmarks (url TEXT)")
    conn.commit()
    conn.close()
    assert f"is not a {schema.kind} database" in refusal(open_it, path)


def test_the_two_kinds_are_not_taken_for_one_another(tmp_path):
    closed(open_register(tmp_path / "a.sqlite"))
    assert "is not a gallery database" in refusal(open_gallery, tmp_path / "a.sqlite")


def changed(path, open_it, *statements):
    """Make a database and change it behind the program's back."""
    db = open_it(path)
    for statement in statements:
        db.conn.execute(statement)
    db.conn.commit()
    closed(db)
    return path


@OPENERS
def test_a_database_that_only_newer_programs_can_read_is_refused(tmp_path, open_it, schema):
    newer = "UPDATE meta SET value = '99' WHERE key IN ('schema_version', 'readable_from')"
    line = refusal(open_it, changed(tmp_path / "a.sqlite", open_it, newer))
    assert "newer version" in line
    assert "99" in line


@OPENERS
def test_a_newer_database_that_only_grew_is_read_on_after_a_rollback(tmp_path, open_it, schema):
    newer = "UPDATE meta SET value = '99' WHERE key = 'schema_version'"
    db = open_it(changed(tmp_path / "a.sqlite", open_it, newer, "CREATE TABLE of_the_future (a TEXT) STRICT"))
    assert db.conn.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() == ("99",)


@OPENERS
def test_a_database_without_a_sound_version_is_refused(tmp_path, open_it, schema):
    unsound = "UPDATE meta SET value = 'soon' WHERE key = 'readable_from'"
    assert "corrupt" in refusal(open_it, changed(tmp_path / "a.sqlite", open_it, unsound))


LOCKER = """
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute(sys.argv[2])
conn.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def locked():
    """Give a function that makes another process lock a file until the test ends."""
    processes = []

    def lock(path, pragma=""):
        process = subprocess.Popen(
            [sys.executable, "-c", LOCKER, str(path), pragma],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "locked\n"

    yield lock
    for process in processes:
        process.communicate("")


@OPENERS
def test_a_file_that_another_process_keeps_to_itself_is_refused(tmp_path, open_it, schema, locked):
    path = tmp_path / "a.sqlite"
    closed(open_it(path))
    locked(path, "PRAGMA locking_mode = EXCLUSIVE")
    with pytest.raises(StoreError, match="locked by another process"):
        open_it(path, busy_timeout_s=0.2)


@OPENERS
def test_a_new_file_that_is_locked_is_refused(tmp_path, open_it, schema, locked):
    path = tmp_path / "a.sqlite"
    locked(path)
    assert "locked by another process" in refusal(open_it, path)


def test_while_another_process_writes_one_may_read_but_not_write(tmp_path, locked):
    path = tmp_path / "a.sqlite"
    closed(open_register(path))
    locked(path)
    db = open_register(path, busy_timeout_s=0.2)
    assert db.conn.execute("SELECT count(*) FROM registers").fetchone() == (0,)
    with pytest.raises(StoreError, match="locked by another process"):
        check_writable(db)
    with pytest.raises(StoreError, match="locked by another process"), transaction(db):
        pytest.fail("the transaction began")


def test_the_check_for_writing_leaves_no_lock(tmp_path):
    db = open_register(tmp_path / "a.sqlite")
    check_writable(db)
    assert not db.conn.in_transaction


def refused_to_nobody(path):
    """Open a register as a user without rights; return the refusal."""
    with as_nobody(), pytest.raises(StoreError) as error:
        open_register(path, busy_timeout_s=0.2)
    return error.value.line()


@pytest.fixture
def open_folder():
    """Give a folder under one that everybody may enter, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_file_is_refused(open_folder):
    path = open_folder / "a.sqlite"
    closed(open_register(path))
    path.chmod(0o444)
    before = path.read_bytes()
    line = refused_to_nobody(path)
    assert "a.sqlite: this user has no right to write the database; run the command as its owner, or correct" in line
    assert path.read_bytes() == before


def test_an_unreadable_database_is_not_called_unwritable(open_folder):
    path = open_folder / "a.sqlite"
    closed(open_register(path))
    path.chmod(0o600)
    line = refused_to_nobody(path)
    assert "a.sqlite: this user may not read the database; run the command as its owner" in line
    open_folder.chmod(0o700)
    with as_nobody(), pytest.raises(StoreError, match="may not read the database"):
        open_register(path, create=False, busy_timeout_s=0.2)


def test_a_read_only_folder_is_refused(open_folder):
    path = open_folder / "a.sqlite"
    closed(open_register(path))
    path.chmod(0o666)
    open_folder.chmod(0o555)
    assert f"{open_folder}: this user has no right to write the folder; run" in refused_to_nobody(path)


def test_a_file_that_can_not_be_made_is_refused(open_folder):
    open_folder.chmod(0o555)
    assert "can't be made: Permission denied" in refused_to_nobody(open_folder / "deeper" / "a.sqlite")
    assert "can't be made: Permission denied" in refused_to_nobody(open_folder / "a.sqlite")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError, match="can't be made"):
        open_register(tmp_path / "state" / "a.sqlite")


def test_a_failing_migration_changes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.sqlite"
    closed(open_register(path))
    further = Migrations("register")
    further._migrations = list(REGISTER.migrations._migrations)

    @further(name="0099_fails_half_way")
    def _fails(db):
        db.conn.execute("CREATE TABLE half (a TEXT) STRICT")
        db.conn.execute("INSERT INTO no_such_table VALUES (1)")

    monkeypatch.setattr(
        "edge_daemon.store.database.REGISTER", migrations.Schema("register", REGISTER.version + 1, further)
    )
    with pytest.raises(StoreError, match="can't be used"):
        open_register(path)
    monkeypatch.undo()
    assert "half" not in open_register(path).table_names()


def test_a_transaction_is_all_or_nothing(tmp_path):
    db = open_register(tmp_path / "a.sqlite")

    def write_and_fail():
        with transaction(db):
            db.execute("INSERT INTO meta VALUES ('a', 'b')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert db.conn.execute("SELECT count(*) FROM meta WHERE key = 'a'").fetchone() == (0,)


def test_a_large_trial_leaves_nothing_in_the_log(tmp_path):
    db = open_gallery(tmp_path / "gallery.sqlite")
    with trial(db):
        db.execute("CREATE TABLE large (part BLOB)")
        for _ in range(8):
            db.execute("INSERT INTO large VALUES (?)", [b"undone" * 2**17])
        assert db.execute("SELECT COUNT(*) FROM large").fetchone() == (8,)
    assert b"undone" not in (tmp_path / "gallery.sqlite-wal").read_bytes()
    assert not db["large"].exists()


def test_a_full_disk_is_named_in_the_error(tmp_path):
    db = open_register(tmp_path / "a.sqlite")
    pages = db.conn.execute("PRAGMA page_count").fetchone()[0]
    db.conn.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="disk is full"), transaction(db):
        db.execute("INSERT INTO meta VALUES ('a', ?)", ("x" * 100_000,))
    assert db.conn.execute("SELECT count(*) FROM meta WHERE key = 'a'").fetchone() == (0,)


def test_two_processes_may_both_come_first(tmp_path):
    path = tmp_path / "a.sqlite"
    code = "import sys, pathlib; from edge_daemon.store.database import *; open_register(pathlib.Path(sys.argv[1]))"
    both = [subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT) for _ in range(3)]
    assert [process.wait(timeout=60) for process in both] == [0, 0, 0]
    assert open_register(path).conn.execute("SELECT count(*) FROM _sqlite_migrations").fetchone() == (
        len(REGISTER.migrations._migrations),
    )
