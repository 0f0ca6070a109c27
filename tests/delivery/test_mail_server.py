"""Messages to a real mail server: accepted, deferred, refused; always encrypted, never with two Message-IDs."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from edge_daemon.delivery.mail_server import MailServer
from edge_daemon.delivery.mail_settings import ServerSettings
from edge_daemon.delivery.message import Message, stable_message_id
from tests import office_ca
from tests.mail_server import PASSWORD, TOKEN, USER, Server
from tests.silent_host import silent_host

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ca")
    office_ca.make(folder)
    return folder


@pytest.fixture
def server(certificates):
    with Server(certificates) as running:
        yield running


def settings(certificates, server, ca="ca.pem", **changes):
    context = ssl.create_default_context(cafile=certificates / ca)
    settings = ServerSettings(
        "127.0.0.1", server.port, False, context, USER, PASSWORD, "password", "attendance@school.example", 600
    )
    return replace(settings, **changes)


def client(certificates, server, **changes):
    timing = {key: changes.pop(key) for key in ("timeout_s", "deadline_s", "pause", "monotonic") if key in changes}
    return MailServer(settings(certificates, server, **changes), now=lambda: NOW, **timing)


def message(address="office@school.example", ref="lesson-1/1", **changes):
    message = Message(
        stable_message_id("room 204", "office", ref, ""),
        "office",
        "",
        address,
        "Attendance room 204",
        "2026-11-20 Fri 10:15 7b: 2 absent",
        "Text\n",
        "<p>HTML</p>",
        (("lesson-1", 1),),
    )
    return replace(message, **changes)


def test_a_message_is_sent_encrypted_and_after_log_in(certificates, server):
    outcome = client(certificates, server).send(message())
    assert (outcome.name, outcome.answer) == ("delivered", "250 2.0.0 queued as 4711")
    (taken,) = server.taken
    assert taken.encrypted
    assert taken.user == USER
    assert (taken.sender, taken.receiver) == ("attendance@school.example", "office@school.example")
    mime = taken.message
    assert mime["From"] == "Attendance room 204 <attendance@school.example>"
    assert mime["Subject"] == "2026-11-20 Fri 10:15 7b: 2 absent"
    assert mime["Auto-Submitted"] == "auto-generated"
    assert mime["Message-ID"] == f"<{message().message_id}@school.example>"
    assert mime.get_body(("plain",)).get_content() == "Text\n"
    assert mime.get_body(("html",)).get_content() == "<p>HTML</p>\n"


def test_tls_from_the_first_byte(certificates):
    with Server(certificates, tls=True) as server:
        assert client(certificates, server, is_tls=True).send(message()).name == "delivered"
        assert server.taken[0].encrypted


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_both_log_in_methods_take_any_characters(certificates, server, mechanism):
    server.mood.auth = (mechanism,)
    assert client(certificates, server).send(message()).name == "delivered"
    assert server.taken[0].user == USER


def test_a_log_in_by_token(certificates, server):
    server.mood.auth = ("XOAUTH2",)
    assert client(certificates, server, auth="xoauth2", secret=TOKEN).send(message()).name == "delivered"
    refused = client(certificates, server, auth="xoauth2", secret="expired").send(message())
    assert (refused.name, refused.receiver_down) == ("parked", True)
    assert "535" in refused.answer


def test_one_connection_carries_many_messages(certificates, server):
    mail = client(certificates, server)
    assert [mail.send(message(ref=str(n))).name for n in range(5)] == ["delivered"] * 5
    mail.close()
    assert len({taken.message["Message-ID"] for taken in server.taken}) == 5


# --- never in clear text


def test_without_starttls_nothing_is_sent_and_all_mail_waits_for_a_person(certificates, server):
    server.mood.starttls_offered = False
    outcome = client(certificates, server).send(message())
    assert (outcome.name, outcome.receiver_down) == ("parked", True)
    assert "offers no encryption (STARTTLS)" in outcome.answer
    assert "465" in outcome.answer
    assert server.taken == []


def test_a_starttls_that_is_answered_with_no_is_no_clear_text_either(certificates, server):
    server.mood.starttls_answer = "502 5.5.1 not here"
    outcome = client(certificates, server).send(message())
    assert (outcome.name, outcome.receiver_down) == ("parked", True)
    assert server.taken == []
    server.mood.starttls_answer = "454 4.7.0 TLS not available at the moment"
    later = client(certificates, server).send(message())
    assert (later.name, later.receiver_down) == ("retry", True)
    assert server.taken == []


def test_an_attacker_who_strips_starttls_gets_no_password(certificates, server):
    """A relay that takes STARTTLS out of the server's answer and writes down what the client says."""
    heard = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, target, *, strips):
        while data := source.recv(65536):
            if strips:
                data = data.replace(b"250-STARTTLS\r\n", b"250-XXXXXXXA\r\n")
            else:
                heard.extend(data)
            target.sendall(data)

    def relay():
        near, _ = listener.accept()
        far = socket.create_connection(("127.0.0.1", server.port))
        threading.Thread(target=pump, args=(far, near), kwargs={"strips": True}, daemon=True).start()
        pump(near, far, strips=False)

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    outcome = client(certificates, server, port=listener.getsockname()[1]).send(message())
    thread.join(60)
    assert (outcome.name, outcome.receiver_down) == ("parked", True)
    assert bytes(heard).split()[0] == b"ehlo"
    assert b"AUTH" not in heard
    assert b"MAIL" not in heard.upper()


