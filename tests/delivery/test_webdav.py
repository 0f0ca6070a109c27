"""Documents to a folder of a server without receipts, such as nginx or Nextcloud."""

from __future__ import annotations

import pytest

from tests.delivery.upstreams import BODY, PLACE, upstream
from tests.office_server import OfficeServer


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(params=["nginx", "nextcloud"])
def server(request, tmp_path, certificates):
    with OfficeServer(
        tmp_path / "office",
        certificates=certificates,
        kind="webdav",
        username="room-1",
        token="p\u00e4ssword",
        knows_if_none_match=request.param == "nextcloud",
        full_put_path=request.param == "nginx",
        packs=request.param == "nginx",
    ) as office:
        yield office


@pytest.fixture
def office(server):
    with upstream(server, token=server.token) as one:
        yield one


def put(office, path=PLACE, body=BODY):
    return office.put(path, body, write_once=True)


def test_a_document_arrives_unpacked_and_is_read_back(server, office):
    assert put(office).name == "delivered"
    assert server.documents() == {PLACE: BODY}
    assert server.seen[-1].method == "GET"
    assert all("Content-Encoding" not in one.headers for one in server.seen)


@pytest.mark.parametrize("status", [404, 409, 500])
def test_folders_are_made_once(tmp_path, certificates, status):
    with OfficeServer(tmp_path / "o", certificates=certificates, kind="webdav") as server, upstream(server) as office:
        server.no_folder_status = status
        for revision in (1, 2, 3):
            assert put(office, PLACE.replace("1.json", f"{revision}.json")).name == "delivered"
        folders_made = [one.path for one in server.seen if one.method == "MKCOL"]
    assert folders_made == [
        "/office/v1/",
        "/office/v1/devices/",
        "/office/v1/devices/room-1/",
        "/office/v1/devices/room-1/registers/",
        "/office/v1/devices/room-1/registers/6f1c1a5e-0000-5000-8000-000000000001/",
    ]


def test_folders_that_the_device_may_not_make_are_assumed_to_exist(tmp_path, certificates):
    with OfficeServer(tmp_path / "o", certificates=certificates, kind="webdav") as server, upstream(server) as office:
        (tmp_path / "o/v1/devices").mkdir(parents=True)
        server.faults.extend(["changed-answer", "409", "403", "403"])  # GET, PUT, and MKCOL of v1/ and v1/devices/
        assert put(office).name == "delivered"
        assert sum(one.method == "MKCOL" for one in server.seen) == 5


def test_a_document_whose_answer_was_lost_is_known_again_and_not_sent_again(server, office):
    server.store(PLACE, BODY, write_once=False)
    assert put(office).name == "delivered"
    assert [one.method for one in server.seen] == ["GET"]


def test_another_document_in_its_place_is_never_overwritten(server, office):
    server.store(PLACE, b"somebody else's", write_once=False)
    outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("parked", False)
    assert server.documents() == {PLACE: b"somebody else's"}


def test_what_is_replaced_each_time_is_replaced(server, office):
    for body in (b"1", b"22"):
        assert office.put("v1/devices/room-1/status.json", body, write_once=False).name == "delivered"
    assert server.documents() == {"v1/devices/room-1/status.json": b"22"}


def test_a_server_that_accepts_everything_and_stores_nothing_acknowledges_nothing(server, office):
    server.always = "stores-nothing"
    outcomes = [put(office, PLACE.replace("1.json", f"{n}.json")) for n in range(1, 4)]
    assert [(one.name, one.receiver_down) for one in outcomes] == [("retry", False), ("retry", False), ("retry", True)]
    assert "does not have it" in outcomes[0].answer


def test_a_document_read_back_must_have_the_same_bytes(server, office):
    office.put("v1/devices/room-1/status.json", b"1", write_once=False)
    server.always = "changed-answer"
    outcome = office.put("v1/devices/room-1/status.json", b"22", write_once=False)
    assert (outcome.name, "another document" in outcome.answer) == ("retry", True)


ANSWERS = ("captive-portal", "redirect", "503", "502", "reset-after-body", "answer-cut", "no-length", "hang")


@pytest.mark.parametrize(("fault", "at"), [*((fault, at) for fault in ANSWERS for at in range(3)), ("answer-lost", 1)])
def test_a_fault_at_any_of_its_requests_is_no_acknowledgement_and_the_next_try_mends_it(
    tmp_path, certificates, fault, at
):
    with OfficeServer(tmp_path / "o", certificates=certificates, kind="webdav", full_put_path=True) as server:
        with upstream(server, fault=fault) as office:
            server.faults.extend(["changed-answer"] * at)  # spoils nothing where there is nothing to read
            server.faults.append(fault)
            assert put(office).name == "retry"
            server.faults.clear()
            assert put(office).name == "delivered"
        assert server.documents() == {PLACE: BODY}


def test_a_packed_answer_is_never_unpacked_to_more_than_was_sent(server, office):
    office.put("v1/devices/room-1/status.json", b"1", write_once=False)
    server.faults.extend(["changed-answer", "bomb"])
    outcome = office.put("v1/devices/room-1/status.json", b"22", write_once=False)
    assert (outcome.name, "another document" in outcome.answer) == ("retry", True)
    assert office.put("v1/devices/room-1/status.json", b"22", write_once=False).name == "delivered"


def test_a_wrong_password_is_refused_for_all_items(server):
    with upstream(server, token="wrong") as office:
        outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("parked", True)


def test_a_folder_of_the_address_that_is_not_there_is_reported(tmp_path, certificates):
    with (
        OfficeServer(tmp_path / "o", certificates=certificates, kind="webdav") as server,
        upstream(server, url=server.url + "/not/made") as office,
    ):
        outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert "folder of upstream.url is not there" in outcome.answer


def test_a_server_without_webdav_is_reported(server, office):
    server.faults.extend(["changed-answer", "405"])
    outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert "upstream.kind" in outcome.answer
