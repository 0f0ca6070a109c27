"""How the office's server of the tests answers: connections, documents, and faults at a request."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import socket
import ssl
import struct
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.office_faults import AT_CONNECTION, MAX_BODY, PORTAL, UNTRUE, Answered, Seen

Office = Any
"""tests.office_server.OfficeServer, which imports this module."""


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], office: Office) -> None:
        self.office = office
        super().__init__(address, Handler)

    def finish_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        office = self.office
        office.connections += 1
        fault = office.take(AT_CONNECTION)
        request.settimeout(30)
        with contextlib.suppress(OSError, ValueError):
            if fault == "refuse":
                return reset(request)
            if fault == "handshake-cut":
                request.recv(5)
                request.sendall(b"\x16\x03\x03\x00\x7a\x02\x00")
                return None
            if fault == "not-tls":
                request.recv(5)
                request.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nspeak plainly")
                return None
            if office.tls:
                request = office.context(fault or "good").wrap_socket(request, server_side=True)
            office.open_connections.add(request)
            try:
                Handler(request, client_address, self)
            finally:
                office.open_connections.discard(request)
            with contextlib.suppress(OSError, ValueError):
                if isinstance(request, ssl.SSLSocket):
                    request.settimeout(1)
                    request.unwrap()
            request.close()
        return None

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: broken connections are the purpose of this server."""