@pytest.mark.parametrize(
    ("certificate", "ca", "words"),
    [
        ("unknown-ca", "ca.pem", "is not trusted"),
        ("good", "other-ca.pem", "mail.ca_file"),
        ("expired", "ca.pem", "expired"),
        ("other-name", "ca.pem", "is not trusted"),
        ("no-san", "ca.pem", "is not trusted"),
    ],
)
@pytest.mark.parametrize("tls", [True, False])
def test_a_server_with_a_wrong_certificate_gets_no_message_until_it_is_renewed(
    certificates, certificate, ca, words, tls
):
    with Server(certificates, certificate=certificate, tls=tls) as server:
        outcome = client(certificates, server, ca=ca, is_tls=tls).send(message())
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert words in outcome.answer
    assert server.taken == []


# --- refusals


def test_greylisting_is_tried_again_and_then_taken(certificates, server):
    server.mood.greylist = 1
    mail = client(certificates, server)
    first = mail.send(message())
    assert (first.name, first.receiver_down) == ("retry", False)
    assert "greylisted" in first.answer
    assert "office@school.example" not in first.answer
    assert mail.send(message()).name == "delivered"
    assert len(server.taken) == 1


def test_one_of_three_receivers_is_refused_and_the_others_are_not(certificates, server):
    server.mood.receiver["gone@school.example"] = "550 5.1.1 <gone@school.example>: user unknown"
    mail = client(certificates, server)
    receivers = ("one@school.example", "gone@school.example", "three@school.example")
    outcomes = [mail.send(message(address, ref=f"lesson-1/1#{n}")) for n, address in enumerate(receivers)]
    assert [outcome.name for outcome in outcomes] == ["delivered", "parked", "delivered"]
    assert not any(outcome.receiver_down for outcome in outcomes)
    assert outcomes[1].answer == "receiver refused: 550 5.1.1 (address): user unknown"
    assert [taken.receiver for taken in server.taken] == ["one@school.example", "three@school.example"]


@pytest.mark.parametrize(
    ("answer", "name"), [("452 4.2.2 mailbox full", "retry"), ("554 5.6.0 looks like spam", "parked")]
)
def test_a_refusal_of_a_message_holds_for_that_message_alone(certificates, server, answer, name):
    server.mood.data = [answer]
    mail = client(certificates, server)
    outcome = mail.send(message())
    assert (outcome.name, outcome.receiver_down) == (name, False)
    assert mail.send(message(ref="lesson-2/1")).name == "delivered"


def test_a_connection_that_drops_after_the_message_is_repeated_under_the_same_message_id(certificates, server):
    server.mood.data = ["drop"]
    mail = client(certificates, server)
    first = mail.send(message())
    assert (first.name, first.receiver_down) == ("retry", False)
    assert "same Message-ID" in first.answer
    assert mail.send(message()).name == "delivered"
    assert len(server.taken) == 2
    assert len({taken.message["Message-ID"] for taken in server.taken}) == 1


def test_a_wrong_password_is_reported_once_for_all_mail(certificates, server):
    outcome = client(certificates, server, secret="wrong").send(message())
    assert (outcome.name, outcome.receiver_down) == ("parked", True)
    assert "mail.password_file" in outcome.answer
    assert "wrong" not in outcome.answer


def test_a_log_in_that_the_server_does_not_offer_is_for_a_person(certificates, server):
    server.mood.auth = ("XOAUTH2",)
    outcome = client(certificates, server).send(message())
    assert (outcome.name, outcome.receiver_down) == ("parked", True)
    assert "XOAUTH2" in outcome.answer


def test_a_server_that_wants_a_log_in_and_is_given_none(certificates, server):
    outcome = client(certificates, server, username="", secret="").send(message())
    assert (outcome.name, outcome.receiver_down) == ("parked", True)
    assert "mail.username" in outcome.answer


def test_a_refused_sender_is_reported_once_for_all_mail(certificates, server):
    server.mood.sender["attendance@school.example"] = "553 5.7.1 sender not owned by user"
    outcome = client(certificates, server).send(message())
    assert (outcome.name, outcome.receiver_down) == ("parked", True)
    assert "mail.from" in outcome.answer


def test_a_server_that_closes_the_connection_defers_all_mail(certificates, server):
    server.mood.receiver["office@school.example"] = "421 4.3.2 shutting down"
    mail = client(certificates, server)
    outcome = mail.send(message())
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    server.mood.receiver.clear()
    assert mail.send(message()).name == "delivered"


