"""Requests to other systems over HTTPS: limited in time and size, without redirects and without tracebacks."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import unquote, urlsplit

_TIMEOUT_S: Final = 60
_LONGEST_S: Final = 600
"""Longest time of one request to the school's server: 16 MiB at 0.25 Mbit/s."""
_MOST_BYTES: Final = 16 * 2**20


class NoAnswerError(Exception):
    """There was no answer, or one that is too large; the text has neither address nor secret."""


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """An answer, whatever its status."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers by name in lower case."""

    def json(self) -> Any:
        """Return the JSON value of the body; None if the body is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect, because a token must go only to the configured address."""


@cache
def _context(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file or None)


@cache
def _opener(ca_file: str) -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=_context(ca_file)))


def ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    timeout_s: float = _TIMEOUT_S,
    ca_file: str = "",
) -> WebAnswer:
    """Send a request and return its answer, even if it reports an error.

    Args:
        method: such as GET.
        url: the whole address.
        headers: names and values of the request.
        body: its body; None: it has none.
        timeout_s: longest wait for the next bytes, in seconds.
        ca_file: certificates to trust in place of the system's; empty: the system's.

    Raises:
        NoAnswerError: there was no answer in time.
    """
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - settings check it
    try:
        with _opener(ca_file).open(request, timeout=timeout_s) as answer:
            return _read(answer.status, answer, answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error, error.headers)
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None)
        raise NoAnswerError(
            f"does not answer ({type(reason if isinstance(reason, Exception) else error).__name__})"
        ) from error


class WebSession:
    """One connection to a server, kept open between requests. Only one thread may use it.

    Args:
        url: address of the server; requests name a place below it.
        headers: sent with each request.
        ca_file: certificates to trust in place of the system's; empty: the system's.
        timeout_s: longest wait for the next bytes, in seconds.
        longest_s: longest time of a request with its answer, in seconds: some servers send a byte now and then.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        ca_file: str = "",
        timeout_s: float = _TIMEOUT_S,
        longest_s: float = _LONGEST_S,
    ) -> None:
        self.url, self._headers, self._ca_file = url, headers, ca_file
        self._timeout_s, self._longest_s = timeout_s, longest_s
        self._connection: HTTPConnection | None = None

    def ask(
        self, method: str, place: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> WebAnswer:
        """Send a request and return its answer, even if it reports an error.

        Args:
            method: such as GET.
            place: the quoted path below the server's address, with its query.
            body: the body; None: it has none.
            headers: more headers.

        Raises:
            NoAnswerError: there was no answer in time.
        """
        path = f"{urlsplit(self.url).path}/{place}"
        while True:
            was_open, is_late = self._connection is not None, threading.Event()
            try:
                connection = self._connection = self._connection or self._connected()
                with _ended_after(self._longest_s, connection.sock, is_late):
                    connection.request(method, path, body, {**self._headers, **(headers or {})})
                    answer = connection.getresponse()
                    found = _read(answer.status, answer, answer.headers)
            except (OSError, HTTPException, ValueError) as error:
                self.close()
                if was_open and not isinstance(error, TimeoutError) and not is_late.is_set():
                    continue  # servers close idle connections
                raise NoAnswerError(f"does not answer ({type(error).__name__})") from error
            except NoAnswerError:
                self.close()
                raise
            if answer.will_close:
                self.close()
            return found

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> HTTPConnection:
        connection = self._unconnected()
        connection.connect()
        return connection

    def _unconnected(self) -> HTTPConnection:
        where = urlsplit(self.url)
        host, port = where.hostname or "", where.port or 443
        proxy = urllib.request.getproxies().get("https")
        if proxy is None or urllib.request.proxy_bypass(f"{host}:{port}"):
            return HTTPSConnection(host, port, timeout=self._timeout_s, context=_context(self._ca_file))
        through = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        connection = HTTPSConnection(
            through.hostname or "", through.port or 80, timeout=self._timeout_s, context=_context(self._ca_file)
        )
        login = {}
        if through.username is not None:
            pair = f"{unquote(through.username)}:{unquote(through.password or '')}".encode()
            login = {"Proxy-Authorization": f"Basic {b64encode(pair).decode('ascii')}"}
        connection.set_tunnel(host, port, login)
        return connection


@contextmanager
def _ended_after(seconds: float, connection: socket.socket, is_late: threading.Event) -> Iterator[None]:
    """End a connection below TLS, and set `is_late`, if the block has not ended after this time."""

    def end() -> None:
        is_late.set()
        with suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _read(status: int, answer: Any, headers: Message) -> WebAnswer:
    try:
        body = answer.read(_MOST_BYTES + 1)
    except (OSError, HTTPException) as error:
        raise NoAnswerError(f"sent only a part of its answer ({type(error).__name__})") from error
    if len(body) > _MOST_BYTES:
        raise NoAnswerError(f"sent an answer of more than {_MOST_BYTES >> 20} MiB")
    return WebAnswer(status, body, {name.lower(): value for name, value in headers.items()})
