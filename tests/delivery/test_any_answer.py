"""Whatever a server answers: no crash, no delivery without our SHA-256, and the exchange ends."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import socket
import threading

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge_daemon.config import Config
from edge_daemon.delivery.http import Limits
from edge_daemon.delivery.upstream import Upstream
from edge_daemon.errors import DeliveryError
from tests.delivery.upstreams import BODY, PLACE

OURS = hashlib.sha256(BODY).hexdigest()
STATUS = st.sampled_from([b"HTTP/1.1 ", b"HTTP/1.0 ", b"HTTP/9.9 ", b"HTTP", b"ICY "])
CODE = st.one_of(st.integers(0, 1100).map(lambda n: str(n).encode()), st.binary(max_size=4))
NAMES = st.sampled_from(
    [
        b"Content-Length",
        b"Transfer-Encoding",
        b"Content-Encoding",
        b"Content-Type",
        b"Location",
        b"Retry-After",
        b"ETag",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [b"0", b"5", b"-1", b"5, 5", b"9" * 30, b"chunked", b"gzip", b"br", b"text/html", b"//[", b"http://:x"]
    ),
    st.binary(max_size=20),
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"{}", b"[1]", b'{"sha256":null}', b'{"sha256":"' + b"0" * 64 + b'"}', b"5\r\nab"]),
)


@st.composite
def answers(draw) -> bytes:
    lines = [draw(STATUS) + draw(CODE) + b" x", *(name + b": " + value for name, value in draw(HEADERS))]
    return b"\r\n".join(lines) + b"\r\n\r\n" + draw(BODIES)


class Parrot:
    """Answers every request with the same bytes, then closes the connection."""

    def __init__(self) -> None:
        self.answer = b""
        self._listener = socket.create_server(("localhost", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, contextlib.suppress(OSError):
                    client.settimeout(5)
                    seen = b""
                    while b"\r\n\r\n" not in seen:
                        seen += client.recv(65536)
                    client.sendall(self.answer)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(65536):
                        pass

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def parrot():
    one = Parrot()
    yield one
    one.close()


@pytest.fixture(scope="module", params=["api", "webdav"])
def office(request, parrot):
    address = {"kind": request.param, "url": f"http://localhost:{parrot.port}/x", "insecure_http": True}
    with Upstream(dataclasses.replace(Config().upstream, **address), "t", limits=Limits(10, 10, 20)) as one:
        yield one


@settings(max_examples=150)
@given(answer=answers())
@example(answer=b"")
@example(answer=b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
@example(answer=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nnogz!")
@example(answer=b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n")
def test_no_answer_but_ours_is_an_acknowledgement(parrot, office, answer):
    parrot.answer = answer
    outcome = office.put(PLACE, BODY, write_once=True)
    assert outcome.name in ("retry", "parked")
    assert outcome.answer.isprintable()


@settings(max_examples=100)
@given(answer=answers())
def test_whatever_is_pulled_is_whole_or_nothing(parrot, office, answer):
    parrot.answer = answer
    with contextlib.suppress(DeliveryError):
        pulled = office.get("v1/devices/x/roster.csv", '"e"', 40)
        assert pulled.status != 200 or (len(pulled.body) <= 40 and pulled.problem is None)
        assert pulled.status in (200, 304, 404) or pulled.problem is not None


def test_the_parrot_can_say_the_right_thing(parrot, office, request):
    kind = request.node.callspec.params["office"]
    body = BODY if kind == "webdav" else b'{"schema":1,"sha256":"' + OURS.encode() + b'"}'
    parrot.answer = b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    assert office.put(PLACE, BODY, write_once=True).name == "delivered"
