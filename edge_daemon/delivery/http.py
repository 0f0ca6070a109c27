"""Exchanges of requests and answers with one server over HTTPS, each with a deadline.

The defaults of `requests` do not suit an unattended device. It has no time limit for a whole exchange, reads answers of
any size, follows redirects, takes passwords from ~/.netrc, and trusts its own list of authorities. This module always
verifies TLS, against the system's authorities or the school's. An exchange ends at its deadline, redirects are not
followed, and an incomplete answer counts as no answer.
"""

from __future__ import annotations

import base64
import logging
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from types import MappingProxyType, TracebackType
from typing import Final
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError

from edge_daemon.delivery import error_messages
from edge_daemon.delivery.connection_deadline import ConnectionDeadline
from edge_daemon.delivery.http_adapter import Adapter
from edge_daemon.device.server_context import server_context
from edge_daemon.domains import ascii_domain

_PORTS: Final = {"https": 443, "http": 80}
_CHUNK: Final = 16 * 1024
_SENT_A_SECOND: Final = 1000
_READ_A_SECOND: Final = 20_000
"""Slowest speed, in bytes per second, at which a large answer still arrives before its deadline."""
_SMALL: Final = 64 * 1024
"""Size of an answer, in bytes, up to which it gets no extra time."""
_WITHOUT_BODY: Final = (204, 304)
_MOST_DIGITS: Final = 15
_LISTEN_S: Final = 1.0

logging.getLogger("urllib3").setLevel(logging.ERROR)
"""At lower levels urllib3 logs invalid headers with the whole URL, which may contain a secret."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of an exchange."""

    connect_s: float = 10.0
    read_s: float = 30.0
    """Longest wait for the next byte, in seconds."""
    exchange_s: float = 60.0
    """Longest time of a whole exchange, with its connection, in seconds. A large body gets more."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A server's complete answer."""

    status: int
    headers: Mapping[str, str]
    """The headers by name in lower case."""
    body: bytes
    is_cut: bool
    """True: the body was longer than `max_bytes`, and its rest was not read."""


class NoAnswerError(Exception):
    """The server gave no complete answer.

    Args:
        what: the reason in plain words.
        in_the_middle: True: the request was already being sent, so it may have caused the failure, or may have
            been carried out.
    """

    def __init__(self, what: str, *, in_the_middle: bool) -> None:
        super().__init__(what)
        self.what, self.in_the_middle = what, in_the_middle


