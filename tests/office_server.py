"""The office's server for tests: real HTTPS on a socket, kinds api and webdav, and every fault of a network.

    python -m tests.office_server --folder F --certificates C --kind api [--port P] [--control FILE]

prints {"port", "url", "ca_file"} and serves until it is killed. In a test: `with OfficeServer(folder) as server: ...`.

Documents are files below FOLDER, at their own paths. Each is written beside its path and renamed, so that a kill leaves
complete files. Every store adds a line to FOLDER/.journal.jsonl, just before: {"path", "sha256", "stored": new | same |
changed}.

Tests put names of `FAULTS` into `server.faults` (each is used once), `server.always` or `server.sticky`. A process of
its own reads a control file: {"id": N, "faults": [...], "always": "", "retry_after": "30"}. A new id replaces earlier
faults.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import secrets
import signal
import socket
import ssl
import tempfile
import threading
from collections import Counter, deque
from http.server import ThreadingHTTPServer
from pathlib import Path

from tests import office_ca
from tests.office_faults import AT_CONNECTION, FAULTS, PORTAL, Answered, Seen
from tests.office_handler import Listener

__all__ = ["AT_CONNECTION", "FAULTS", "PORTAL", "OfficeServer"]


class OfficeServer:
    """A server that runs in threads of this process.

    Args:
        folder: folder of the documents; their paths `v1/devices/...` are those of their addresses.
        certificates: folder of the authority and its certificates, made if missing; None for a folder of its own.
        kind: `api`, or `webdav` without receipts.
        knows_if_none_match: whether it understands If-None-Match; nginx does not, Nextcloud does.
        full_put_path: True if a PUT makes missing folders (nginx: create_full_put_path); otherwise it gets a 409.
        packs: True to answer with gzip if the client accepts it, as nginx does.
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
        """Devices meet 404 and 500, too: nginx without create_full_put_path answers 500."""
        self.certificate, self.wants_certificate, self.tls_version = "good", False, ssl.TLSVersion.TLSv1_3
        self.faults: deque[str] = deque()
        self.sticky: dict[tuple[str, str], str] = {}
        """(method, part of a path) to the fault of every such request; `*` stands for every method."""
        self.sticky_met: Counter[tuple[str, str]] = Counter()
        self.always, self.retry_after, self.slow_step_s = "", "30", 0.05
        self.seen: list[Seen] = []
        self.answered: list[Answered] = []
        self.connections = 0
        self.open_connections: set[socket.socket] = set()
        self.control: Path | None = None
        self._control_id: object = None
        self._lock = threading.Lock()
        self.has_feed, self.feed_limit = True, 1000
        self._life, self._number = secrets.token_hex(4), 0
        self._listed: dict[str, tuple[str, int]] = {}
        self._order: dict[str, int] = {}
        self._http: ThreadingHTTPServer | None = None
        self._place: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}{self.prefix}"

    def __enter__(self) -> OfficeServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._place is not None:
            self._place.close()
            self._place = None

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        if self._place is None:  # bound all the time, so that nobody else gets the port while we do not listen
            self._place = socket.socket()
            self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._place.bind(("127.0.0.1", self.port))
            self.port = self._place.getsockname()[1]
        self._http = Listener(("127.0.0.1", self.port), self)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Close the port, so that connections are refused from now on."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def drop_connections(self) -> None:
        """Close idle connections, as servers do after a while."""
        for connection in list(self.open_connections):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def documents(self) -> dict[str, bytes]:
        """The documents on the server: content by path."""
        files = (p for p in sorted(self.folder.rglob("*")) if p.is_file() and not p.name.startswith("."))
        return {p.relative_to(self.folder).as_posix(): p.read_bytes() for p in files}

    def feed(self, after: str, limit: int) -> dict[str, object] | None:
        """Return the documents stored or replaced since a cursor; None if the cursor is unknown, as after a restore."""
        with self._lock:
            for path, body in self.documents().items():
                sha256 = hashlib.sha256(body).hexdigest()
                if self._listed.get(path, ("", 0))[0] != sha256:
                    self._listed[path] = (sha256, len(body))
                    self._order.pop(path, None)
                    self._number += 1
                    self._order[path] = self._number
            life, _, number = after.partition("-")
            if after and (life != self._life or not number.isdigit()):
                return None
            waiting = [path for path, at in self._order.items() if at > int(number or 0)]
            page = waiting[:limit] if self.has_feed else waiting
            rows = [{"path": p, "sha256": self._listed[p][0], "bytes": self._listed[p][1]} for p in page]
            if not self.has_feed:
                return {"documents": rows}
            last = self._order[page[-1]] if page else int(number or 0)
            return {"documents": rows, "cursor": f"{self._life}-{last}", "more": len(page) < len(waiting)}

    def forget_cursors(self) -> None:
        """Behave as after a restore from a backup: earlier cursors are unknown."""
        self._life = secrets.token_hex(4)

    def context(self, kind: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates / f"{kind if kind != 'good' else self.certificate}.pem")
        if self.wants_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca_file)
            context.maximum_version = self.tls_version
        return context

    def take(self, among: tuple[str, ...] | None) -> str:
        """Return the next fault if it is one of these (None: of those at a request), and mark it as used."""
        with self._lock:
            self._read_control()
            fault = self.faults[0] if self.faults else self.always
            mine = fault in among if among is not None else fault not in AT_CONNECTION
            if not mine:
                return ""
            if self.faults:
                self.faults.popleft()
            return fault

    def stuck(self, method: str, path: str) -> str:
        """Return the permanent fault for requests of this method and path; empty if there is none."""
        with self._lock:
            for (of, part), fault in self.sticky.items():
                if of in ("*", method) and part in path:
                    self.sticky_met[of, part] += 1
                    return fault
        return ""

    def waits_for_a_connection(self) -> bool:
        with self._lock:
            self._read_control()
            return (self.faults[0] if self.faults else self.always) in AT_CONNECTION

    def _read_control(self) -> None:
        if self.control is None:
            return
        with contextlib.suppress(OSError, ValueError):
            control = json.loads(self.control.read_text())
            if control["id"] != self._control_id:
                self._control_id = control["id"]
                self.faults = deque(control.get("faults", ()))
                self.always, self.retry_after = control.get("always", ""), control.get("retry_after", "30")

    def store(self, path: str, body: bytes, *, write_once: bool) -> str:
        """Store a document and return `new`, `same`, `changed`, or `refused` if another one is there."""
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


def main() -> None:
    """Serve in this process; the control file may also contain "always": "refuse", which closes the port."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--certificates", type=Path)
    parser.add_argument("--control", type=Path)
    parser.add_argument("--kind", choices=("api", "webdav"), default="api")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="secret-token")
    parser.add_argument("--username", default="")
    parser.add_argument("--full-put-path", action="store_true")
    options = parser.parse_args()
    server = OfficeServer(
        options.folder,
        certificates=options.certificates,
        kind=options.kind,
        token=options.token,
        username=options.username,
        port=options.port,
        full_put_path=options.full_put_path,
    )
    server.control = options.control
    server.start()
    address = {"port": server.port, "url": server.url, "ca_file": str(server.ca_file)}
    print(json.dumps(address), flush=True)  # noqa: T201
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
