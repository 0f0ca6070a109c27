"""Names of every language, certificates of both sides, and answers that no server should give."""

from __future__ import annotations

import dataclasses
import re
import socket
import ssl
import sys
import threading
from datetime import datetime, timezone
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32, default

import pytest

from edge_daemon.attendance.spreadsheet import safe
from edge_daemon.config import MailConfig
from edge_daemon.delivery.http import Limits, NoAnswerError, Server
from edge_daemon.delivery.mail_blocks import shown
from edge_daemon.delivery.mail_message import to_bytes, to_message, wire_address
from edge_daemon.delivery.mail_settings import server_settings
from edge_daemon.delivery.message import Attachment, Message
from edge_daemon.delivery.upstream import Upstream
from edge_daemon.delivery.upstream_settings import checked_url
from edge_daemon.device import connectivity
from edge_daemon.device.authorities import REFUSED, by_3_13
from edge_daemon.domains import ascii_domain
from edge_daemon.errors import DeliveryError
from edge_daemon.plain_text import is_plain, plain
from tests import office_ca
from tests.delivery.upstreams import BODY, PLACE, settings, upstream
from tests.office_server import OfficeServer
from tests.proxy_server import Proxy

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=timezone.utc)
PERSIAN = "نیلوفر می\u200cرود"
HINDI = "क्\u200dष"


# --- domains --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "wire"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("fußball.example", "xn--fuball-cta.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("Schöner.example", "xn--schner-yxa.example"),
        ("école。example", "xn--cole-9oa.example"),
        ("school.example", "school.example"),
    ],
)
def test_a_domain_is_the_one_that_its_registry_knows(domain, wire):
    """IDNA 2003 turns ß into ss and a final sigma into another: a mail went to somebody else's domain."""
    assert ascii_domain(domain) == wire
    assert wire_address(f"a@{domain}", "x") == f"a@{wire}"
    assert server_settings(MailConfig(host=domain, from_="a@b.example"), None).host == wire  # type: ignore[arg-type]


@pytest.mark.parametrize("domain", ["a\u200db.example", "☃.example", "-ö.example", "ö" * 70 + ".example"])
def test_a_domain_that_no_registry_has_is_one_line(domain):
    with pytest.raises(DeliveryError, match=r"domain of the mail address|not a mail address|line break"):
        wire_address(f"a@{domain}", "x")
    with pytest.raises(DeliveryError):
        checked_url(dataclasses.replace(settings_of(), url=f"https://{domain}/x"))


def settings_of():
    from edge_daemon.config import UpstreamConfig

    return UpstreamConfig()


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [PERSIAN, HINDI])
def test_joiners_are_letters_of_a_name(name):
    assert is_plain(name)
    assert plain(name) == shown(name) == safe(name) == name
    assert mime(subject=f"{name}: absent")["Subject"] == f"{name}: absent"


@pytest.mark.parametrize("mark", "\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
def test_marks_that_override_the_direction_reorder_nothing(mark):
    name = f"Zoë{mark}gpj.exe"
    assert not is_plain(name)
    for text in (plain(name), shown(name), safe(name), mime(subject=name)["Subject"]):
        assert mark not in text
        assert "gpj.exe" in text


# --- headers --------------------------------------------------------------------------------------------------------


def raw(**changes) -> bytes:
    message = Message("id", "office", "", "office@school.example", "Attendance", "subject", "text\n", "<p>x</p>", ())
    return to_bytes(to_message(dataclasses.replace(message, **changes), "attendance@school.example", NOW))


def mime(**changes):
    return message_from_bytes(raw(**changes), policy=default)


@pytest.mark.parametrize(
    "text",
    [
        "Zoë",
        "2026-11-20 Fr 10:15 Größenwahn: 2 fehlen",
        "Zoë " * 40 + "Ende",
        "Ö" * 200,
        "😀" * 100,
        PERSIAN * 10,
        "plain " * 40 + "end",
        "a" * 300,
        "  blanks   stay  ä ",
    ],
)
def test_encoded_words_are_short_and_say_what_was_written(text):
    data = raw(subject=text, sender_name=text.strip())
    head = data.partition(b"\r\n\r\n")[0]
    for word in re.findall(rb"=\?[^\s]*?\?=", head):
        assert len(word) <= 75, word
    for line in head.split(b"\r\n"):
        assert len(line) <= (76 if b"=?" in line else 998), line
        assert line.strip(), "no line of a header is empty"
    assert b"=0D" not in head
    assert b"=0A" not in head
    found = message_from_bytes(data, policy=compat32)
    assert str(make_header(decode_header(found["Subject"].replace("\n", "")))) == text
    name, _, address = str(make_header(decode_header(found["From"].replace("\n", "")))).rpartition(" <")
    assert name.strip('"') == text.strip()
    assert address == "attendance@school.example>"


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("2026-W47 7b.xlsx", "2026-W47 7b.xlsx"),
        ("2026-W47 Größe Süd.xlsx", "2026-W47 Grosse Sud.xlsx"),
        ("2026-W47 Łódź.xlsx", "2026-W47 _odz.xlsx"),
        ('2026-W47 "x"\\y.xlsx', "2026-W47 _x__y.xlsx"),
        ("2026-W47 класс.xlsx", "2026-W47 _____.xlsx"),
        ("x" * 90 + ".xlsx", "x" * 50 + ".xlsx"),
    ],
)
def test_an_attachment_has_one_name_in_ascii_which_outlook_reads(name, seen):
    data = raw(attachments=(Attachment(name, b"PK"),))
    assert b"filename*" not in data, "RFC 2231 in parts is what Outlook shows as ATT00001"
    (part,) = message_from_bytes(data, policy=default).iter_attachments()
    assert part.get_filename() == seen