class Server:
    """A server whose connection stays open between exchanges. Only one thread may use it.

    Args:
        base: URL to which every path is appended, without a slash at its end.
        secret: the password if there is a username, otherwise the token; empty: none.
        username: name for basic authentication; empty: the secret is a bearer token (RFC 6750).
        ca_file: file of authorities to trust instead of the system's; empty: the system's. For a proxy that is reached
            by https:// both are trusted.
        client_certificate: paths of our client certificate and of its key.
        proxy: URL of a proxy; empty: from the environment (HTTPS_PROXY, NO_PROXY).
        agent: our User-Agent.
        limits: time limits.

    Raises:
        OSError: `ca_file` can't be read; `ssl.SSLError` if it has no authorities.
    """

    def __init__(
        self,
        base: str,
        *,
        secret: str = "",
        username: str = "",
        ca_file: str = "",
        client_certificate: tuple[str, str] | None = None,
        proxy: str = "",
        agent: str = "edge-daemon",
        limits: Limits,
    ) -> None:
        self.base, self._limits = base, limits
        parts = urlsplit(base)
        self.where = f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme, 0)}"
        self._proxies = {parts.scheme: proxy} if proxy else get_environ_proxies(base, no_proxy=None)
        self._auth = _Auth(secret, username)
        self._agent = agent
        self._line = ConnectionDeadline()
        self._context = context = server_context(ca_file)
        # Reading the system's authorities takes time, and only a connection to a proxy needs them beside `ca_file`.
        proxy_context = server_context() if self._proxies else context
        self._has_answered = False
        if client_certificate is not None:
            context.load_cert_chain(*client_certificate, password=no_passphrase)
        if ca_file and self._proxies:
            proxy_context.load_verify_locations(cafile=ca_file)
        self._adapter = Adapter(context, proxy_context, self._line)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._adapter.close()
        self._line.drop()

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        max_bytes: int,
        packed: bool = False,
    ) -> HttpAnswer:
        """Send a request and return the answer.

        Args:
            method: HTTP method.
            path: path below the base, quoted for a URL.
            body: body of the request.
            headers: headers in addition to those of every request.
            max_bytes: largest size of the answer's unpacked body; what exceeds it is not read.
            packed: True: the server may compress the answer with gzip, which saves traffic on a mobile network.

        Raises:
            NoAnswerError: there was no complete answer within the limits.
        """
        sent = {"User-Agent": self._agent, "Accept-Encoding": "gzip" if packed else "identity", **(headers or {})}
        request = requests.Request(method, f"{self.base}/{path}", headers=sent, data=body or None, auth=self._auth)
        large_s = len(body) / _SENT_A_SECOND + max(0, max_bytes - _SMALL) / _READ_A_SECOND
        allowed_s = self._limits.exchange_s + large_s
        with self._line.until(allowed_s) as deadline:
            try:
                answer, failure = self._exchange(request.prepare(), max_bytes), None
            except NoAnswerError as error:
                failure = error
            except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
                # ValueError: http.client and urllib3 parse numbers in an answer, which may contain anything.
                failure = NoAnswerError(self._explained(error), in_the_middle=_in_the_middle(error))
                failure.__cause__ = error
                if not self._has_answered and failure.in_the_middle and not deadline.is_over:
                    failure = self._refused_at_handshake() or failure
        if deadline.is_over:  # a connection that was cut may look like the end of an answer
            what = f"{self.where} sent no whole answer within {allowed_s:.0f} s"
            failure = NoAnswerError(what, in_the_middle=True)
        if failure is not None:
            self._line.drop()
            raise failure
        self._has_answered = True
        return answer

    def _refused_at_handshake(self) -> NoAnswerError | None:
        """Return an error if the connection broke because the server rejected our client certificate; otherwise None.

        With TLS 1.3 the server reports this after the handshake and closes the connection. Its report is lost if the
        client is sending at that moment. The method therefore connects again and only listens.
        """
        parts = urlsplit(self.base)
        if parts.scheme != "https" or not parts.hostname or select_proxy(self.base, self._proxies):
            return None
        address = (ascii_domain(parts.hostname), parts.port or _PORTS["https"])
        try:
            with (
                self._line.connect(address, self._limits.connect_s) as plain,
                self._context.wrap_socket(plain, server_hostname=address[0]) as connection,
            ):
                connection.settimeout(_LISTEN_S)
                connection.recv(1)
        except OSError as error:
            if error_messages.is_about_us(error):
                return NoAnswerError(self._explained(error), in_the_middle=False)
        return None

    def _explained(self, error: Exception) -> str:
        proxy = urlsplit(select_proxy(self.base, self._proxies) or "")
        is_proxy = isinstance(error, requests.exceptions.ProxyError) and proxy.hostname
        return error_messages.explain(error, self.where, f"{proxy.hostname}:{proxy.port}" if is_proxy else "")

    def _exchange(self, request: requests.PreparedRequest, max_bytes: int) -> HttpAnswer:
        # Not by Session.send, which reads the whole body of a redirect, however long, and keeps cookies.
        timeouts = (self._limits.connect_s, self._limits.read_s)
        response = self._adapter.send(request, stream=True, timeout=timeouts, proxies=self._proxies)
        headers = MappingProxyType({name.lower(): value for name, value in response.headers.items()})
        if request.method == "HEAD" or response.status_code in _WITHOUT_BODY:
            response.close()
            return HttpAnswer(response.status_code, headers, b"", is_cut=False)
        length = headers.get("content-length", "")
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        body, is_cut = self._read(response, max_bytes)
        if not is_cut and not chunked and not _is_length(length, len(body)):
            raise NoAnswerError(f"{self.where} sent an answer that may not be whole", in_the_middle=True)
        if headers.get("content-encoding", "identity").lower() == "gzip":
            body, is_cut = _unpacked(body, max_bytes, is_cut=is_cut)
        return HttpAnswer(response.status_code, headers, body, is_cut)

    def _read(self, response: requests.Response, max_bytes: int) -> tuple[bytes, bool]:
        body = bytearray()
        for part in response.raw.stream(_CHUNK, decode_content=False):
            body += part
            if len(body) > max_bytes:
                response.close()
                self._line.drop()
                return bytes(body[:max_bytes]), True
        response.close()
        return bytes(body), False


def _is_length(text: str, length: int) -> bool:
    """Return whether a Content-Length equals a length.

    An invalid one equals no length, so the body counts as incomplete.
    """
    text = text.strip()
    return text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS and int(text) == length


def no_passphrase() -> str:
    """Return an empty passphrase for a key file, so that OpenSSL does not ask for one at the terminal."""
    return ""


def _unpacked(body: bytes, max_bytes: int, *, is_cut: bool) -> tuple[bytes, bool]:
    """Unpack gzip data up to a size, because it may be a decompression bomb.

    Return the data, and whether it is incomplete.
    """
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = unpacker.decompress(body, max_bytes + 1)
    except zlib.error:
        return b"", True
    return plain[:max_bytes], is_cut or not unpacker.eof


class _Auth(AuthBase):
    """Sets the header Authorization. A request without such an object would take a password from ~/.netrc."""

    def __init__(self, secret: str, username: str) -> None:
        pair = base64.b64encode(f"{username}:{secret}".encode()).decode("ascii")
        self._header = f"Basic {pair}" if username else f"Bearer {secret}" if secret else ""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header:
            r.headers["Authorization"] = self._header
        return r


def _in_the_middle(error: BaseException) -> bool:
    """Return whether an error occurred after the connection to the server itself was made."""
    before = (ssl.SSLCertVerificationError, NewConnectionError, ProxyError, ConnectTimeoutError)
    return not (any(error_messages.find(error, kind) for kind in before) or error_messages.is_about_us(error))
