"""Day indexes: without news no folder is listed, and no index, whatever it says, hides a document for good."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_daemon_office.home import ServerSettings
from edge_daemon_office.ingest.day_index import index_text
from edge_daemon_office.ingest.keys import pin
from edge_daemon_office.ingest.run import ingest, rebuild
from edge_daemon_office.ingest.server_copy import bring_documents
from edge_daemon_office.registers.models import Lesson, Problem
from tests.office.school_tree import pinned_room
from tests.office_server import OfficeServer
from tests.office_tree import OfficeRoom
from tests.registers import START

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
TODAY = date(2026, 11, 20)


def deliver(room: OfficeRoom, number: int) -> Path:
    return room.deliver(room.register(START + timedelta(hours=number), {f"{room.device}1": 0.9}))


def put_index(room: OfficeRoom, documents: list[Path], *, on: date = TODAY, left_out: int = 0, text: str = "") -> Path:
    """Write the index of a day as the device does."""
    folder = room.root / "v1" / "devices" / room.device
    rows = {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in documents}
    place = f"v1/devices/{room.device}/days/delivered/{on.isoformat()}.json"
    return room.put(place, text or index_text(room.device, on, rows, left_out))


def test_until_the_next_day_only_what_an_index_names_is_looked_at(office):
    school = office.schools["north"]
    room = pinned_room(school, "a")
    documents = [deliver(room, 0), deliver(room, 1)]
    put_index(room, documents)
    assert ingest(school, NOW).registers == 2
    hidden = deliver(room, 2)
    assert ingest(school, NOW + timedelta(hours=1)).documents == 0  # no folder was listed
    documents.append(deliver(room, 3))
    put_index(room, documents)
    assert ingest(school, NOW + timedelta(hours=2)).registers == 1
    hidden.parent.rename(hidden.parent.with_name(".gone"))
    assert ingest(school, NOW + timedelta(days=1, minutes=1)).documents == 0
    hidden.parent.with_name(".gone").rename(hidden.parent)
    assert ingest(school, NOW + timedelta(days=2, minutes=2)).registers == 1  # without any index that names it
    assert ingest(school, NOW).documents == 0  # a clock that was set back lists everything
    documents[0].unlink()
    assert rebuild(school, NOW).registers == 3


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"schema":2}', '{"schema":1,"left_out":1,"documents":[]}', "[" * 2000]
    + [
        json.dumps({"schema": 1, "left_out": 0, "documents": [{"path": path, "sha256": ""}]})
        for path in ("../../b/registers/x/1.json", "registers/../1.json", "registers/x/.1.json", "status.json", 7)
    ],
)
def test_an_index_that_is_none_makes_the_office_list_the_folder(office, text):
    school = office.schools["north"]
    room = pinned_room(school, "a")
    put_index(room, [deliver(room, 0)])
    assert ingest(school, NOW).registers == 1
    deliver(room, 1)
    put_index(room, [], text=text or " ")
    assert ingest(school, NOW).registers == 1
    assert ingest(school, NOW).documents == 0
    assert not Problem.objects.exists()


def test_an_index_that_arrives_before_its_documents_is_read_again(office):
    school = office.schools["north"]
    room = pinned_room(school, "a")
    first = deliver(room, 0)
    put_index(room, [first])
    assert ingest(school, NOW).registers == 1
    second = deliver(room, 1)
    put_index(room, [first, second])
    second.rename(second.with_name("half"))
    assert ingest(school, NOW).documents == 0
    second.with_name("half").rename(second)
    assert ingest(school, NOW).registers == 1


def test_a_document_that_was_half_written_is_read_again_though_no_index_changes(office):
    school = office.schools["north"]
    room = OfficeRoom(school.tree, "a")
    pin(school.keys, "a", room.signer.public_key)
    put_index(room, [deliver(room, 0)])
    ingest(school, NOW)
    late = deliver(room, 1)
    whole = late.read_bytes()
    late.write_bytes(whole[:100])
    put_index(room, [late], on=date(2026, 11, 21))
    assert ingest(school, NOW + timedelta(minutes=1)).problems == 1
    late.write_bytes(whole)
    found = ingest(school, NOW + timedelta(minutes=2))
    assert (found.registers, found.problems) == (1, 0)
    assert ingest(school, NOW + timedelta(minutes=3)).documents == 0


def test_a_removed_document_and_a_new_key_are_not_hidden_by_an_index(office):
    school = office.schools["north"]
    room = OfficeRoom(school.tree, "a")
    document = deliver(room, 0)
    put_index(room, [document])
    assert ingest(school, NOW).registers == 0
    pin(school.keys, "a", room.signer.public_key)
    assert ingest(school, NOW).registers == 1
    document.unlink()
    assert ingest(school, NOW).problems == 0
    assert ingest(school, NOW + timedelta(days=1, minutes=1)).problems == 1
    put_index(room, [], on=date(2026, 11, 21))
    document.touch()
    assert ingest(school, NOW + timedelta(days=1, minutes=2)).documents == 1  # what is odd is looked at each time


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def folders(office, tmp_path, certificates):
    """A server of folders with five rooms, all of a while ago, and a school whose tree is a copy of it."""
    with OfficeServer(tmp_path / "server", certificates=certificates, kind="webdav") as server:
        settings = ServerSettings(server.url, "secret-token", ca_file=str(server.ca_file), kind="webdav")
        school = replace(office.schools["north"], server=settings)
        rooms = [OfficeRoom(server.folder, name) for name in "abcde"]
        for room in rooms:
            pin(school.keys, room.device, room.signer.public_key)
            put_index(room, [deliver(room, 0), deliver(room, 1)])
            room.heartbeat(NOW)
        age_files(server)
        yield office, school, server, rooms


def put_heartbeat(room: OfficeRoom, minute: int) -> None:
    """Replace the heartbeat as a server does, which changes the time of the folder."""
    os.utime(room.heartbeat(NOW + timedelta(minutes=minute)).parent)


def age_files(server: OfficeServer, seconds: float = 600) -> None:
    """Give everything that was changed just now a time of change a while ago: times have whole seconds."""
    at = time.time() - seconds
    for path in [server.folder, *server.folder.rglob("*")]:
        if path.stat().st_mtime > at:
            os.utime(path, (at, at))


def requests_of(server: OfficeServer) -> list[str]:
    found = [f"{one.method} {one.path.removeprefix('/office/v1/devices/')}" for one in server.seen]
    server.seen.clear()
    return found


def test_without_news_a_server_of_folders_gets_at_most_five_requests(folders):
    office, school, server, rooms = folders
    assert bring_documents(office, school) == []
    assert ingest(school, NOW).registers == 10
    requests_of(server)
    assert bring_documents(office, school) == []
    assert len(requests_of(server)) <= 5
    assert ingest(school, NOW).documents == 0
    first = [path for path in server.folder.rglob("registers/*/1.json") if "/a/" in str(path)]
    put_index(rooms[0], [*first, deliver(rooms[0], 2)])
    put_heartbeat(rooms[0], 1)
    age_files(server, 500)
    assert bring_documents(office, school) == []
    requests = requests_of(server)
    assert len(requests) <= 8
    assert len([one for one in requests if "/registers/" in one]) == 1
    assert not [one for one in requests if one.startswith("PROPFIND") and one.endswith("/registers/")]
    assert ingest(school, NOW).registers == 1


def test_a_device_without_indexes_and_a_wrong_index_are_brought_by_listing(folders):
    office, school, server, rooms = folders
    deliver(rooms[1], 5)
    put_index(rooms[1], [], text='{"schema": 1, "left_out": 1, "documents": []}')
    (server.folder / "v1/devices/c/days/delivered/2026-11-20.json").unlink()
    assert bring_documents(office, school) == []
    assert ingest(school, NOW).registers == 11
    deliver(rooms[2], 5)
    put_heartbeat(rooms[2], 1)
    deliver(rooms[3], 5)  # and no index says so
    age_files(server, 300)
    assert bring_documents(office, school) == []
    assert ingest(school, NOW).registers == 1
    for note in school.tree.glob("v1/devices/*/.copy.json"):
        content = json.loads(note.read_text("utf-8"))
        note.write_text(json.dumps({**content, "listed_at": "2026-11-01T00:00:00Z"}), "utf-8")
    put_heartbeat(rooms[3], 2)
    assert bring_documents(office, school) == []
    assert ingest(school, NOW).registers == 1


def test_a_server_whose_folders_keep_their_time_is_looked_at_room_by_room(folders):
    office, school, server, rooms = folders
    assert bring_documents(office, school) == []
    put_index(rooms[4], [deliver(rooms[4], 7)])
    age_files(server, 550)
    os.utime(server.folder / "v1/devices/e", (time.time() - 600,) * 2)
    state = school.tree / ".server.json"
    content = json.loads(state.read_text("utf-8"))
    for place, name in enumerate("abcde"):
        os.utime(server.folder / "v1/devices" / name, (1_700_000_000, 1_700_000_000))
        content["rooms"][name] = ["time Tue, 14 Nov 2023 22:13:20 GMT|4096", f"2026-11-01T00:0{place}:00Z"]
    state.write_text(json.dumps(content), "utf-8")
    requests_of(server)
    for _ in range(5):
        assert bring_documents(office, school) == []
    assert len(requests_of(server)) == 5 + 5 * 3 + 2  # lists, rooms, and in the last one the index and its document
    assert ingest(school, NOW).registers == 11


def test_a_run_over_folders_that_is_cut_goes_on(folders):
    office, school, server, _ = folders
    server.sticky["GET", "/b/registers/"] = "503"
    assert len(bring_documents(office, school)) == 2
    assert ingest(school, NOW).registers == 8
    server.sticky.clear()
    assert bring_documents(office, school) == []
    assert ingest(school, NOW).registers == 2
    server.sticky["PROPFIND", "/v1/devices/"] = "401"
    with pytest.raises(Exception, match="refuses the login"):
        bring_documents(office, school)
    assert Lesson.objects.count() == 10


def test_a_folder_that_cannot_be_listed_stops_no_other(folders):
    office, school, server, _ = folders
    server.sticky["PROPFIND", "/b/registers/"] = "403"
    for _ in range(2):
        assert [one.partition(": ")[2] for one in bring_documents(office, school)] == [
            "can't list its folders (status 403)"
        ]
    assert ingest(school, NOW).registers == 8
    server.sticky.clear()
    assert bring_documents(office, school) == []
    assert ingest(school, NOW).registers == 2
