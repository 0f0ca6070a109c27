"""Documents to a real HTTPS server with receipts, and from it, under faults of the network."""

from __future__ import annotations

import gzip
import logging

import pytest

from edge_daemon.errors import DeliveryError
from tests.delivery.upstreams import BODY, PLACE, upstream
from tests.office_server import OfficeServer

ELSEWHERE = PLACE.replace("1.json", "2.json")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def server(tmp_path, certificates):
    with OfficeServer(tmp_path / "office", certificates=certificates) as office:
        yield office


@pytest.fixture
def office(server, request):
    callspec = getattr(request.node, "callspec", None)
    with upstream(server, fault=callspec.params.get("fault", "") if callspec else "") as one:
        yield one


def put(office, path=PLACE, body=BODY):
    return office.put(path, body, write_once=True)


def test_a_document_arrives_byte_for_byte_and_its_receipt_is_the_acknowledgement(server, office):
    outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("delivered", False)
    assert server.documents() == {PLACE: BODY}
    sent = server.seen[0]
    assert sent.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(sent.body) == BODY
    assert sent.headers["If-None-Match"] == "*"
    assert sent.headers["User-Agent"].startswith("edge-daemon/")


def test_the_request_does_not_contain_the_sha_that_the_receipt_has_to_repeat(server, office):
    put(office)
    import hashlib

    sha256 = hashlib.sha256(BODY).hexdigest()
    assert sha256 not in str(server.seen[0].headers)


def test_many_documents_go_over_one_connection(server, office):
    for revision in range(1, 20):
        assert put(office, PLACE.replace("1.json", f"{revision}.json")).name == "delivered"
    assert server.connections == 1


def test_a_document_whose_answer_was_lost_is_known_again(server, office):
    server.faults.append("answer-lost")
    first = put(office)
    assert (first.name, first.receiver_down) == ("retry", False)
    again = put(office)
    assert (again.name, "already" in again.answer) == ("delivered", True)
    assert len(server.documents()) == 1


def test_another_document_in_its_place_is_never_overwritten(server, office):
    server.store(PLACE, b"somebody else's", write_once=False)
    outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("parked", False)
    assert "another document" in outcome.answer
    assert server.documents() == {PLACE: b"somebody else's"}


def test_a_conflict_without_a_sha_is_settled_by_reading_the_document(server, office):
    server.store(PLACE, BODY, write_once=False)
    server.faults.append("409")
    assert put(office).name == "delivered"
    server.faults.append("409")
    assert put(office, body=b"{}").name == "parked"


def test_what_is_replaced_each_time_is_replaced(server, office):
    for body in (b"1", b"2"):
        assert office.put("v1/devices/room-1/status.json", body, write_once=False).name == "delivered"
    assert server.documents() == {"v1/devices/room-1/status.json": b"2"}


@pytest.mark.parametrize(
    "fault", ["captive-portal", "redirect", "redirect-http", "no-receipt", "404", "405", "503", "429"]
)
def test_a_fault_of_the_server_holds_up_all_items_for_a_while(server, office, fault):
    server.faults.append(fault)
    outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert server.documents().keys() <= ({PLACE} if fault == "no-receipt" else set())
    assert put(office).name == "delivered"


@pytest.mark.parametrize(
    "fault",
    ["stores-nothing", "wrong-sha", "500", "answer-cut", "reset-before-body", "reset-after-body", "hang", "no-length"],
)
def test_an_error_that_may_concern_one_document_holds_up_no_other_until_it_repeats(server, office, fault):
    server.always = fault
    outcomes = [put(office, PLACE.replace("1.json", f"{n}.json")) for n in range(1, 4)]
    assert [(one.name, one.receiver_down) for one in outcomes] == [("retry", False), ("retry", False), ("retry", True)]
    server.always = ""
    assert put(office).name == "delivered"
    server.faults.append(fault)
    assert not put(office, ELSEWHERE).receiver_down


def test_a_captive_portal_and_a_redirect_are_reported_as_such(server, office):
    server.faults.extend(["captive-portal", "redirect"])
    assert "captive portal" in put(office).answer
    answer = put(office).answer
    assert "redirect to https://portal.example/login" in answer
    assert "upstream.url" in answer


def test_no_redirect_is_followed_and_the_token_goes_nowhere_else(server, office, tmp_path, certificates):
    with OfficeServer(tmp_path / "thief", certificates=certificates) as thief:
        server.always = "redirect"
        office.get("v1/devices/room-1/roster.csv", "", 1000)
        put(office)
        assert thief.seen == []


def test_a_server_that_asks_for_patience_is_given_it(server, office):
    server.retry_after = "120"
    server.faults.extend(["503", "429-date", "503"])
    assert put(office).retry_after_s == 120
    assert put(office).retry_after_s == pytest.approx(120, abs=3)
    server.retry_after = "soon"
    assert put(office).retry_after_s is None


def test_a_wrong_token_is_refused_once_for_all_items(server):
    with upstream(server, token="wrong") as office:
        outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("parked", True)
    assert "upstream.token_file" in outcome.answer
    assert "wrong" not in outcome.answer.replace("wrong upstream", "")


def test_a_server_that_takes_documents_and_forbids_one_does_not_forbid_all(server, office):
    put(office)
    server.faults.append("403")
    outcome = put(office, ELSEWHERE)
    assert (outcome.name, outcome.receiver_down) == ("parked", False)


def test_a_server_that_forbids_one_after_the_other_forbids_this_device(server, office):
    put(office)
    server.always = "403"
    outcomes = [put(office, PLACE.replace("1.json", f"{n}.json")) for n in range(2, 6)]
    assert [one.receiver_down for one in outcomes] == [False, False, True, True]


