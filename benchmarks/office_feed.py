"""A server of kind `api` for benchmarks: a folder's documents by HTTPS, with a feed. It counts requests."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from tests import office_ca

_PAGE: Final = 1000


class FeedServer:
    """Serves the documents that a folder has at the start.

    Args:
        folder: the folder that has `v1/devices`.
        certificates: folder for the authority and its certificates.
        rooms: serve only this many devices; None for all.
    """

    def __init__(self, folder: Path, certificates: Path, rooms: int | None = None) -> None:
        self.ca_file = office_ca.make(certificates)
        self.requests = 0
        self._folder, self._certificates = folder, certificates
        devices = sorted((folder / "v1" / "devices").iterdir())[:rooms]
        self.documents: Sequence[tuple[str, str]] = [
            (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
            for device in devices
            for path in sorted(device.rglob("*.json"))
            if "/days/" not in path.as_posix() and not path.name.startswith(".")
        ]

    def __enter__(self) -> FeedServer:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                outer.requests += 1
                body = outer.answer(self.path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificates / "good.pem")
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.url = f"https://localhost:{self._http.server_address[1]}/office"
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, target: str) -> bytes | None:
        """Return the answer to a GET; None if there is no such document."""
        parts = urlsplit(target)
        path = unquote(parts.path).removeprefix("/office/")
        if path == "v1/documents":
            after = int(parse_qs(parts.query).get("after", ["0"])[0])
            rows = [{"path": one, "sha256": sha256} for one, sha256 in self.documents[after : after + _PAGE]]
            more = after + len(rows) < len(self.documents)
            return json.dumps({"documents": rows, "cursor": str(after + len(rows)), "more": more}).encode()
        file = self._folder / path
        return file.read_bytes() if file.is_file() and ".." not in path else None
