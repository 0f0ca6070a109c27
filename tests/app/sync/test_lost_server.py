"""A server that was emptied, or is another one; and a place that somebody else has taken."""

from __future__ import annotations

import shutil

import pytest

from edge_daemon.store.database import open_register
from tests.cli.running import run as command
from tests.office_server import OfficeServer
from tests.sync_device import Clock, a_device, held_registers, made_registers, run


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


def test_where_nothing_is_missing_it_is_one_request_and_nothing_is_sent(server, tmp_path, clock):
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
    run(home, clock)
    server.seen.clear()
    clock.forward(hours=1)
    run(home, clock)
    assert held_registers(server) == made_registers(home)
    assert len({one.path for one in server.seen if one.method == "PUT" and "/registers/" in one.path}) == 1


def test_resend_since_a_day_sends_again_what_the_server_had(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server, lessons=8)
    clock.forward(days=2)
    run(home, clock)
    for path in sorted(server.folder.rglob("registers/*/1.json"))[:4]:
        path.unlink()
    done = command(home.state_dir, "outbox", "resend", "--since", "2026-11-01")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("8 documents are sent again at the next sync")
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
    place.unlink()
    clock.forward(hours=2)
    run(home, clock)
    assert held_registers(server) == made_registers(home)