# --- certificates ---------------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path):
    with OfficeServer(tmp_path / "server", certificates=tmp_path / "ca") as server:
        yield server


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_a_certificate_is_named_and_gets_ours(office, version):
    office.wants_certificate, office.tls_version = True, version
    refused = upstream(office).put(PLACE, BODY, write_once=True)
    assert refused.name == "retry"
    if version is ssl.TLSVersion.TLSv1_3:  # before, a server says "handshake failure", which has many reasons
        assert refused.receiver_down
        assert "requires a client certificate; set upstream.client_cert_file" in refused.answer
    ours = str(office.certificates / "client.pem")
    assert upstream(office, client_cert_file=ours).put(PLACE, BODY, write_once=True).name == "delivered"
    assert upstream(office, client_cert_file=ours, client_key_file=ours).get(PLACE, "", 10_000).status == 200
    other = str(office.certificates / "stranger.pem")
    refused = upstream(office, client_cert_file=other).put(PLACE, BODY, write_once=True)
    assert (refused.name, refused.receiver_down) == ("retry", True)
    assert "does not accept this device's certificate; check upstream.client_cert_file" in refused.answer


@pytest.mark.parametrize(
    ("changes", "expected_message"),
    [
        ({"client_key_file": "{ca}/client.pem"}, "upstream.client_key_file is set and this is not"),
        ({"client_cert_file": "{ca}/none.pem"}, "upstream.client_cert_file: .*can't be read"),
        ({"client_cert_file": "{ca}/client.pem", "client_key_file": "{ca}/no"}, "upstream.client_key_file: .*can't be"),
        ({"client_cert_file": "{ca}/client.pem", "client_key_file": "{ca}/good.pem"}, "not that of the certificate"),
        ({"client_cert_file": "{ca}/ca.pem"}, "can't be used; both are PEM"),
    ],
)
def test_a_certificate_that_can_not_be_used_is_one_line(office, changes, expected_message):
    filled = {key: value.format(ca=office.certificates) for key, value in changes.items()}
    with pytest.raises(DeliveryError, match=expected_message):
        upstream(office, **filled)


def test_nginx_says_in_a_page_that_it_wants_a_certificate():
    from edge_daemon.delivery.answers import refusal
    from edge_daemon.delivery.http import HttpAnswer

    page = b"<html><head><title>400 No required SSL certificate was sent</title></head></html>"
    outcome = refusal(HttpAnswer(400, {"content-type": "text/html"}, page, is_cut=False), "office:443", NOW)
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert "requires a client certificate" in outcome.answer
    other = refusal(HttpAnswer(400, {}, b"{}", is_cut=False), "office:443", NOW)
    assert (other.name, other.receiver_down) == ("parked", False)


