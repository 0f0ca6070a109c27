"""A server that was emptied or replaced, and a document's place that somebody else has taken."""

from __future__ import annotations

import json
import shutil
from contextlib import closing

import pytest

from edge_daemon.app.sync.server_watch import look_for_missing
from edge_daemon.store import outbox
from edge_daemon.store.alarms import alarms
from edge_daemon.store.database import open_register
from edge_daemon.store.delivery_file import open_delivery
from edge_daemon.store.sync_note import Notebook
from tests.cli.running import run as command
from tests.office_server import OfficeServer
from tests.sync_device import DEVICE, Clock, a_device, add_lessons, document, held_registers, made_registers, run


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("ca")


@pytest.fixture(params=["api", "webdav"])
def server(request, tmp_path, certificates):
    with OfficeServer(tmp_path / "office", certificates=certificates, kind=request.param) as server:
        yield server


@pytest.fixture
def clock():
    return Clock()


def test_a_server_that_was_emptied_is_sent_everything_again_within_two_syncs(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server, lessons=25)
    clock.forward(days=2)
    run(home, clock)
    assert held_registers(server) == made_registers(home)
    shutil.rmtree(server.folder / "v1")
    (server.folder / "v1").mkdir()
    clock.forward(hours=1)
    run(home, clock)
    clock.forward(hours=1)
    run(home, clock)
    assert held_registers(server) == made_registers(home)


def standing(home) -> dict[str, str]:
    """Return the alarms that `status` and `doctor` read."""
    db = open_register(home.register_db_path)
    with closing(db.conn):
        return {one.name: one.what for one in alarms(db)}


def doctor(home) -> dict[str, str]:
    result = command(home.state_dir, "doctor", "--json")
    return next(one for one in json.loads(result.stdout) if one["name"] == "delivery")


def test_a_server_that_was_emptied_is_noticed_though_a_new_register_arrives_first(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server, lessons=6)
    run(home, clock)
    clock.forward(hours=1)
    run(home, clock)
    shutil.rmtree(server.folder / "v1")
    (server.folder / "v1").mkdir()
    clock.forward(days=1)
    add_lessons(home, range(6, 8))
    run(home, clock)
    clock.forward(minutes=15)
    run(home, clock)
    assert held_registers(server) == made_registers(home)
    assert document(server, "key.json")
    assert any("/days/" in path for path in server.documents())


def test_doctor_says_that_documents_are_missing_until_they_are_there_again(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server, lessons=4)
    run(home, clock)
    shutil.rmtree(server.folder / "v1")
    (server.folder / "v1").mkdir()
    clock.forward(hours=1)
    run(home, clock)
    assert standing(home)["missing"].startswith("4 documents that the office's server had are missing there")
    found = doctor(home)
    assert found["state"] == "bad"
    assert "missing there" in found["found"]
    assert "outbox resend --since" in found["advice"]
    clock.forward(hours=1)
    run(home, clock)
    assert standing(home) == {}
    assert doctor(home)["state"] == "good"


def test_a_key_that_was_replaced_is_noticed_put_right_and_an_alarm_for_a_week(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server)
    run(home, clock)
    own = document(server, "key.json")
    place = server.folder / f"v1/devices/{DEVICE}/key.json"
    place.write_text(json.dumps({**own, "public_key": "ab" * 32}))
    clock.forward(hours=1)
    run(home, clock)
    assert document(server, "key.json") == own
    assert "key.json on the office's server was replaced" in standing(home)["key"]
    assert document(server, "status.json")["alarms"]["key"]["what"] == standing(home)["key"]
    assert doctor(home)["state"] == "bad"
    clock.forward(days=6)
    run(home, clock)
    assert "key" in standing(home)
    clock.forward(days=2)
    run(home, clock)
    assert standing(home) == {}


def test_a_key_that_is_as_it_was_left_costs_one_request(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server)
    for _ in range(2):
        run(home, clock)
        clock.forward(hours=1)
    server.seen.clear()
    server.answered.clear()
    run(home, clock)
    assert [one.method for one in server.seen if one.path.endswith("key.json")] == ["GET"]
    assert [one.status for one in server.answered if one.path.endswith("key.json")] == [304]


def test_where_nothing_is_missing_the_check_is_one_request_and_sends_nothing(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server)
    run(home, clock)
    server.seen.clear()
    clock.forward(hours=1)
    run(home, clock)
    assert [one.method for one in server.seen if "/registers/" in one.path] == ["HEAD"]


def test_one_of_the_last_registers_that_is_gone_is_sent_again_alone(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server, lessons=25)
    clock.forward(days=2)
    run(home, clock)
    db = open_register(home.register_db_path)
    newest = db.execute("SELECT lesson_id FROM registers ORDER BY ledger_position DESC LIMIT 1").fetchone()[0]
    db.conn.close()
    (gone,) = server.folder.rglob(f"{newest}/1.json")
    gone.unlink()
    clock.forward(hours=1)
    server.seen.clear()
    run(home, clock)
    assert held_registers(server) == made_registers(home)
    assert len({one.path for one in server.seen if one.method == "PUT" and "/registers/" in one.path}) == 1


def test_resend_since_a_day_sends_again_what_the_server_had(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server, lessons=8)
    clock.forward(days=2)
    run(home, clock)
    for path in sorted(server.folder.rglob("registers/*/1.json"))[:4]:
        path.unlink()
    result = command(home.state_dir, "outbox", "resend", "--since", "2026-11-01")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("8 documents are sent again at the next sync")
    clock.forward(hours=1)
    run(home, clock, eager=True)
    assert held_registers(server) == made_registers(home)
    late = command(home.state_dir, "outbox", "resend", "--since", "2030-01-01")
    assert late.stdout.startswith("0 documents")


def test_a_place_that_another_has_taken_is_an_alarm_and_delivered_once_it_is_free(server, tmp_path, clock, caplog):
    home = a_device(tmp_path / "home", server)
    taken = sorted(made_registers(home))[1]
    place = server.folder / f"v1/devices/room 204/registers/{taken[0]}/1.json"
    place.parent.mkdir(parents=True)
    place.write_text('{"somebody": "else"}')
    result = run(home, clock)
    assert result.needs_a_person
    assert "holds another document there" in result.line()
    assert "place of a document is taken" in caplog.text
    clock.forward(hours=2)
    run(home, clock)
    assert place.read_text() == '{"somebody": "else"}', "nothing is overwritten"
    assert taken[0] in standing(home)["place"]
    assert "place" in document(server, "status.json")["alarms"]
    assert doctor(home)["state"] == "bad"
    status = command(home.state_dir, "status")
    assert "another document is at the place of register" in " ".join(status.stdout.split())
    place.unlink()
    clock.forward(hours=2)
    run(home, clock)
    assert held_registers(server) == made_registers(home)
    assert standing(home) == {}, "it was delivered, and the alarm is over"


def test_an_emptied_server_that_does_not_answer_once_is_sent_everything_again(server, tmp_path, clock):
    """A document without an answer counts as missing; otherwise all documents before the last twenty would be lost."""
    home = a_device(tmp_path / "home", server, lessons=25)
    run(home, clock)
    clock.forward(hours=1)
    answers = iter([False, False, None])
    db = open_delivery(home.delivery_db_path, home.register_db_path)
    with closing(db.conn):
        delivered = outbox.newest_delivered(db, 1000)
        look_for_missing(db, lambda *_: next(answers, False), Notebook(), clock())
        assert outbox.newest_delivered(db, 1000) == []
        assert len(delivered) >= 25
