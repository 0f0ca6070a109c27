"""Servers that answer, do not answer, or are no mail servers, over real sockets."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_daemon.config import Config
from edge_daemon.device import connectivity
from tests.device.fake_sys import tree
from tests.proxy_server import Proxy

DEV = "Inter-|   Receive\n face |bytes\n    lo: 0 0\n{link}"
HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n"


def mail_settings(**changes):
    return dataclasses.replace(Config().mail, **{"host": "localhost", **changes})


def upstream_settings(url: str, ca_file: str = ""):
    return dataclasses.replace(Config().upstream, url=url, ca_file=ca_file)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a certificate for localhost, signed by itself, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    return file


@contextlib.contextmanager
def serving(talk):
    """A server on a free port that talks to one client."""
    with socket.create_server(("localhost", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            with contextlib.suppress(OSError):
                client, _ = server.accept()
                with client:
                    talk(client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return lambda client: context.wrap_socket(client, server_side=True).close()


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port that we hold and on which nobody listens."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        yield place.getsockname()[1]


def test_an_upstream_with_a_certificate_that_we_know(certificate):
    with serving(tls(certificate)) as port:
        found = connectivity.upstream(
            upstream_settings(f"https://localhost:{port}/x", str(certificate)), certificate.parent
        )
    assert found.state == "good"
    assert "TLSv1.3" in found.found


def test_an_upstream_with_a_strange_certificate(certificate, tmp_path):
    with serving(tls(certificate)) as port:
        found = connectivity.upstream(upstream_settings(f"https://localhost:{port}"), tmp_path)
    assert found.state == "bad"
    assert "not trusted" in found.found


def test_an_upstream_that_is_not_there_is_bad(tmp_path, refused_port):
    found = connectivity.upstream(upstream_settings(f"https://localhost:{refused_port}"), tmp_path)
    assert found.state == "bad"
    assert "Connection refused" in found.found


def test_an_upstream_that_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(connectivity, "TIMEOUT_S", 0.2)
    with serving(lambda client: client.recv(10000) and client.recv(1)) as port:
        found = connectivity.upstream(upstream_settings(f"https://localhost:{port}"), tmp_path)
    assert found.state == "bad"
    assert "no answer within 0.2 s" in found.found


def test_an_upstream_in_plain_text_is_refused_and_where_that_is_allowed_a_warning(tmp_path):
    with serving(lambda client: None) as port:
        settings = upstream_settings(f"http://localhost:{port}")
        refused = connectivity.upstream(settings, tmp_path)
        assert (refused.state, "not encrypted" in refused.found) == ("bad", True)
        assert connectivity.upstream(dataclasses.replace(settings, insecure_http=True), tmp_path).state == "warning"


def test_an_upstream_behind_a_proxy(certificate, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "")
    with serving(tls(certificate)) as port:
        settings, proxy = upstream_settings(f"https://localhost:{port}", str(certificate)), Proxy()
        found = connectivity.upstream(dataclasses.replace(settings, proxy=proxy.url), certificate.parent)
        assert (found.state, proxy.asked) == ("good", [f"localhost:{port}"])
    monkeypatch.setenv("https_proxy", proxy.url)
    assert connectivity.upstream(upstream_settings("https://localhost:9"), certificate.parent).state == "bad"
    assert proxy.asked[1:] == ["localhost:9"]
    proxy.close()


def test_a_proxy_that_wants_a_log_in_is_reported(tmp_path):
    proxy = Proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    settings = dataclasses.replace(upstream_settings("https://localhost:9"), proxy=proxy.url)
    found = connectivity.upstream(settings, tmp_path)
    proxy.close()
    assert found.state == "bad"
    assert "the proxy refuses the connection (407" in found.found


@pytest.mark.parametrize("url", ["localhost", "ftp://x", "https://", "https://x:99999", "https://[x"])
def test_an_address_that_can_not_be_meant_is_bad(tmp_path, url):
    assert connectivity.upstream(upstream_settings(url), tmp_path).state == "bad"


def test_a_password_in_an_address_is_not_shown(tmp_path):
    assert "secret" not in str(connectivity.upstream(upstream_settings("ftp://box:secret@x"), tmp_path))


def test_a_name_that_leads_nowhere(tmp_path):
    found = connectivity.upstream(upstream_settings("https://nowhere.invalid"), tmp_path)
    assert found.state == "bad"
    assert "can't be resolved" in found.found


def test_a_missing_ca_file_is_named(tmp_path):
    with serving(lambda client: None) as port:
        found = connectivity.upstream(upstream_settings(f"https://localhost:{port}", "school.pem"), tmp_path)
    assert found.state == "bad"
    assert "school.pem can't be read" in found.found


def smtp(certificate, *, starttls: bool):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(client: socket.socket) -> None:
        client.sendall(b"220 mail\r\n")
        client.recv(1000)
        client.sendall(b"250-mail\r\n250 STARTTLS\r\n" if starttls else b"250 mail\r\n")
        client.recv(1000)
        if not starttls:
            client.sendall(b"221 bye\r\n")
            return
        client.sendall(b"220 go\r\n")
        with context.wrap_socket(client, server_side=True) as encrypted:
            encrypted.recv(1000)
            encrypted.sendall(b"221 bye\r\n")

    return talk


def test_a_mail_server_with_starttls(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(smtp(certificate, starttls=True)) as port:
        found = connectivity.mail(mail_settings(port=port))
    assert found.state == "good"
    assert "TLSv1.3; no mail was sent" in found.found


def test_a_mail_server_that_does_not_encrypt(certificate):
    with serving(smtp(certificate, starttls=False)) as port:
        found = connectivity.mail(mail_settings(port=port))
    assert found.state == "bad"
    assert "does not encrypt" in found.found


def test_a_mail_server_with_tls_from_the_start_and_a_strange_certificate(certificate):
    with serving(tls(certificate)) as port:
        found = connectivity.mail(mail_settings(port=port, security="tls"))
    assert found.state == "bad"
    assert "not trusted" in found.found


def test_something_that_is_no_mail_server():
    with serving(lambda client: client.sendall(b"SSH-2.0-x\r\n")) as port:
        found = connectivity.mail(mail_settings(port=port))
    assert found.state == "bad"


def test_a_mail_server_that_is_not_there_is_bad(refused_port):
    assert "Connection refused" in connectivity.mail(mail_settings(port=refused_port)).found


def test_nothing_set_is_not_checked(tmp_path):
    assert connectivity.mail(mail_settings(host="")).state == "not checked"
    assert connectivity.upstream(upstream_settings(""), tmp_path).state == "not checked"


def test_a_way_out(tmp_path):
    rows = "wlan0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\nwlan0\t0000A8C0\t00000000\t0001\t0\t0\t0\tFF\t0\n"
    route = HEAD + rows
    tree(tmp_path, {"proc/net/dev": DEV.format(link=" wlan0: 1 2\n"), "proc/net/route": route})
    found = connectivity.network(tmp_path)
    assert (found.state, found.found) == ("good", "a default route by wlan0 (as seen from this process)")


def test_a_way_out_by_ipv6_only(tmp_path):
    zero = "0" * 32
    route = f"{zero} 00 {zero} 00 fe80{'0' * 27}1 00000400 1 0 00000003     eth0\n"
    lo = f"{zero} 00 {zero} 00 {zero} ffffffff 1 0 00200200       lo\n"
    files = {"proc/net/dev": DEV.format(link="  eth0: 1 2\n"), "proc/net/route": HEAD, "proc/net/ipv6_route": lo}
    assert connectivity.network(tree(tmp_path, files)).state == "warning"
    assert connectivity.network(tree(tmp_path, {"proc/net/ipv6_route": route + lo})).state == "good"


def test_inside_a_private_network_the_network_is_not_checked(tmp_path):
    found = connectivity.network(tree(tmp_path, {"proc/net/dev": DEV.format(link=""), "proc/net/route": HEAD}))
    assert found.state == "not checked"
    assert "by design" in found.found


def test_a_mail_server_of_the_schools_own_authority(certificate):
    with serving(smtp(certificate, starttls=True)) as port:
        found = connectivity.mail(mail_settings(port=port, ca_file=certificate.name), certificate.parent)
    assert found.state == "good"
    missing = connectivity.mail(mail_settings(ca_file="none.pem"), certificate.parent)
    assert (missing.state, missing.advice) == ("bad", "check mail.ca_file")


def test_mail_that_the_schools_server_sends_is_not_looked_for():
    assert connectivity.mail(mail_settings(via="upstream")).state == "not checked"


IP6_HEAD = "fd000000000000000000000000000000 40 {zero} 00 {zero} 00000100 1 0 00000001     {link}\n"


@pytest.mark.parametrize(
    ("route", "route_6", "expected"),
    [
        (HEAD + "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\tFF\t0\n", "", True),  # a network without a way out
        (HEAD, "", False),
        (HEAD + "lo\t0000007F\t00000000\t0001\t0\t0\t0\tFF\t0\n", "", False),
        (HEAD, IP6_HEAD.format(zero="0" * 32, link="eth0"), True),
        (HEAD, IP6_HEAD.format(zero="0" * 32, link="lo"), False),
        (HEAD, IP6_HEAD.format(zero="0" * 32, link="eth0").replace("fd00", "fe80", 1), False),  # a cable, no address
        ("", "", True),  # this system reports nothing
    ],
)
def test_a_default_route_means_that_there_is_a_link(tmp_path, route, route_6, expected):
    tree(tmp_path, {"proc/net/route": route, "proc/net/ipv6_route": route_6})
    assert connectivity.has_link(tmp_path) is expected
