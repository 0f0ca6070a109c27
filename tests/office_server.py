"""The office's server for tests: real HTTPS on a socket, kinds api and webdav, and every fault that a network has.

    python -m tests.office_server --folder F --certificates C --kind api [--port P] [--control FILE]

prints {"port", "url", "ca_file"} and serves until it is ended. In a test: `with OfficeServer(folder) as server: ...`.

Documents lie under FOLDER as their path says, written beside and renamed, so that a kill leaves whole files. Every
store is a line of FOLDER/.journal.jsonl: {"path", "sha256", "stored": new | same | changed}, written just before. Names
in `FAULTS` are put into `server.faults` (each is used once), into `server.always`, or, for an own process, into the
control file: {"id": N, "faults": [...], "always": "", "retry_after": "30"}; a new id replaces what was left.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import hashlib
import json
import secrets
import signal
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests import office_ca

AT_CONNECTION = ("refuse", "handshake-cut", "not-tls", "expired", "early", "other-name", "unknown-ca")
BEFORE = ("reset-before-body", "reset-after-body", "redirect", "redirect-http", "captive-portal", "hang", "slow-loris")
BROKEN_ANSWER = ("answer-cut", "huge-answer", "no-length", "hostile-words")
UNTRUE = ("answer-lost", "stores-nothing", "wrong-sha", "no-receipt", "changed-answer", "bomb")
AT_REQUEST = (*BEFORE, *BROKEN_ANSWER, *UNTRUE)
FAULTS = (*AT_CONNECTION, *AT_REQUEST)
"""And any status from 400 on as a word, such as "503"; "503-date" and "429-date" ask for patience with a date."""
PORTAL = b"<!DOCTYPE html><title>Welcome to our Wi-Fi</title><form><input name=room><button>Accept</button></form>"
MAX_BODY = 8 << 20


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    """As it came, perhaps packed."""
    fault: str


@dataclass(frozen=True)
class Answered:
    """What was answered to it."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: bytes


class OfficeServer:
    """A server that runs in threads of this process.

    Args:
        folder: where documents lie; `v1/devices/...` as in their addresses.
        certificates: where the authority and its certificates lie, made when missing; None: a folder of their own.
        kind: `api`, or `webdav` without any knowledge of receipts.
        knows_if_none_match: nginx does not, Nextcloud does.
        full_put_path: a PUT makes missing folders (nginx: create_full_put_path); otherwise it is answered with 409.
        packs: answers with gzip where it may, as nginx does.
    """

    def __init__(
        self,
        folder: Path,
        *,
        certificates: Path | None = None,
        kind: str = "api",
        token: str = "secret-token",
        username: str = "",
        port: int = 0,
        prefix: str = "/office",
        tls: bool = True,
        knows_if_none_match: bool | None = None,
        full_put_path: bool = False,
        packs: bool = False,
    ) -> None:
        self.folder, self.kind, self.token, self.username, self.prefix = folder, kind, token, username, prefix
        folder.mkdir(parents=True, exist_ok=True)
        self.certificates = certificates or Path(tempfile.mkdtemp(prefix="office-"))
        self.ca_file = office_ca.make(self.certificates)
        self.knows_if_none_match = kind == "api" if knows_if_none_match is None else knows_if_none_match
        self.full_put_path, self.tls, self.port, self.packs = full_put_path, tls, port, packs
        self.no_folder_status = 409
        """404 and 500 are met, too: 500 of nginx without create_full_put_path."""
        self.faults: deque[str] = deque()
        self.always, self.retry_after, self.slow_step_s = "", "30", 0.05
        self.seen: list[Seen] = []
        self.answered: list[Answered] = []
        self.connections = 0
        self.open_connections: set[socket.socket] = set()
        self.control: Path | None = None
        self._control_id: object = None
        self._lock = threading.Lock()
        self._http: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}{self.prefix}"

    def __enter__(self) -> OfficeServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before where there was one."""
        self._http = _Listener(("127.0.0.1", self.port), self)
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Close the port: a connection is refused from now on."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def drop_connections(self) -> None:
        """Close those that wait for their next request, as servers do after a while."""
        for connection in list(self.open_connections):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def documents(self) -> dict[str, bytes]:
        """What the server holds: path to bytes."""
        files = (p for p in sorted(self.folder.rglob("*")) if p.is_file() and not p.name.startswith("."))
        return {p.relative_to(self.folder).as_posix(): p.read_bytes() for p in files}

    def context(self, kind: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates / f"{kind}.pem")
        return context

    def take(self, among: tuple[str, ...] | None) -> str:
        """Return the next fault if it is one of these (None: of those at a request), and count it as used."""
        with self._lock:
            self._read_control()
            fault = self.faults[0] if self.faults else self.always
            mine = fault in among if among is not None else fault not in AT_CONNECTION
            if not mine:
                return ""
            if self.faults:
                self.faults.popleft()
            return fault

    def waits_for_a_connection(self) -> bool:
        with self._lock:
            self._read_control()
            return (self.faults[0] if self.faults else self.always) in AT_CONNECTION

    def _read_control(self) -> None:
        if self.control is None:
            return
        with contextlib.suppress(OSError, ValueError):
            told = json.loads(self.control.read_text())
            if told["id"] != self._control_id:
                self._control_id = told["id"]
                self.faults = deque(told.get("faults", ()))
                self.always, self.retry_after = told.get("always", ""), told.get("retry_after", "30")

    def store(self, path: str, body: bytes, *, write_once: bool) -> str:
        """Keep a document and return `new`, `same`, `changed`, or `refused` where another one is there."""
        target = self.folder / path
        with self._lock:
            old = target.read_bytes() if target.is_file() else None
            what = "new" if old is None else "same" if old == body else "changed"
            if old is not None and write_once:
                return "refused"
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{secrets.token_hex(4)}.part")
            part.write_bytes(body)
            line = {"path": path, "sha256": hashlib.sha256(body).hexdigest(), "stored": what}
            with (self.folder / ".journal.jsonl").open("a") as journal:
                journal.write(json.dumps(line) + "\n")
            part.replace(target)
            return what


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], office: OfficeServer) -> None:
        self.office = office
        super().__init__(address, _Handler)

    def finish_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        office = self.office
        office.connections += 1
        fault = office.take(AT_CONNECTION)
        request.settimeout(30)
        with contextlib.suppress(OSError, ValueError):
            if fault == "refuse":
                return _reset(request)
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
                _Handler(request, client_address, self)
            finally:
                office.open_connections.discard(request)
            with contextlib.suppress(OSError, ValueError):
                if isinstance(request, ssl.SSLSocket):
                    request.settimeout(1)
                    request.unwrap()
            request.close()
        return None

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: broken connections are what this server is for."""


