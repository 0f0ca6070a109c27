"""An exchange ends, whatever the other side does."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time

import pytest

from edge_daemon.delivery.http import Limits, NoAnswerError, Server
from tests.office_server import OfficeServer
from tests.silent_host import silent_host


@contextlib.contextmanager
def trickling(piece: bytes):
    """A server that sends a piece every 20 ms, for ever, whatever it is asked."""
    with socket.create_server(("localhost", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client, contextlib.suppress(OSError):
                        while True:
                            client.sendall(piece)
                            time.sleep(0.02)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def server(url: str, **limits: float) -> Server:
    return Server(url, limits=Limits(**{"connect_s": 20, "read_s": 20, "exchange_s": 20, **limits}))


@pytest.mark.parametrize(
    ("scheme", "piece"),
    [
        ("https", b"\x16\x03\x03\x40\x00" + b"\x0b\x00\x3f\xfc"),  # a record of the handshake, never whole
        ("http", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("http", b"H"),
    ],
)
def test_a_trickling_answer_ends_at_the_deadline(scheme, piece):
    with trickling(piece) as port, server(f"{scheme}://localhost:{port}", exchange_s=0.5) as one:
        began = time.monotonic()
        with pytest.raises(NoAnswerError):
            one.ask("GET", "x", max_bytes=100)
        assert time.monotonic() - began < 60


def test_many_silent_addresses_take_no_longer_than_the_deadline(monkeypatch):
    with silent_host(monkeypatch) as port, server(f"http://many.example:{port}", connect_s=0.2, exchange_s=0.5) as one:
        began = time.monotonic()
        with pytest.raises(NoAnswerError, match=r"many\.example"):
            one.ask("GET", "x", max_bytes=100)
        assert 0.4 < time.monotonic() - began < 4, "40 addresses with 0.2 s each take 8 s"


def test_after_a_deadline_the_next_exchange_has_a_connection_of_its_own(tmp_path):
    with OfficeServer(tmp_path, tls=False, token="") as office, server(office.url, exchange_s=4) as one:
        office.faults.append("slow-loris")
        with pytest.raises(NoAnswerError, match="no whole answer within") as failed:
            one.ask("GET", "x", max_bytes=100)
        assert failed.value.in_the_middle
        assert one.ask("GET", "x", max_bytes=1000).status == 404


def test_a_connection_that_the_server_has_closed_meanwhile_is_opened_again(tmp_path):
    with OfficeServer(tmp_path, tls=False, token="") as office, server(office.url) as one:
        assert one.ask("GET", "x", max_bytes=1000).status == 404
        office.drop_connections()
        assert one.ask("GET", "x", max_bytes=1000).status == 404
        assert office.connections == 2


def test_an_answer_larger_than_the_limit_is_cut_and_marked_as_cut(tmp_path):
    with OfficeServer(tmp_path, tls=False, token="") as office, server(office.url) as one:
        office.store("v1/x", b"0123456789", write_once=False)
        answer = one.ask("GET", "v1/x", max_bytes=4)
        assert (answer.body, answer.is_cut) == (b"0123", True)
        whole = one.ask("GET", "v1/x", max_bytes=10)
        assert (whole.body, whole.is_cut) == (b"0123456789", False)


def test_a_closed_server_leaves_no_connection_behind(tmp_path):
    with OfficeServer(tmp_path, tls=False, token="") as office:
        one = server(office.url)
        one.ask("GET", "x", max_bytes=1000)
        one.close()
        end = time.monotonic() + 60
        while office.open_connections and time.monotonic() < end:
            time.sleep(0.01)
        assert not office.open_connections


def test_the_service_does_not_load_what_only_the_network_needs():
    code = (
        "import sys, edge_daemon.app.service.service, edge_daemon.app.service.worker; print('requests' in sys.modules)"
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert completed.stdout.strip() == "False"
