"""A host with many addresses of which none answers, like a server behind a firewall that drops packets."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

ADDRESSES = 40


@contextlib.contextmanager
def silent_host(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Let every name have 40 silent addresses, and yield a port: Linux drops what a full queue can't take."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))] * ADDRESSES
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        yield port
