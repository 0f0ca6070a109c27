"""Tests the device's client against a real nginx, configured by docs/upstream-nginx.conf, and counts the bytes sent.

    apt-get install nginx
    python -m tests.slow.nginx --json benchmarks/results/nginx.json

Every claim is checked on the server's disk, independently of nginx and of the client.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from edge_daemon.config import Config
from edge_daemon.delivery import document_paths
from edge_daemon.delivery.upstream import Upstream
from tests.office_server import OfficeServer
from tests.slow.web_checks import check_broken_off, check_documents, check_office_copy, check_refusals
from tests.slow.web_server import FORTY, OTHER, PASSWORDS, ROOM, Web, place

WANTED = {
    "overwriting_past_our_client": 412,
    "if_none_match_at_put": 204,
    "into_another_devices_folder": 403,
    "reading_another_devices_folder": 403,
    "own_roster_by_the_device": 403,
    "delete": 403,
    "list_by_a_device": 403,
}
"""Expected statuses by request; 204 means that nginx overwrites in spite of `If-None-Match: *`."""


class Nginx(Web):
    """An nginx process on a free port."""

    def __init__(self, folder: Path, change: Callable[[str], str] = lambda text: text) -> None:
        super().__init__(folder, "nginx")
        user = pwd.getpwuid(os.geteuid()).pw_name
        main = f"{'user root;' if user == 'root' else ''} worker_processes 1; daemon off;"
        main += f" pid {folder}/pid; error_log {folder}/error; events {{}}"
        sizes = "$request_method $status $request_length $bytes_sent"
        http = f"log_format sizes '{sizes}'; access_log {folder}/access sizes;"
        http += " include /etc/nginx/mime.types;"  # as in Debian's nginx.conf
        block = self.block(
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("/etc/nginx/attendance.crt", f"{folder}/good.pem"),
            ("/etc/nginx/attendance.key", f"{folder}/good.pem"),
            ("/etc/nginx/attendance.passwords", f"{folder}/passwords"),
            ("/srv/arriving", f"{folder}/srv/arriving"),
            ("root /srv;", f"root {folder}/srv;"),
        )
        (folder / "nginx.conf").write_text(f"{main} http {{ {http} {change(block)} }}", encoding="utf-8")
        self.command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]

    def requests(self) -> int:
        """Return how many requests were answered."""
        return len(self.logged())

    def logged(self) -> list[list[str]]:
        """Return the lines of the access log: method, status, bytes received and bytes sent, both without TLS."""
        return [line.split() for line in (self.folder / "access").read_text().splitlines()]


def check_as_documented(nginx: Nginx, found: dict[str, object]) -> None:
    check_documents(nginx, found)
    with nginx.upstream() as office:
        again = office.put(place(1), FORTY, write_once=True)
        found["again_is_known_and_not_sent"] = "already" in again.answer and nginx.logged()[-1][0] == "GET"
    check_office_copy(nginx, found)
    check_refusals(nginx, found)
    found["own_roster_by_the_device"] = nginx.raw("PUT", document_paths.for_device(ROOM, "roster.csv"), b"")
    rows = nginx.listed("v1/devices/")
    found["list_by_the_office"] = {ROOM, OTHER} <= {row["name"] for row in rows if row["type"] == "directory"}
    found["list_by_a_device"] = nginx.raw("GET", "v1/devices/")
    with nginx.upstream() as office:
        nginx.stop()
        outcome = office.put(place(2), FORTY, write_once=True)
        nginx.start()
        found["stopped_and_started"] = (
            outcome.receiver_down and office.put(place(2), FORTY, write_once=True).name == "delivered"
        )
    check_broken_off(nginx, found)


def check_folders(folder: Path, found: dict[str, object]) -> None:
    """Check that the client creates folders itself if nginx does not have create_full_put_path."""

    def change(block: str) -> str:
        block = block.replace("create_full_put_path on;", "").replace("dav_methods PUT;", "dav_methods PUT MKCOL;")
        return block.replace('"~^[A-Z]+::"', '"~^MKCOL:[^:]+:/attendance/v1/" 1; "~^[A-Z]+::"')

    with Nginx(folder, change) as nginx, nginx.upstream() as office:
        outcome = office.put(place(1), FORTY, write_once=True)
        found["folders_are_made_by_mkcol"] = outcome.name == "delivered"
        nginx.stop()
        found["requests_with_mkcol"] = [" ".join(row[:2]) for row in nginx.logged()]


class Relay:
    """A TCP relay that counts the bytes of both directions together."""

    def __init__(self, port: int) -> None:
        self.count, self._target = 0, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(("127.0.0.1", self._target))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=[source, target], daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.count += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def measured(kind: str, port: int, ca_file: Path, name: str, secret: str, prefix: str, *, tls: bool) -> dict[str, int]:
    """Return the bytes on the wire for the first register of a connection, and for each further one."""
    relay = Relay(port)
    url = f"{'https' if tls else 'http'}://localhost:{relay.port}{prefix}"
    changes = {"kind": kind, "url": url, "ca_file": str(ca_file), "username": name, "insecure_http": not tls}
    counts = []
    with Upstream(dataclasses.replace(Config().upstream, **changes), secret, device=ROOM) as office:
        for revision in range(100, 104):
            before = relay.count
            assert office.put(place(revision), FORTY, write_once=True).name == "delivered"
            time.sleep(0.1)
            counts.append(relay.count - before)
    return {"first_of_a_connection": counts[0], "each_further": round(sum(counts[1:]) / 3)}


def check_wire(nginx: Nginx, folder: Path, found: dict[str, object]) -> None:
    import gzip

    webdav = {
        "with_tls": measured(
            "webdav", nginx.port, nginx.folder / "ca.pem", ROOM, PASSWORDS[ROOM], "/attendance", tls=True
        )
    }
    webdav["http_alone"] = {"each": sum(int(row[2]) + int(row[3]) for row in nginx.logged()[-3:])}
    api: dict[str, object] = {}
    for tls in (True, False):
        with OfficeServer(folder / f"api-{tls}", tls=tls, certificates=nginx.folder) as office:
            key = "with_tls" if tls else "http_alone"
            api[key] = measured("api", office.port, office.ca_file, "", office.token, office.prefix, tls=tls)
    found["bytes"] = {
        "document": len(FORTY),
        "document_as_gzip": len(gzip.compress(FORTY)),
        "api": api,
        "webdav": webdav,
    }


def check_speed(nginx: Nginx, found: dict[str, object]) -> None:
    with nginx.upstream() as office:
        began = time.monotonic()
        for revision in range(200, 400):
            assert office.put(place(revision), FORTY, write_once=True).name == "delivered"
        found["seconds_for_200_registers"] = round(time.monotonic() - began, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if shutil.which("nginx") is None:
        raise SystemExit("apt-get install nginx")
    version = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
    found: dict[str, object] = {"nginx": re.sub(r".*/", "", version).strip(), "python": platform.python_version()}
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Nginx(folder / "one") as nginx:
            check_as_documented(nginx, found)
            check_wire(nginx, folder, found)
            check_speed(nginx, found)
        check_folders(folder / "two", found)
    failed = [key for key, value in found.items() if value is False or (key in WANTED and value != WANTED[key])]
    found["failed"] = failed
    text = json.dumps(found, indent=2, ensure_ascii=False)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