def test_a_token_that_is_withdrawn_in_the_middle_is_no_documents_fault(server, office):
    put(office)
    server.token = "another"
    outcome = put(office, ELSEWHERE)
    assert (outcome.name, outcome.receiver_down) == ("parked", True)


@pytest.mark.parametrize("fault", ["400", "413", "422"])
def test_a_refused_document_is_parked_with_the_servers_words(server, office, fault):
    server.faults.append(fault)
    outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("parked", False)
    assert f"({fault}) (Fault {fault}: as was asked for)" in outcome.answer
    assert put(office, ELSEWHERE).name == "delivered"


def test_hostile_words_of_a_server_become_one_harmless_line(server, office):
    server.faults.append("hostile-words")
    answer = put(office).answer
    assert answer.isprintable()
    assert not set("<>\n\r\x1b\u202e") & set(answer)
    assert len(answer) < 500


def test_an_answer_that_trickles_in_ends_at_the_deadline(server):
    server.slow_step_s = 0.01  # each byte comes well before any time-out for reading
    server.faults.append("slow-loris")
    with upstream(server, fault="slow-loris") as office:
        outcome = put(office)
    assert outcome.name == "retry"
    assert "no whole answer within 3 s" in outcome.answer


def test_an_answer_without_end_is_not_read(server, office):
    server.faults.append("huge-answer")
    assert put(office).name == "retry"
    assert put(office).name == "delivered"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("expired", "has expired"),
        ("early", "clock is probably behind"),
        ("other-name", "is for another name"),
        ("no-san", "has none in its subjectAltName"),
        ("unknown-ca", "by an authority that this device does not know"),
    ],
)
def test_an_invalid_certificate_stops_all_items_before_anything_is_sent(server, office, fault, words):
    server.faults.append(fault)
    outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert words in outcome.answer
    assert server.seen == []
    assert put(office).name == "delivered"  # renewed


def test_the_schools_authority_replaces_the_systems(server, certificates):
    with upstream(server, ca_file=str(certificates / "other-ca.pem")) as office:
        assert "authority" in put(office).answer
    with upstream(server, ca_file="") as office:
        assert "upstream.ca_file" in put(office).answer
    assert server.seen == []


@pytest.mark.parametrize("fault", ["handshake-cut", "not-tls"])
def test_a_server_that_does_not_encrypt_is_reported_as_such(server, office, fault):
    server.faults.append(fault)
    outcome = put(office)
    assert outcome.name == "retry"
    assert "TLS handshake failed" in outcome.answer


def test_a_closed_port_and_an_unknown_host_name_hold_up_all_items(server, office):
    server.stop()
    outcome = put(office)
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert "no server listens" in outcome.answer
    server.start()
    assert put(office).name == "delivered"
    with upstream(server, url="https://nowhere.invalid/x") as nowhere:
        outcome = put(nowhere)
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert "can't be resolved" in outcome.answer


def test_http_without_s_is_refused_unless_the_setting_names_it_insecure(tmp_path, certificates, caplog):
    with OfficeServer(tmp_path / "office", certificates=certificates, tls=False) as server:
        with pytest.raises(DeliveryError, match="http without s"):
            upstream(server)
        with caplog.at_level(logging.WARNING), upstream(server, insecure_http=True) as office:
            assert put(office).name == "delivered"
    assert "not encrypted" in caplog.text


def test_a_document_is_pulled_once_and_then_known_by_its_etag(server, office):
    path = "v1/devices/room-1/roster.csv"
    assert office.get(path, "", 100).status == 404
    server.store(path, b"student_id\n", write_once=False)
    first = office.get(path, "", 100)
    assert (first.status, first.body) == (200, b"student_id\n")
    assert office.get(path, first.etag, 100).status == 304
    server.store(path, b"student_id\nS1\n", write_once=False)
    assert office.get(path, first.etag, 100).body == b"student_id\nS1\n"


def test_a_pulled_document_that_is_too_large_is_refused_unread(server, office):
    server.store("v1/devices/room-1/roster.csv", b"x" * 1_000_000, write_once=False)
    with pytest.raises(DeliveryError, match="larger than 1000 bytes"):
        office.get("v1/devices/room-1/roster.csv", "", 1000)


def test_a_bomb_among_the_pulled_documents_is_not_unpacked(server, office):
    server.store("v1/devices/room-1/roster.csv", b"x", write_once=False)
    server.faults.append("bomb")
    with pytest.raises(DeliveryError, match="larger than 100000 bytes"):
        office.get("v1/devices/room-1/roster.csv", "", 100_000)


@pytest.mark.parametrize(
    "fault",
    ["captive-portal", "redirect", "503", "401", "hang", "answer-cut", "no-length", "reset-before-body", "expired"],
)
def test_a_body_that_is_no_document_is_never_stored_as_one(server, office, fault):
    server.store("v1/devices/room-1/roster.csv", b"x", write_once=False)
    server.faults.append(fault)
    pulled = office.get("v1/devices/room-1/roster.csv", "", 1000)
    assert pulled.status != 200
    assert pulled.body == b""
    assert pulled.problem is not None


@pytest.mark.parametrize("path", ["v1/../../etc/passwd", "/v1/x", "v1//x", "v1/./x", "v1/a\nb", "v1/a\\b"])
def test_a_path_that_leads_elsewhere_is_never_asked_for(server, office, path):
    with pytest.raises(DeliveryError):
        put(office, path)
    with pytest.raises(DeliveryError):
        office.get(path, "", 10)
    assert server.seen == []


def test_passwords_of_the_users_own_files_are_not_sent(server, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine localhost login somebody password theirs\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with upstream(server) as office:
        assert put(office).name == "delivered"
    with upstream(server, token="") as office:
        assert put(office).name == "parked"
    assert "Authorization" not in server.seen[-1].headers
