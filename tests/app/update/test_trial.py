"""`edge-daemon update-check`: the checks of a new release on copies, before it takes effect."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing

import pytest
import sqlite_utils

from edge_daemon.__main__ import run
from edge_daemon.app.update.trial import check
from edge_daemon.errors import ConfigError, ModelError, StoreError
from edge_daemon.home import Home
from edge_daemon.store.database import open_gallery
from edge_daemon.store.migrations import REGISTER
from tests.registers import a_home, a_lesson, a_register


@pytest.fixture
def home(tmp_path) -> Home:
    folder = a_home(tmp_path, [a_register(a_lesson(), {"S1": 0.9})])
    open_gallery(folder / "gallery.sqlite").conn.close()
    return Home(folder)


def contents(home: Home) -> list[bytes]:
    return [hashlib.sha256(path.read_bytes()).digest() for path in (home.register_db_path, home.gallery_db_path)]


def test_a_sound_installation_is_called_sound_and_nothing_is_left_behind(home, capsys):
    before = contents(home)
    assert run(["--home", str(home.state_dir), "update-check"]) == 0
    assert capsys.readouterr().out == "sound\n"
    assert contents(home) == before
    assert not list(home.state_dir.glob(".update-check*"))


def test_a_database_of_the_release_before_is_brought_up_on_a_copy_only(tmp_path):
    last = REGISTER.migrations._migrations[-1].name
    old = sqlite_utils.Database(tmp_path / "register.sqlite")
    REGISTER.migrations.apply(old, stop_before=last)
    old.conn.commit()
    old.conn.close()
    check(Home(tmp_path))
    with closing(sqlite3.connect(tmp_path / "register.sqlite")) as db:
        (version,) = db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    assert version == str(REGISTER.version - 1), "the database in use is not touched"


def test_a_device_without_databases_is_sound_and_a_missing_folder_is_not_made(tmp_path, capsys):
    check(Home(tmp_path))
    assert run(["--home", str(tmp_path / "clas"), "update-check"]) == 0
    assert capsys.readouterr().out == f"sound, without a database: {tmp_path / 'clas'} does not exist\n"
    assert not list(tmp_path.iterdir())


def test_a_damaged_database_is_found(home):
    content = bytearray(home.register_db_path.read_bytes())
    content[:100] = b"\0" * 100
    home.register_db_path.write_bytes(content)
    with pytest.raises(StoreError):
        check(home)


def test_a_schema_that_this_release_does_not_know_is_found(home):
    with closing(sqlite3.connect(home.register_db_path)) as db, db:
        db.execute("UPDATE meta SET value = '99' WHERE key = 'readable_from'")
    with pytest.raises(StoreError, match="newer version"):
        check(home)


def test_settings_that_this_release_does_not_understand_are_found(home):
    (home.state_dir / "config.toml").write_text("[rule]\nshares = 0.4\n")
    with pytest.raises(ConfigError):
        check(home)


def test_models_that_are_missing_are_found(home, tmp_path):
    (tmp_path / "none").mkdir()
    (home.state_dir / "config.toml").write_text(f'[models]\ndir = "{tmp_path}/none"\n')
    with pytest.raises(ModelError):
        check(home)