def test_a_closed_port_and_an_unknown_host_name_defer_all_mail(certificates, server):
    with socket.socket() as place:  # bound, so that nobody else listens there either
        place.bind(("127.0.0.1", 0))
        refused = client(certificates, server, port=place.getsockname()[1]).send(message())
    assert (refused.name, refused.receiver_down) == ("retry", True)
    assert "no server listens" in refused.answer
    unknown = client(certificates, server, host="mail.invalid").send(message())
    assert (unknown.name, unknown.receiver_down) == ("retry", True)
    assert "can't be resolved" in unknown.answer


def test_a_server_that_never_answers_takes_no_longer_than_the_timeout(certificates, server):
    server.mood.slow_s = 20
    begun_s = time.monotonic()
    outcome = client(certificates, server, timeout_s=3).send(message())
    assert (outcome.name, outcome.receiver_down) == ("retry", False)
    assert time.monotonic() - begun_s < 15


def test_a_server_that_answers_a_byte_at_a_time_takes_no_longer_than_the_deadline(certificates, server):
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        connection, _ = listener.accept()
        with connection:
            try:
                while True:
                    connection.sendall(b"2")
                    time.sleep(0.05)
            except OSError:
                return

    threading.Thread(target=drip, daemon=True).start()
    begun_s = time.monotonic()
    outcome = client(certificates, server, port=listener.getsockname()[1], timeout_s=30, deadline_s=0.5).send(message())
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert time.monotonic() - begun_s < 20


def test_many_silent_addresses_take_no_longer_than_the_deadline(certificates, server, monkeypatch):
    with silent_host(monkeypatch) as port:
        begun_s = time.monotonic()
        outcome = client(certificates, server, port=port, timeout_s=0.2, deadline_s=0.5).send(message())
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert 0.4 < time.monotonic() - begun_s < 4, "40 addresses with 0.2 s each take 8 s"


def test_a_web_page_in_place_of_a_mail_server(certificates, server):
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>")
            connection.recv(100)

    threading.Thread(target=answer, daemon=True).start()
    outcome = client(certificates, server, port=listener.getsockname()[1], timeout_s=20).send(message())
    assert (outcome.name, outcome.receiver_down) == ("retry", True)


# --- addresses, letters, pace


@pytest.mark.parametrize("address", ["a@school.example\nBcc: all@school.example", "a@school.example\r\nDATA", "a b@c"])
def test_an_address_that_breaks_out_of_its_line_is_refused_and_never_sent(certificates, server, address):
    outcome = client(certificates, server).send(message(address))
    assert (outcome.name, outcome.receiver_down) == ("parked", False)
    assert "mail address" in outcome.answer
    assert server.taken == []
    assert server.handler.tries == {}


def test_a_subject_that_breaks_out_of_its_line_is_refused(certificates, server):
    outcome = client(certificates, server).send(message(subject="Hello\r\nBcc: all@school.example"))
    assert outcome.name == "parked"
    assert "a line break or control character is in it" in outcome.answer
    assert server.taken == []


def test_addresses_beyond_ascii_are_sent_where_the_server_takes_them(certificates, server):
    assert client(certificates, server).send(message("zoë@schöner.example")).name == "delivered"
    assert server.taken[0].receiver == "zoë@xn--schner-yxa.example"
    server.mood.utf8 = False
    assert client(certificates, server).send(message("zoe@schöner.example")).name == "delivered"
    assert server.taken[1].receiver == "zoe@xn--schner-yxa.example"
    outcome = client(certificates, server).send(message("zoë@school.example"))
    assert (outcome.name, outcome.receiver_down) == ("parked", False)


def test_every_byte_is_ascii_and_no_line_too_long_whatever_the_letters(certificates, server):
    text = "Größe " * 300 + "\n.\n.hidden\nFrom here\n"
    client(certificates, server).send(
        message(subject="Zoë " * 40 + "end", text=text, sender_name="Anwesenheit Raum Süd")
    )
    raw = server.taken[0].raw
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    mime = server.taken[0].message
    assert mime["Subject"] == "Zoë " * 40 + "end"
    assert mime.get_body(("plain",)).get_content().replace("\r\n", "\n") == text
    assert mime["From"].addresses[0].display_name == "Anwesenheit Raum Süd"


def test_no_more_messages_a_minute_are_sent_than_the_settings_allow(certificates, server):
    clock = {"s": 0.0}
    waits = []

    def pause(seconds):
        waits.append(seconds)
        clock["s"] += seconds

    mail = client(certificates, server, per_minute=3, pause=pause, monotonic=lambda: clock["s"])
    for number in range(7):
        assert mail.send(message(ref=str(number))).name == "delivered"
    assert waits == [60.0, 60.0]


def test_the_greeting_names_no_host(certificates, server):
    names = []
    hook = server.handler.handle_EHLO

    async def noting(smtp, session, envelope, hostname, responses):
        names.append(hostname)
        return await hook(smtp, session, envelope, hostname, responses)

    server.handler.handle_EHLO = noting
    client(certificates, server).send(message())
    assert set(names) == {"[127.0.0.1]"}