def test_a_proxy_reached_by_https_may_have_the_schools_certificate(office, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(office.certificates / "good.pem")
    proxy = Proxy(context=context)
    try:
        outcome = upstream(office, proxy=proxy.url).put(PLACE, BODY, write_once=True)
    finally:
        proxy.close()
    assert outcome.name == "delivered", outcome.answer
    assert proxy.asked == [f"localhost:{office.port}"]


def test_doctor_names_an_authority_that_python_3_13_refuses(office, tmp_path):
    good = connectivity.upstream(settings(office), tmp_path)
    assert good.state == "good", good
    assert connectivity.upstream_by_3_13(settings(office), tmp_path) == ""
    assert by_3_13(good, office.ca_file) == good
    office.certificate = "lax"
    lax = dataclasses.replace(settings(office), ca_file=str(office.certificates / "lax-ca.pem"))
    found = connectivity.upstream(lax, tmp_path)
    if sys.version_info >= (3, 13):  # it refuses by itself, and doctor has nothing to foresee
        assert found.state == "bad"
        return
    assert found.state == "good", "Python before 3.13 takes it"
    seen = connectivity.upstream_by_3_13(lax, tmp_path)
    assert seen
    assert by_3_13(found, None, seen).found.endswith(f"but {seen}: {REFUSED}")
    found = by_3_13(found, tmp_path / lax.ca_file, seen)
    assert found.state == "warning", found
    for part in ("An authority of 2009", "basic constraints are not critical", "has no key usage", "Python 3.13"):
        assert part in found.found
    assert "upstream.ca_file" in found.advice


# --- answers --------------------------------------------------------------------------------------------------------

HEADS = {
    "a length of a superscript": b"HTTP/1.1 200 OK\r\nContent-Length: \xc2\xb2\r\n\r\nab",
    "a length in latin-1": b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nab",
    "a length of 5000 digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nab",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\nab",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nab",
    "a line that goes on": b"HTTP/1.1 200 OK\r\n folded\r\nContent-Length: 2\r\n\r\nab",
    "no status": b"HTTP/1.1 \r\n\r\n",
    "a status of letters": b"HTTP/1.1 two OK\r\n\r\n",
    "a thousand headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    "a header of a megabyte": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
    "chunks that are none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "a chunk of a negative size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nab\r\n0\r\n\r\n",
}


def answering(data: bytes) -> tuple[socket.socket, list[bytes]]:
    """Return a server that answers every request with these bytes, and the list of requests."""
    listener, asked = socket.create_server(("localhost", 0)), []

    def serve() -> None:
        try:
            while True:
                client, _ = listener.accept()
                with client:
                    asked.append(client.recv(65536))
                    client.sendall(data)
        except OSError:
            pass

    threading.Thread(target=serve, daemon=True).start()
    return listener, asked


@pytest.mark.parametrize("what", HEADS)
def test_an_answer_that_is_malformed_is_one_line_and_no_secret_is_logged(what, caplog, capfd):
    listener, _ = answering(HEADS[what])
    url = f"http://localhost:{listener.getsockname()[1]}/SECRET-IN-PATH"
    with listener, Server(url, secret="SECRET", limits=Limits(20, 20, 40)) as server:
        problem = ""
        try:
            assert server.ask("GET", "x", max_bytes=100).status == 200
        except NoAnswerError as error:
            problem = error.what
    assert "\n" not in problem
    assert "SECRET" not in problem
    assert "SECRET" not in caplog.text
    assert "SECRET" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("etag", "sent"),
    [
        (b'"abc"', b'"abc"'),
        (b'W/"abc"', b'W/"abc"'),
        (b"abc", None),
        (b'"\xff\xfe"', None),
        (b'"a\tb"', None),
        (b'"' + b"x" * 5000 + b'"', None),
        ('"☃"'.encode(), None),
    ],
)
def test_an_etag_is_sent_back_only_where_it_is_one(tmp_path, etag, sent):
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\nETag: " + etag + b"\r\n\r\n{}"
    listener, asked = answering(head)
    config = dataclasses.replace(settings_of(), url=f"http://localhost:{listener.getsockname()[1]}", insecure_http=True)
    with listener, Upstream(config, "", limits=Limits(20, 20, 40)) as server:
        first = server.get("v1/x.json", "", 100)
        assert server.get("v1/x.json", etag.decode("latin-1"), 100).status == 200
    assert first.status == 200
    assert first.etag.encode() == (sent or b"")
    assert (b"If-None-Match" in asked[-1]) == (sent is not None)


def test_the_certificates_of_the_tests_are_what_they_are_taken_for(tmp_path):
    from edge_daemon.device.authorities import strict_faults

    office_ca.make(tmp_path)
    assert strict_faults(tmp_path / "ca.pem") == []
    assert len(strict_faults(tmp_path / "lax-ca.pem")) == 1