def reset(connection: socket.socket) -> None:
    """End a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket.close(connection)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "office", ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 30
    server: Listener

    def log_message(self, *_: object) -> None: ...

    def do_PUT(self) -> None:
        self._serve(self._put)

    def do_GET(self) -> None:
        self._serve(self._get)

    def do_HEAD(self) -> None:
        self._serve(self._get)

    def do_MKCOL(self) -> None:
        self._serve(self._mkcol)

    def do_PROPFIND(self) -> None:
        self._serve(self._propfind)

    def _serve(self, answer) -> None:
        office = self.office = self.server.office
        if office.waits_for_a_connection():
            return self._break()
        path = unquote(urlsplit(self.path).path)
        fault = office.stuck(self.command, path) or office.take(None)
        if fault == "reset-before-body":
            return self._break()
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(min(length, MAX_BODY + 1))
        if len(raw) < min(length, MAX_BODY + 1):
            self.close_connection = True
            return None
        office.seen.append(Seen(self.command, path, dict(self.headers), raw, fault))
        if fault == "reset-after-body":
            return self._break()
        if fault and self._faulty(fault, answer, raw):
            return None
        self._checked(answer, raw)
        return None

    def _checked(self, answer, raw: bytes, fault: str = "") -> None:
        if not self._authorised():
            return self._problem(401, "Who are you?", "the token is not known here")
        path = unquote(urlsplit(self.path).path)
        if not path.startswith(self.office.prefix + "/"):
            return self._problem(404, "No such place", "")
        path = path[len(self.office.prefix) + 1 :]
        if any(part in (".", "..") or part.startswith(".") for part in path.split("/")):
            return self._problem(400, "No such path", "")
        return answer(path, raw, fault)

    def _authorised(self) -> bool:
        office, sent = self.office, self.headers.get("Authorization", "")
        if not office.token:
            return True
        pair = base64.b64encode(f"{office.username}:{office.token}".encode()).decode()
        return sent == (f"Basic {pair}" if office.username else f"Bearer {office.token}")

    def _put(self, path: str, raw: bytes, fault: str) -> None:
        office, api = self.office, self.office.kind == "api"
        packed = self.headers.get("Content-Encoding", "") == "gzip" and api  # WebDAV keeps what came
        try:
            body = gzip.decompress(raw) if packed else raw
        except (OSError, EOFError):
            return self._problem(400, "Not gzip", "the body says it is gzip and is not")
        if len(raw) > MAX_BODY:
            return self._problem(413, "Too large", "")
        if not api and not office.full_put_path and not (office.folder / path).parent.is_dir():
            return self._problem(office.no_folder_status, "Conflict", "the folder does not exist")
        once = office.knows_if_none_match and self.headers.get("If-None-Match") == "*"
        sha256 = hashlib.sha256(body).hexdigest()
        what = "new" if fault == "stores-nothing" else office.store(path, body, write_once=once)
        if fault == "answer-lost":
            return self._break()
        if what == "refused" and api:
            held = hashlib.sha256((office.folder / path).read_bytes()).hexdigest()
            return self._problem(412, "Already here", "a document is never overwritten", sha256=held)
        if what == "refused":
            return self._answer(412, b"")
        if not api or fault == "no-receipt":
            return self._answer(201 if what == "new" else 204, b"")
        if fault == "wrong-sha":
            sha256 = hashlib.sha256(body + b" ").hexdigest()
        if fault == "stores-nothing":  # it has not looked at the body either
            sha256 = hashlib.sha256(b"").hexdigest()
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        receipt = {"schema": 1, "path": path, "sha256": sha256, "bytes": len(body), "received_at": now}
        return self._answer(201 if what == "new" else 200, json.dumps(receipt).encode(), "application/json")

    def _get(self, path: str, raw: bytes, fault: str) -> None:
        if path == "v1/documents" and self.office.kind == "api":
            return self._list()
        file = self.office.folder / path
        if not file.is_file():
            return self._problem(404, "Not here", "")
        body = file.read_bytes()
        if fault == "changed-answer":
            body = body[:-1] + b"?"
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if self.headers.get("If-None-Match") == etag:
            return self._answer(304, b"", etag=etag)
        if fault == "bomb":
            body = gzip.compress(bytes(10_000_000), 1)
        if fault == "bomb" or (self.office.packs and "gzip" in self.headers.get("Accept-Encoding", "")):
            body = body if fault == "bomb" else gzip.compress(body)
            return self._answer(200, body, "application/octet-stream", etag=etag, content_encoding="gzip")
        return self._answer(200, body, "application/octet-stream", etag=etag)

    def _list(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if not self.office.has_feed:
            asked = {}
        found = self.office.feed(asked.get("after", ""), int(asked.get("limit", self.office.feed_limit)))
        if found is None:
            return self._problem(410, "Gone", "this cursor is not known here")
        return self._answer(200, json.dumps(found).encode(), "application/json")

    def _mkcol(self, path: str, raw: bytes, fault: str) -> None:
        folder = self.office.folder / path.rstrip("/")
        if folder.exists():
            return self._answer(405, b"")
        if not folder.parent.is_dir():
            return self._problem(409, "Conflict", "the folder above does not exist")
        folder.mkdir()
        return self._answer(201, b"")

    def _propfind(self, path: str, raw: bytes, fault: str) -> None:
        folder = self.office.folder / path.rstrip("/")
        if not folder.is_dir():
            return self._problem(404, "Not here", "")
        below = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
        rows = "".join(self._row(p) for p in (folder, *below))
        text = f'<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:">{rows}</D:multistatus>'
        return self._answer(207, text.encode(), "application/xml")

    def _row(self, file: Path) -> str:
        name = file.relative_to(self.office.folder).as_posix().removeprefix(".")
        href = f"{self.office.prefix}/{name}" + ("/" if file.is_dir() and name else "")
        kind = "<D:collection/>" if file.is_dir() else ""
        at = formatdate(file.stat().st_mtime, usegmt=True)
        props = f"<D:resourcetype>{kind}</D:resourcetype><D:getcontentlength>{file.stat().st_size}</D:getcontentlength>"
        props += f"<D:getlastmodified>{at}</D:getlastmodified>"
        return (
            f"<D:response><D:href>{href}</D:href><D:propstat><D:prop>{props}</D:prop>"
            "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
        )

    def _faulty(self, fault: str, answer, raw: bytes) -> bool:
        """Answer in the way of a fault; False: the ordinary way goes on."""
        if fault in UNTRUE:
            self._checked(answer, raw, fault)
        elif fault in ("redirect", "redirect-http"):
            scheme = "https" if fault == "redirect" else "http"
            self._answer(302, b"", location=f"{scheme}://portal.example/login?from=classroom")
        elif fault == "captive-portal":
            self._answer(200, PORTAL, "text/html; charset=utf-8")
        elif fault == "hang":
            self._wait(10)
        elif fault == "slow-loris":
            self._slowly(b"HTTP/1.1 201 Created\r\n" + b"X-Patience: yes\r\n" * 100)
        elif fault == "huge-answer":
            self._hugely()
        elif fault == "no-length":
            self._plain(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of someth")
        elif fault == "answer-cut":
            self._plain(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{")
        elif fault == "hostile-words":
            self._problem(422, "<script>alert(1)</script>\x1b[31m\r\nX: y\u202e" + "very long " * 100, "\x00")
        else:
            status = int(fault.partition("-")[0])
            after = formatdate(time.time() + int(self.office.retry_after), usegmt=True) if "-" in fault else ""
            self._problem(status, f"Fault {status}", "as was asked for", retry_after=after)
        return True

    def _problem(self, status: int, title: str, detail: str, retry_after: str = "", **more: str) -> None:
        """Answer with problem details (RFC 9457)."""
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
        headers = {"retry_after": retry_after or self.office.retry_after} if status in (429, 503) else {}
        self._answer(status, json.dumps(problem).encode(), "application/problem+json", **headers)

    def _answer(self, status: int, body: bytes, content_type: str = "", **headers: str) -> None:
        self.send_response(status)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        if content_type:
            self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-").title(), value)
        self.end_headers()
        sent_headers = {name.replace("_", "-").title(): value for name, value in headers.items()}
        path = unquote(urlsplit(self.path).path)
        sent_headers = {**sent_headers, **({"Content-Type": content_type} if content_type else {})}
        self.office.answered.append(Answered(self.command, path, status, sent_headers, body))
        self.wfile.write(b"" if self.command == "HEAD" else body)
        self.wfile.flush()

    def _plain(self, data: bytes) -> None:
        """Send these bytes and end the connection without TLS's goodbye."""
        self.connection.sendall(data)
        socket.socket.shutdown(self.connection, socket.SHUT_RDWR)
        self.close_connection = True

    def _slowly(self, data: bytes) -> None:
        for at in range(len(data)):
            self.connection.sendall(data[at : at + 1])
            time.sleep(self.office.slow_step_s)
        self.close_connection = True

    def _hugely(self) -> None:
        self.connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n"
        )
        for _ in range(1000):
            self.connection.sendall(b" " * 65536)
        self.close_connection = True

    def _wait(self, longest_s: float) -> None:
        """Be silent until the client goes."""
        self.connection.settimeout(longest_s)
        with contextlib.suppress(OSError):
            self.connection.recv(1)
        self.close_connection = True

    def _break(self) -> None:
        self.close_connection = True
        reset(self.connection)
