"""An item that is always refused delays no other, whatever the server answers; nor does a refused GET."""

from __future__ import annotations

import pytest

from tests.mail_server import PASSWORD, USER
from tests.mail_server import Server as MailServer
from tests.office_server import OfficeServer
from tests.sync_device import Clock, a_device, document, held_registers, made_registers, run

STICKY = ("captive-portal", "no-receipt", "302", "401", "403", "404", "405", "415", "429", "502", "503", "504", "500")
"""Permanent answers of a server to one document; `302` stands for every redirect."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("ca")


@pytest.fixture
def api(tmp_path, certificates):
    with OfficeServer(tmp_path / "office", certificates=certificates) as server:
        yield server


@pytest.fixture
def clock():
    return Clock()


def sticky(server: OfficeServer, monkeypatch, part: str, fault: str, method: str = "PUT") -> None:
    """Make the server answer matching requests (by method and part of the path) with a fault, and no others."""
    from tests import office_handler

    honest = office_handler.Handler._serve

    def serve(handler, answer) -> None:
        mine = part in handler.path and handler.command == method
        server.always = ("redirect" if fault == "302" else fault) if mine else ""
        honest(handler, answer)

    monkeypatch.setattr(office_handler.Handler, "_serve", serve)


@pytest.mark.parametrize("fault", STICKY)
def test_one_register_that_is_always_refused_holds_up_neither_the_others_nor_the_heartbeat(
    api, tmp_path, clock, monkeypatch, fault
):
    home = a_device(tmp_path / "home", api, lessons=6)
    first = sorted(made_registers(home))[0]
    with monkeypatch.context() as patch:
        sticky(api, patch, first[0], fault)
        for _ in range(2):
            run(home, clock)
            clock.forward(hours=2)
        stored = {first} if fault == "no-receipt" else set()  # stored, and nobody says so
        assert held_registers(api).keys() == made_registers(home).keys() - ({first} - stored)
        assert document(api, "status.json")["queue"]["upstream"]["waiting"] == (0 if fault == "no-receipt" else 1)
    api.always = ""
    run(home, clock, eager=True)
    assert held_registers(api) == made_registers(home), "and it goes as soon as it may"


@pytest.mark.parametrize("fault", [one for one in STICKY if one != "500"])
def test_several_registers_that_are_always_refused_hold_up_no_others(api, tmp_path, clock, monkeypatch, fault):
    home = a_device(tmp_path / "home", api, lessons=8)
    bad = sorted(made_registers(home))[:4]
    from tests import office_handler

    honest = office_handler.Handler._serve

    def serve(handler, answer) -> None:
        mine = any(one[0] in handler.path for one in bad) and handler.command == "PUT"
        api.always = ("redirect" if fault == "302" else fault) if mine else ""
        honest(handler, answer)

    with monkeypatch.context() as patch:
        patch.setattr(office_handler.Handler, "_serve", serve)
        for _ in range(6):
            run(home, clock)
            clock.forward(hours=2)
        assert held_registers(api).keys() >= made_registers(home).keys() - set(bad)
    api.always = ""
    run(home, clock, eager=True)
    assert held_registers(api) == made_registers(home)


def test_a_server_that_refuses_all_is_judged_after_three_items_and_none_of_them_was_tried(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api, lessons=30)
    api.always = "404"
    run(home, clock)
    puts = [one for one in api.seen if one.method == "PUT"]
    assert len([one for one in puts if "/registers/" in one.path]) == 3
    assert len(puts) <= 6, "and the key, a day and the heartbeat"
    before = len(api.seen)
    assert run(home, clock).tried["upstream"].waits
    assert len(api.seen) == before


@pytest.mark.parametrize("fault", STICKY)
@pytest.mark.parametrize("name", ["status.json", "key.json"])
def test_a_refused_heartbeat_or_key_holds_up_nothing(api, tmp_path, clock, monkeypatch, name, fault):
    home = a_device(tmp_path / "home", api, lessons=4)
    sticky(api, monkeypatch, name, fault)
    run(home, clock)
    assert held_registers(api) == made_registers(home)
    other = "key.json" if name == "status.json" else "status.json"
    assert document(api, other)


@pytest.mark.parametrize("fault", ["401", "403", "405", "415", "501", "302", "503", "500", "captive-portal"])
def test_a_refused_pull_stops_no_delivery_and_is_named(api, tmp_path, clock, monkeypatch, fault):
    home = a_device(tmp_path / "home", api, lessons=4)
    sticky(api, monkeypatch, "corrections.json", fault, "GET")
    result = run(home, clock)
    assert held_registers(api) == made_registers(home)
    assert document(api, "status.json")
    assert "corrections.json was not fetched: " in result.line()
    assert "to deliver" not in result.line()
    asked = [one.path for one in api.seen if one.method == "GET"]
    assert any("withdrawals.json" in path for path in asked), "the other document is asked for all the same"


def test_refused_deliveries_keep_no_correction_from_being_fetched(api, tmp_path, clock, monkeypatch):
    home = a_device(tmp_path / "home", api, lessons=4)
    sticky(api, monkeypatch, "/registers/", "403")
    run(home, clock)
    run(home, clock)
    asked = [one.path for one in api.seen if one.method == "GET" and "corrections.json" in one.path]
    assert len(asked) == 2


MAIL = """
[mail]
host = "localhost"
port = {port}
ca_file = "{ca}"
username = "{user}"
password_file = "password"
from = "room204@school.example"
office = ["a@school.example", "b@school.example"]
"""


def test_one_address_that_is_answered_421_holds_up_no_other(tmp_path, clock, certificates):
    with MailServer(certificates) as post:
        more = MAIL.format(port=post.port, ca=certificates / "ca.pem", user=USER)
        home = a_device(tmp_path / "home", None, lessons=6, more=more)
        (home.state_dir / "password").write_text(PASSWORD)
        post.mood.receiver["a@school.example"] = "421 4.7.0 try again later"
        for _ in range(4):
            run(home, clock)
            clock.forward(hours=2)
        assert len([one for one in post.taken if one.receiver == "b@school.example"]) == 6
        post.mood.receiver.clear()
        run(home, clock, eager=True)
        assert len([one for one in post.taken if one.receiver == "a@school.example"]) == 6


@pytest.mark.parametrize(
    ("answer", "is_parked"),
    [
        ("554 5.2.252 SendAsDenied; not allowed to send as this sender", True),
        ("554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", False),
    ],
)
def test_a_refusal_of_the_sender_parks_no_message(tmp_path, clock, certificates, answer, is_parked):
    with MailServer(certificates) as post:
        more = MAIL.format(port=post.port, ca=certificates / "ca.pem", user=USER)
        home = a_device(tmp_path / "home", None, lessons=6, more=more)
        (home.state_dir / "password").write_text(PASSWORD)
        post.mood.data[:] = [answer] * 50
        left = run(home, clock).left["mail"]
        assert (left.state, left.parked) == ("parked" if is_parked else "waiting", 0)
        for _ in range(3):
            clock.forward(hours=2)
            assert run(home, clock).left["mail"].parked == 0
        post.mood.data.clear()
        clock.forward(hours=26)
        run(home, clock)
        clock.forward(hours=2)
        run(home, clock)
        assert len(post.taken) == 12