def _reset(connection: socket.socket) -> None:
    """End a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket.close(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "office", ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 30
    server: _Listener

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
        fault = office.take(None)
        if fault == "reset-before-body":
            return self._break()
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(min(length, MAX_BODY + 1))
        if len(raw) < min(length, MAX_BODY + 1):
            self.close_connection = True
            return None
        path = unquote(urlsplit(self.path).path)
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
            body = gzip.compress(bytes(50_000_000))
        if fault == "bomb" or (self.office.packs and "gzip" in self.headers.get("Accept-Encoding", "")):
            body = body if fault == "bomb" else gzip.compress(body)
            return self._answer(200, body, "application/octet-stream", etag=etag, content_encoding="gzip")
        return self._answer(200, body, "application/octet-stream", etag=etag)

    def _list(self) -> None:
        held = self.office.documents()
        rows = [{"path": p, "sha256": hashlib.sha256(b).hexdigest(), "bytes": len(b)} for p, b in held.items()]
        self._answer(200, json.dumps({"documents": rows}).encode(), "application/json")

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
        props = f"<D:resourcetype>{kind}</D:resourcetype><D:getcontentlength>{file.stat().st_size}</D:getcontentlength>"
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
        told = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
        headers = {"retry_after": retry_after or self.office.retry_after} if status in (429, 503) else {}
        self._answer(status, json.dumps(told).encode(), "application/problem+json", **headers)

    def _answer(self, status: int, body: bytes, content_type: str = "", **headers: str) -> None:
        self.send_response(status)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        if content_type:
            self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-").title(), value)
        self.end_headers()
        told = {name.replace("_", "-").title(): value for name, value in headers.items()}
        path = unquote(urlsplit(self.path).path)
        told = {**told, **({"Content-Type": content_type} if content_type else {})}
        self.office.answered.append(Answered(self.command, path, status, told, body))
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
        _reset(self.connection)


def main() -> None:
    """Serve in this process; the control file may also say "always": "refuse", which closes the port."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--certificates", type=Path)
    parser.add_argument("--control", type=Path)
    parser.add_argument("--kind", choices=("api", "webdav"), default="api")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="secret-token")
    parser.add_argument("--username", default="")
    parser.add_argument("--full-put-path", action="store_true")
    said = parser.parse_args()
    server = OfficeServer(
        said.folder,
        certificates=said.certificates,
        kind=said.kind,
        token=said.token,
        username=said.username,
        port=said.port,
        full_put_path=said.full_put_path,
    )
    server.control = said.control
    server.start()
    told = {"port": server.port, "url": server.url, "ca_file": str(server.ca_file)}
    print(json.dumps(told), flush=True)  # noqa: T201
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    while not ended.wait(0.05):
        with server._lock:
            server._read_control()
        closed = server._http is None
        if server.always == "refuse" and not closed:
            server.stop()
        elif server.always != "refuse" and closed:
            server.start()
    server.stop()


if __name__ == "__main__":
    main()
