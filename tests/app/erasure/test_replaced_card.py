"""A replaced card: the data that returns with a copy of its state, or with a copy from before the last removal."""

from __future__ import annotations

import shutil
from contextlib import closing

import pytest

from edge_daemon.app.erasure.removal import finish_erasures, remove_students, renew_keys
from edge_daemon.app.upkeep.maintenance import open_databases
from edge_daemon.errors import KeyFileError
from edge_daemon.store.backup import backups
from tests.app.erasure.room import LATER, Room
from tests.cli.running import run


@pytest.fixture
def room(tmp_path) -> Room:
    room = Room(tmp_path / "home", tmp_path / "office")
    room.enrol()
    return room


def test_the_state_of_the_dead_card_with_the_device_key_of_the_safe_opens_on_the_new_one(room, tmp_path):
    new = room.copied_to(tmp_path / "new card")
    before = new.slots()
    assert new.recognised() == ["S1", "S2"]
    result = run(new.home.state_dir, "maintain", "renew-keys")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("keys renewed; 1 earlier backups of the gallery were deleted; gallery-000002-")
    assert new.recognised() == ["S1", "S2"]
    assert set(new.contacts()) == {"S1", "S2", "S3"}
    assert new.slots() == {name: [one + 1 for one in generations] for name, generations in before.items()}


def test_a_gallery_copied_before_the_last_removal_is_refused_in_one_line_and_nothing_is_changed(room, tmp_path):
    earlier = room.copied_to(tmp_path / "earlier")
    remove_students(room.home, ["S1"], LATER)
    copies = backups(room.home.backup_dir, "gallery")
    shutil.copy(earlier.home.gallery_db_path, room.home.gallery_db_path)
    slots = room.home.gallery_slots_path.read_bytes()
    for _ in range(2):
        result = run(room.home.state_dir, "enrol", "list")
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert "has no key of generation 1: it was destroyed by an erasure" in line
        assert room.home.gallery_slots_path.read_bytes() == slots
    with pytest.raises(KeyFileError):
        renew_keys(room.home, LATER)
    assert "no key of generation 1" in finish_erasures(room.home, LATER).problem
    assert room.home.gallery_slots_path.read_bytes() == slots
    assert backups(room.home.backup_dir, "gallery") == copies, "the copy of the right gallery is still there"
    room.home.gallery_db_path.unlink()
    open_databases(room.home, LATER).register_db.conn.close()
    assert room.recognised() == ["S2"], "the start of the service brings it back"


def test_a_state_without_its_slot_keys_is_enrolled_again(room, tmp_path):
    room.home.gallery_slots_path.unlink()
    assert run(room.home.state_dir, "enrol", "list").exit_code == 2
    room.home.gallery_db_path.rename(tmp_path / "away.sqlite")
    shutil.rmtree(room.home.backup_dir)
    store = room.gallery()
    with closing(store.db.conn):
        room.school.enrol(store)
    finish_erasures(room.home, LATER)
    assert room.recognised() == ["S1", "S2"]
