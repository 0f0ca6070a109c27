"""Requests to other systems over HTTPS: limited in time and size, without redirects and without tracebacks."""

from __future__ import annotations

import json
import ssl
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from edge_daemon_office.shared.delivery.connection_deadline import ConnectionDeadline

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


@cache
def _context(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file or None)


class _Plain(HTTPConnection):
    """A connection that its deadline can end even during the TLS handshake, because it watches the bare socket."""

    deadline: ConnectionDeadline
    _socket: Any = None

    @property
    def sock(self) -> Any:
        """The socket in use; None before the connection."""
        return self._socket

    @sock.setter
    def sock(self, value: Any) -> None:
        is_new = value is not None and not isinstance(value, ssl.SSLSocket)
        self._socket = self.deadline.watch(value) if is_new else value


class _Encrypted(HTTPSConnection, _Plain):
    pass


def ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    timeout_s: float = _TIMEOUT_S,
    longest_s: float = 2 * _TIMEOUT_S,
    ca_file: str = "",
) -> WebAnswer:
    """Send a request on a connection of its own and return its answer, even if it reports an error.

    Args:
        method: such as GET.
        url: the whole address.
        headers: names and values of the request.
        body: its body; None: it has none.
        timeout_s: longest wait for the next bytes, in seconds.
        longest_s: longest time until the whole answer is there, in seconds.
        ca_file: certificates to trust in place of the system's; empty: the system's.

    Raises:
        NoAnswerError: there was no whole answer in time.
    """
    where = urlsplit(url)
    server = f"{where.scheme}://{where.netloc}"
    session = WebSession(server, headers, ca_file=ca_file, timeout_s=timeout_s, longest_s=longest_s)
    try:
        return session.ask(method, url[len(server) + 1 :], body)
    finally:
        session.close()


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
        self._timeout_s, self._longest_s, self._deadline = timeout_s, longest_s, ConnectionDeadline()
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
            was_open = self._connection is not None
            with self._deadline.until(self._longest_s) as deadline:
                try:
                    connection = self._connection = self._connection or self._unconnected()
                    connection.request(method, path, body, {**self._headers, **(headers or {})})
                    answer = connection.getresponse()
                    found = _read(answer)
                except (OSError, HTTPException, ValueError, NoAnswerError) as error:
                    self.close()
                    if deadline.is_over:
                        raise NoAnswerError(self._late()) from error
                    if isinstance(error, NoAnswerError):
                        raise
                    if was_open and not isinstance(error, TimeoutError):
                        continue  # servers close idle connections
                    raise NoAnswerError(f"does not answer ({type(error).__name__})") from error
            if deadline.is_over:  # the end of the connection may look like the end of the answer
                self.close()
                raise NoAnswerError(self._late())
            if answer.will_close:
                self.close()
            return found

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._deadline.drop()

    def _late(self) -> str:
        return f"does not answer (it was not complete after {self._longest_s:g} s)"

    def _unconnected(self) -> HTTPConnection:
        where = urlsplit(self.url)
        if where.scheme == "http":  # settings allow it on this computer only
            plain = _Plain(where.hostname or "", where.port or 80, timeout=self._timeout_s)
            return self._bounded(plain)
        host, port = where.hostname or "", where.port or 443
        proxy = urllib.request.getproxies().get("https")
        is_direct = proxy is None or urllib.request.proxy_bypass(f"{host}:{port}")
        through = where if proxy is None or is_direct else urlsplit(proxy if "//" in proxy else f"//{proxy}")
        at = through.port or (443 if is_direct else 80)
        context = _context(self._ca_file)
        connection = _Encrypted(through.hostname or "", at, timeout=self._timeout_s, context=context)
        self._bounded(connection)
        if is_direct:
            return connection
        login = {}
        if through.username is not None:
            pair = f"{unquote(through.username)}:{unquote(through.password or '')}".encode()
            login = {"Proxy-Authorization": f"Basic {b64encode(pair).decode('ascii')}"}
        connection.set_tunnel(host, port, login)
        return connection

    def _bounded(self, connection: _Plain) -> HTTPConnection:
        """Return a connection that is made and ended by our deadline."""
        connection.deadline = self._deadline
        connection._create_connection = self._deadline.connect  # type: ignore[attr-defined]
        return connection


def _read(answer: HTTPResponse) -> WebAnswer:
    try:
        body = answer.read(_MOST_BYTES + 1)
    except (OSError, HTTPException) as error:
        raise NoAnswerError(f"sent only a part of its answer ({type(error).__name__})") from error
    if len(body) > _MOST_BYTES:
        raise NoAnswerError(f"sent an answer of more than {_MOST_BYTES >> 20} MiB")
    if answer.length:  # a limited read does not report this
        raise NoAnswerError("sent only a part of its answer (the connection ended)")
    return WebAnswer(answer.status, body, {name.lower(): value for name, value in answer.headers.items()})
