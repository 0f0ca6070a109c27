"""From a release without slot keys to this one, back, and forward again."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing

import pytest
from sqlite_utils import Migrations

from edge_daemon.app.erasure.pending import is_work_left
from edge_daemon.app.erasure.removal import finish_erasures, remove_students
from edge_daemon.app.upkeep.maintenance import back_up
from edge_daemon.device.secrets import device_key
from edge_daemon.errors import StoreError
from edge_daemon.gallery import data_keys, erasure
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store import database
from edge_daemon.store import gallery as tables
from edge_daemon.store.backup import backups
from edge_daemon.store.database import open_gallery
from edge_daemon.store.gallery import Tombstone
from edge_daemon.store.migrations import GALLERY, Schema
from edge_daemon.timestamps import stored
from tests.app.erasure.room import LATER, NOW, Room


def old_release() -> Schema:
    """Return the gallery's schema of the earlier release."""
    before = Migrations("gallery")
    before._migrations = GALLERY.migrations._migrations[:1]  # there is no other way to have fewer
    return dataclasses.replace(GALLERY, version=1, migrations=before)


@pytest.fixture
def room(tmp_path, monkeypatch) -> Room:
    """A gallery of the earlier release, wrapped with the device key alone, and with a removed student."""
    room = Room(tmp_path / "home", tmp_path / "office")
    key = device_key(room.home.key_path)
    with monkeypatch.context() as patched:
        patched.setattr(database, "GALLERY", old_release())
        db = open_gallery(room.home.gallery_db_path)
        with closing(db.conn):
            # The old schema has no table of leavers and the old import no slot key: students are put in row by row.
            store = GalleryStore(db, key)
            patched.setattr(GalleryStore, "begin_slot_keys", lambda self: None)
            for missing in ("leavers", "enrolment_periods", "notes", "phrases"):
                db.conn.execute(
                    f"CREATE TEMP TABLE {missing} (student_id TEXT, course TEXT, begins_on TEXT, ends_before TEXT)"
                )
            room.school.enrol(store)
            mark = Tombstone(data_keys.plain_fingerprint("S9"), "0" * 64, "student", stored(NOW))
            tables.erase(db, [mark], [], [])
            db.conn.execute("DELETE FROM meta WHERE key = 'renewal'")
            db.conn.commit()
            erasure.append_to_file(db, [mark])
    back_up(room.home, NOW)
    return room


def meta(room: Room) -> dict[str, str]:
    with closing(sqlite3.connect(room.home.gallery_db_path)) as db:
        return dict(db.execute("SELECT key, value FROM meta"))


def generations(room: Room) -> set[int]:
    with closing(sqlite3.connect(room.home.gallery_db_path)) as db:
        return {data_keys.generation_of(row[0]) for row in db.execute("SELECT wrapped_key FROM student_keys")}


def files(room: Room) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(room.home.state_dir.rglob("*")) if path.is_file()}


def opens_with_the_old_release(room: Room, monkeypatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(database, "GALLERY", old_release())
        open_gallery(room.home.gallery_db_path, create=False).conn.close()


def test_until_the_new_release_has_proved_itself_the_old_one_can_come_back(room, monkeypatch):
    assert room.recognised() == ["S1", "S2"]
    finish_erasures(room.home, LATER)  # what each start of the service does
    assert is_work_left(room.home)
    assert generations(room) == {0}
    assert meta(room)["readable_from"] == "1"
    opens_with_the_old_release(room, monkeypatch)


def test_the_upgrade_wraps_every_key_again_and_replaces_backups_and_hashes(room):
    before = room.enrolled()
    finish_erasures(room.home, LATER, upgrade=True)
    assert generations(room) == {1}
    assert room.enrolled() == before
    assert room.recognised() == ["S1", "S2"]
    assert [copy.taken_at for copy in backups(room.home.backup_dir, "gallery")] == [LATER]
    assert not is_work_left(room.home)
    plain = data_keys.plain_fingerprint("S9").encode()
    assert not [name for name, content in files(room).items() if plain in content]
    store = room.gallery()
    with closing(store.db.conn):
        assert store.removed_ids(["S9", "S1"]) == {"S9": NOW}


def test_the_old_release_refuses_the_gallery_in_one_line_and_changes_nothing(room, monkeypatch):
    finish_erasures(room.home, LATER, upgrade=True)
    before = files(room)
    with pytest.raises(StoreError) as refusal:
        opens_with_the_old_release(room, monkeypatch)
    assert refusal.value.line() == (
        f"{room.home.gallery_db_path}: was written by a newer version (readable from schema 3, this program has 1);"
        " install the newer version again"
    )
    assert files(room) == before
    assert room.recognised() == ["S1", "S2"], "forward again reads everything"


def test_a_removal_before_the_upgrade_was_due_wraps_at_once(room):
    remove_students(room.home, ["S1"], LATER)
    assert generations(room) == {1}
    assert room.recognised() == ["S2"]
    assert room.slots()["gallery.keys"] == [1]


def test_with_another_device_key_nothing_is_wrapped_and_nothing_lost(room):
    right = room.home.key_path.read_bytes()
    room.home.key_path.write_bytes(bytes(32))
    result = finish_erasures(room.home, LATER, upgrade=True)
    assert "does not open with this device's key" in result.problem
    assert generations(room) == {0}
    room.home.key_path.write_bytes(right)
    assert room.recognised() == ["S1", "S2"]
    finish_erasures(room.home, LATER, upgrade=True)
    assert generations(room) != {0}
    assert room.recognised() == ["S1", "S2"]
