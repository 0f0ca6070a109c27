"""The office's list of removals works like `enrol remove`, and the device confirms it."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing

import pytest

from edge_daemon.app.collect.heartbeat_text import read_heartbeat
from edge_daemon.app.inbox.apply import apply_inbox
from edge_daemon.app.inbox.removal_list import waiting_path
from edge_daemon.app.inbox.waiting import inbox_dir
from edge_daemon.app.sync.heartbeat import heartbeat
from edge_daemon.store.backup import backups
from edge_daemon.store.database import open_register
from tests.app.erasure.room import LATER, Room
from tests.cli.running import run


def removals(*student_ids: str) -> bytes:
    return json.dumps({"schema": 1, "removals": [{"student_id": one} for one in student_ids]}).encode()


@pytest.fixture
def room(tmp_path) -> Room:
    room = Room(tmp_path / "home", tmp_path / "office")
    room.enrol()
    return room


def put(room: Room, data: bytes) -> None:
    inbox_dir(room.home).mkdir(exist_ok=True)
    (inbox_dir(room.home) / "removals.json").write_bytes(data)


def apply(room: Room, data: bytes):
    put(room, data)
    (one,) = apply_inbox(room.home, LATER)
    return one


def pulled(room: Room) -> dict[str, object]:
    db = open_register(room.home.register_db_path)
    with closing(db.conn):
        return heartbeat(room.home, db, LATER)["pulled"]["removals.json"]


def test_a_list_removes_who_is_here_and_passes_over_the_rest(room):
    result = apply(room, removals("S1", "elsewhere"))
    assert (result.in_force, result.problem) == (True, "")
    assert result.summary == "1 students removed, 0 were removed before, 1 ids are not known here"
    assert set(room.enrolled()) == {"S2", "S3"}
    assert room.sighted() == {"S2"}
    assert set(room.contacts()) == {"S2", "S3"}
    assert [copy.taken_at for copy in backups(room.home.backup_dir, "gallery")] == [LATER]
    assert not any(inbox_dir(room.home).iterdir())
    store = room.gallery()
    with closing(store.db.conn):
        assert room.school.enrol(store).removed_before == ("S1",)


def test_the_same_list_again_erases_nothing_more(room):
    apply(room, removals("S1"))
    slots = room.slots()
    result = apply(room, removals("S1"))
    assert result.summary == "0 students removed, 1 were removed before, 0 ids are not known here"
    assert room.slots() == slots


def test_a_list_for_more_than_half_of_the_room_waits_for_a_person_on_the_device(room):
    applied = apply(room, removals("S1", "S2"))
    assert not applied.in_force
    assert "would remove 2 of 3 students, and waits" in applied.problem
    assert "S1" not in applied.problem
    assert set(room.enrolled()) == {"S1", "S2", "S3"}
    assert pulled(room)["applied"] is None
    result = run(room.home.state_dir, "maintain", "inbox", "--confirm")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "removals.json: 2 students removed, 0 were removed before, 0 ids are not known here\n"
    assert set(room.enrolled()) == {"S3"}
    assert not waiting_path(room.home).exists()
    assert run(room.home.state_dir, "maintain", "inbox", "--confirm").stdout == "nothing waits\n"


def test_a_smaller_list_that_comes_later_takes_the_place_of_the_one_that_waits(room):
    apply(room, removals("S1", "S2"))
    assert apply(room, removals("S1")).in_force
    run(room.home.state_dir, "maintain", "inbox", "--confirm")
    assert set(room.enrolled()) == {"S2", "S3"}


@pytest.mark.parametrize(
    "data", [b"", b"{}", removals(""), b'{"schema": 1, "device": "another", "removals": []}', b'{"removals": {}}']
)
def test_a_list_that_is_not_one_erases_nothing(room, data):
    result = apply(room, data)
    assert not result.in_force
    assert set(room.enrolled()) == {"S1", "S2", "S3"}


def test_the_office_sees_which_room_has_confirmed_the_list(room, tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()

    def write_status() -> None:
        db = open_register(room.home.register_db_path)
        with closing(db.conn):
            (folder / "status.json").write_text(json.dumps(heartbeat(room.home, db, LATER)))

    write_status()
    assert not read_heartbeat(folder, []).removals_open, "there is no list"
    (folder / "removals.json").write_bytes(removals("S1"))
    assert read_heartbeat(folder, []).removals_open
    apply(room, removals("S1"))
    write_status()
    seen = read_heartbeat(folder, [])
    assert (seen.removals_open, seen.removals_applied) == (False, LATER)
    assert pulled(room)["applied_sha256"] == hashlib.sha256(removals("S1")).hexdigest()
    (folder / "removals.json").write_bytes(removals("S1", "S2"))
    assert read_heartbeat(folder, []).removals_open, "another list"
