"""The index of a day in a folder: the documents that it names, and the effect of a power cut or a refusal."""

from __future__ import annotations

import hashlib
import json

import pytest

from edge_daemon.store.sync_note import read_note
from tests.office_server import OfficeServer
from tests.sync_device import Clock, a_device, add_lessons, run

INDEX = "v1/devices/room 204/days/delivered/2026-11-16.json"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def folder(tmp_path, certificates):
    with OfficeServer(tmp_path / "office", certificates=certificates, kind="webdav") as server:
        yield server


def index_entries(server: OfficeServer, index: str = INDEX) -> dict[str, str]:
    document = json.loads(server.documents()[index])
    assert (document["schema"], document["device"], document["left_out"]) == (1, "room 204", 0)
    return {f"v1/devices/room 204/{row['path']}": row["sha256"] for row in document["documents"]}


def stored_registers(server: OfficeServer) -> dict[str, str]:
    documents = server.documents().items()
    return {path: hashlib.sha256(body).hexdigest() for path, body in documents if "/registers/" in path}


def test_the_index_names_what_was_delivered_on_each_day_and_is_sent_when_it_changes(folder, tmp_path):
    clock = Clock()
    home = a_device(tmp_path / "home", folder)
    run(home, clock)
    assert index_entries(folder) == stored_registers(folder)
    assert len(index_entries(folder)) == 3
    folder.seen.clear()
    run(home, clock)
    assert not [one for one in folder.seen if "/delivered/" in one.path]
    before = stored_registers(folder)
    clock.forward(days=1)
    add_lessons(home, range(3, 5))
    run(home, clock)
    second = index_entries(folder, INDEX.replace("-16", "-17"))
    assert second == {path: sha256 for path, sha256 in stored_registers(folder).items() if path not in before}
    puts = [one.path for one in folder.seen if one.method == "PUT" and "/delivered/" in one.path]
    assert len(puts) == 1  # the index of yesterday stays
    clock.forward(days=9)
    run(home, clock)
    assert not [path for path in read_note(home.delivery_dir).documents if "/delivered/" in path]


def test_a_run_that_ends_before_the_index_leaves_it_to_the_next_one(folder, tmp_path):
    home, clock = a_device(tmp_path / "home", folder), Clock()
    run(home, clock, stopping=lambda: len(stored_registers(folder)) == 3)
    assert len(stored_registers(folder)) == 3
    assert INDEX not in folder.documents()
    run(home, clock)
    assert index_entries(folder) == stored_registers(folder)


@pytest.mark.parametrize("fault", ["403", "500", "answer-lost"])
def test_an_index_that_is_not_taken_stops_nothing_and_is_sent_again(folder, tmp_path, fault):
    home, clock = a_device(tmp_path / "home", folder), Clock()
    folder.sticky["PUT", "/days/delivered/"] = fault
    result = run(home, clock)
    assert result.line() == "upstream: 3 delivered"
    folder.sticky.clear()
    run(home, clock)
    assert index_entries(folder) == stored_registers(folder)


def test_a_server_that_knows_itself_what_came_gets_no_index_and_old_names_are_left_out(tmp_path, certificates):
    clock = Clock()
    with OfficeServer(tmp_path / "api", certificates=certificates) as api:
        run(a_device(tmp_path / "home", api), clock)
        assert not [path for path in api.documents() if "/delivered/" in path]
    with OfficeServer(tmp_path / "dav", certificates=certificates, kind="webdav") as server:
        home = a_device(tmp_path / "renamed", server)
        text = home.config_path.read_text("utf-8")
        home.config_path.write_text(text.replace("room 204", "room 205"), "utf-8")
        run(home, clock)
        assert len(stored_registers(server)) == 3
        assert not [path for path in server.documents() if "/delivered/" in path]
