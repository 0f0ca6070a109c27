"""Delivery through a school's proxy, set by the settings or the environment, and its refusals."""

from __future__ import annotations

import base64
import socket

import pytest

from tests.delivery.upstreams import BODY, PLACE, upstream
from tests.office_server import OfficeServer
from tests.proxy_server import Proxy


@pytest.fixture
def server(tmp_path, monkeypatch):
    for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with OfficeServer(tmp_path / "office") as office:
        yield office


@pytest.fixture
def proxy():
    one = Proxy()
    yield one
    one.close()


def delivered(office) -> str:
    return office.put(PLACE, BODY, write_once=True).name


def test_the_proxy_of_the_settings_is_used_and_sees_nothing_but_a_name(server, proxy):
    with upstream(server, proxy=proxy.url) as office:
        assert delivered(office) == "delivered"
    assert proxy.asked == [f"localhost:{server.port}"]


def test_a_proxy_may_have_an_ipv6_address(server, proxy, monkeypatch):
    found = socket.getaddrinfo("localhost", int(proxy.url.rpartition(":")[2]), type=socket.SOCK_STREAM)
    find = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *w, **k: found if host == "::1" else find(host, *w, **k))
    with upstream(server, proxy=proxy.url.replace("localhost", "[::1]")) as office:
        assert delivered(office) == "delivered"
    assert proxy.asked == [f"localhost:{server.port}"]


def test_the_proxy_of_the_environment_is_used_unless_no_proxy_names_the_server(server, proxy, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with upstream(server) as office:
        assert delivered(office) == "delivered"
    assert len(proxy.asked) == 1
    monkeypatch.setenv("NO_PROXY", "localhost")
    with upstream(server) as office:
        assert delivered(office) == "delivered"
    assert len(proxy.asked) == 1


def test_a_proxy_is_logged_in_to_and_never_given_the_servers_token(server, proxy, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//room:pass%40word@"))
    with upstream(server) as office:
        assert delivered(office) == "delivered"
    pair = base64.b64encode(b"room:pass@word").decode()
    assert f"Proxy-Authorization: Basic {pair}" in proxy.heads[0]
    assert "secret-token" not in proxy.heads[0]


def test_the_certificate_is_verified_through_a_proxy_all_the_same(server, proxy):
    server.faults.append("unknown-ca")
    with upstream(server, proxy=proxy.url) as office:
        outcome = office.put(PLACE, BODY, write_once=True)
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert "authority" in outcome.answer


def test_a_deadline_holds_through_a_proxy(server, proxy):
    server.faults.append("slow-loris")
    server.slow_step_s = 0.01
    with upstream(server, proxy=proxy.url, fault="slow-loris") as office:
        assert "no whole answer within" in office.put(PLACE, BODY, write_once=True).answer


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("407 Proxy Authentication Required", "asks for a name and password"),
        ("403 Forbidden", "refuses the connection"),
    ],
)
def test_a_refusal_of_a_proxy_is_reported_as_such(server, status, words):
    refusing = Proxy(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
    with upstream(server, proxy=refusing.url) as office:
        outcome = office.put(PLACE, BODY, write_once=True)
    refusing.close()
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert words in outcome.answer


def test_a_proxy_that_is_not_there_is_reported_as_such(server):
    with upstream(server, proxy="http://localhost:9") as office:
        outcome = office.put(PLACE, BODY, write_once=True)
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert "proxy" in outcome.answer
