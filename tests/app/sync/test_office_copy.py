"""The copy for a room without network: all documents for the office, in a folder."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from edge_daemon.app.capture.plan_recorder import plan_ahead
from edge_daemon.app.service.commitment_publisher import publish_commitments
from edge_daemon.app.sync.office_copy import CopyResult, copy_all
from edge_daemon.errors import DeliveryError
from edge_daemon.store import outbox
from edge_daemon.store.database import open_register
from tests.registers import SEEDS, SIGNER, START, a_lesson, a_register, keep
from tests.sync_device import DEVICE, NOW, a_device, add_lessons, made_registers


@pytest.fixture
def home(tmp_path):
    return a_device(tmp_path / "home", None)


@pytest.fixture
def db(home):
    return open_register(home.register_db_path)


@pytest.fixture
def stick(tmp_path):
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def room_of(stick):
    return stick / "v1" / "devices" / DEVICE


def test_each_register_lies_where_a_server_would_have_it_byte_for_byte(home, db, stick):
    assert copy_all(home, db, stick, NOW) == CopyResult(new=3, there=0)
    found = {(p.parent.name, int(p.stem)): p.read_bytes() for p in room_of(stick).glob("registers/*/*.json")}
    assert found == made_registers(home)
    assert json.loads((room_of(stick) / "key.json").read_text())["public_key"] == SIGNER.public_key
    assert (room_of(stick) / "days" / f"{START:%Y-%m-%d}.json").is_file()
    assert not [p for p in stick.rglob("*") if p.name.startswith(".")]


def test_copied_items_do_not_count_as_delivered_and_the_copied_status_shows_none_waiting(home, db, stick):
    copy_all(home, db, stick, NOW)
    assert {one.state for one in outbox.listed(db, outbox.STATES)} == {"waiting"}
    status = json.loads((room_of(stick) / "status.json").read_text())
    assert (status["queue"]["upstream"]["waiting"], status["queue"]["upstream"]["oldest"]) == (0, None)


def test_promises_of_coming_lessons_are_copied_too(home, db, stick):
    coming = [replace(a_lesson(NOW + timedelta(hours=2)), device=DEVICE)]
    plan_ahead(db, coming, 100, NOW, SEEDS)
    publish_commitments(db, lambda: SIGNER, NOW)
    assert copy_all(home, db, stick, NOW) == CopyResult(new=4, there=0)
    (promise,) = room_of(stick).glob("commitments/*.json")
    assert json.loads(promise.read_bytes())["plans"][0]["lesson_id"] == coming[0].lesson_id


def test_the_next_visit_copies_what_is_new(home, db, stick):
    copy_all(home, db, stick, NOW)
    add_lessons(home, [5])
    assert copy_all(home, db, stick, NOW + timedelta(days=1)) == CopyResult(new=1, there=3)


def test_a_rehearsal_stays_here(home, db, stick):
    register, sightings = a_register(a_lesson(START + timedelta(days=1), origin="rehearsal"), {"a": 1.0})
    keep(db, register, sightings)
    assert copy_all(home, db, stick, NOW) == CopyResult(new=3, there=0, rehearsals=1)


def test_another_document_of_that_name_is_never_overwritten(home, db, stick):
    copy_all(home, db, stick, NOW)
    (path, *_) = sorted(room_of(stick).glob("registers/*/*.json"))
    path.write_bytes(b"{}")
    with pytest.raises(DeliveryError, match="another document has that name"):
        copy_all(home, db, stick, NOW)
    assert path.read_bytes() == b"{}"


def test_a_stick_that_takes_nothing_is_one_line_and_leaves_no_part(home, db, stick):
    (stick / "v1").write_text("a file where the folder should be")
    with pytest.raises(DeliveryError, match="can't be written: Not a directory"):
        copy_all(home, db, stick, NOW)
    assert [p.name for p in stick.iterdir()] == ["v1"]
