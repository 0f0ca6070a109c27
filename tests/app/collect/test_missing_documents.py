"""Documents that were removed from a room's folder are named: a revision, a lesson, the end of the ledger."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from edge_daemon.app.collect.proof_index import ProofIndex
from edge_daemon.app.collect.room_documents import RoomReader
from edge_daemon.app.collect.spill import Spill
from tests.office_tree import OfficeRoom
from tests.registers import START

SHARES = {"S1": 0.9, "S2": 0.1}


@pytest.fixture
def room(tmp_path) -> OfficeRoom:
    """Five lessons, the third with a correction, and a heartbeat that describes them."""
    room = OfficeRoom(tmp_path, "room 1")
    room.paths = []
    for number in range(5):
        register = room.register(START + timedelta(days=number), SHARES)
        room.promise([register.lesson], register.lesson.start - timedelta(hours=12), register.plan.seed_sha256)
        room.paths.append(room.deliver(register))
        if number == 2:
            room.correct(register, "S2", "present")
    put_heartbeat(room, room.paths[-1], 6)
    return room


def put_heartbeat(room: OfficeRoom, last: Path, registers: int, waiting: int = 0) -> None:
    sha256 = hashlib.sha256(last.read_bytes()).hexdigest()
    newest = {"lesson_id": last.parent.name, "revision": int(last.stem), "sha256": sha256}
    queue = {"upstream": {"state": "open", "answer": "", "waiting": waiting, "held": 0, "parked": 0, "oldest": None}}
    room.heartbeat(START + timedelta(days=6), registers=registers, last_register=newest, queue=queue)


def problems_of(room: OfficeRoom) -> list[str]:
    (folder,) = (room.root / "v1" / "devices").iterdir()
    with Spill() as spill, ProofIndex(None) as index:
        found = RoomReader(None, None, index, spill).read(folder)
    assert all(one.where.startswith(("room 1", "room%201")) for one in found.problems)
    return [one.what for one in found.problems]


COUNT = "the device has 6 registers by its heartbeat, {} are here"


def test_a_complete_folder_has_no_problems(room):
    assert problems_of(room) == []


def test_a_removed_lesson_is_named_by_the_one_that_follows_it(room):
    room.paths[1].unlink()
    before = "the register that the device made before it is not here: it was removed, or is a rehearsal"
    assert problems_of(room) == [COUNT.format(5), before]


def test_a_removed_first_revision_is_named(room):
    room.paths[2].unlink()
    assert "revision 1 is not here; revision 2 is taken" in problems_of(room)


def test_a_cut_off_end_is_named_by_the_heartbeat(room):
    for path in room.paths[3:]:
        path.unlink()
    assert problems_of(room) == [COUNT.format(4), "revision 1, the newest of the device by its heartbeat, is not here"]


def test_documents_that_still_wait_on_the_device_are_not_missing(room):
    last = room.paths[4]
    put_heartbeat(room, last, 6, waiting=2)
    last.unlink()
    assert problems_of(room) == []


def test_a_removed_commitment_is_named(room):
    sorted((room.root / "v1" / "devices").rglob("commitments/*"))[1].unlink()
    assert problems_of(room) == ["1 commitments are missing that others follow"]


def test_a_rehearsal_that_stayed_on_the_device_is_reported_as_a_possible_cause_of_a_gap(room):
    """The chain contains it, but the folder does not; the report names both possible causes."""
    room._previous = hashlib.sha256(b"a rehearsal").hexdigest()
    put_heartbeat(room, room.deliver(room.register(START + timedelta(days=5), SHARES)), 8)
    assert any("or is a rehearsal" in line for line in problems_of(room))


@pytest.mark.parametrize("registers", [None, -1, True, 1e300, "6", 2**70, [6]])
def test_a_heartbeat_with_nonsense_names_nothing_and_ends_nothing(room, registers):
    room.heartbeat(START, registers=registers, last_register=[1], queue="open")
    assert problems_of(room) == []
