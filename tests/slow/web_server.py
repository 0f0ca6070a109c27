"""A real web server for a trial, configured by docs/upstream-*.conf, and a second client."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from edge_daemon.config import Config
from edge_daemon.delivery import document_paths
from edge_daemon.delivery.http import Limits
from edge_daemon.delivery.upstream import Upstream
from tests import office_ca
from tests.registers import a_lesson, register_document

ROOT = Path(__file__).parents[2]
ROOM, OTHER = "room 204", "Räum 2"
PASSWORDS = {ROOM: "first secret", OTHER: "zweites Geheimnis", "office": "third"}
FORTY = register_document(students=40)


class Web:
    """A server on a free port.

    Args:
        folder: folder for its configuration, documents and log; made if missing.
        language: its part in the name of docs/upstream-*.conf.
    """

    command: list[str]

    def __init__(self, folder: Path, language: str) -> None:
        self.folder, self.port, self._language = folder, free_port(), language
        self.documents = folder / "srv" / "attendance"
        self.documents.mkdir(parents=True)
        office_ca.make(folder)
        rows = [f"{name}:{_hashed(word)}\n" for name, word in PASSWORDS.items()]
        (folder / "passwords").write_text("".join(rows), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def block(self, *replaced: tuple[str, str]) -> str:
        """Return the configuration from the documentation, with the paths of this trial."""
        block = (ROOT / "docs" / f"upstream-{self._language}.conf").read_text(encoding="utf-8")
        for documented, here in replaced:
            assert documented in block, documented
            block = block.replace(documented, here)
        return block

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/attendance"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise SystemExit((self.folder / "error").read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def upstream(self, name: str = ROOM, password: str = "") -> Upstream:
        changes = {"kind": "webdav", "url": self.url, "ca_file": str(self.folder / "ca.pem"), "username": name}
        settings = dataclasses.replace(Config().upstream, **changes)
        return Upstream(settings, password or PASSWORDS[name], device=name, limits=Limits(5, 5, 20))

    def raw(self, method: str, path: str, body: bytes = b"", name: str = ROOM, **headers: str) -> int:
        """Return the status of a request by the second client."""
        command = [*self._curl(name), "-X", method, "--data-binary", "@-", "-o", "/dev/null", "-w", "%{http_code}"]
        command += [part for key, value in headers.items() for part in ("-H", f"{key.replace('_', '-')}: {value}")]
        command.append(f"{self.url}/{quote(path)}")
        return int(subprocess.run(command, input=body, capture_output=True, check=True).stdout)

    def listed(self, path: str) -> list[dict[str, str]]:
        """Return the server's listing of a folder, as the office sees it."""
        command = [*self._curl("office"), f"{self.url}/{path}"]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    def collected(self) -> bool:
        """Return whether `collect` reads and accepts the one register that is there."""
        (self.folder / "office-password").write_text(PASSWORDS["office"])
        options = ["--username", "office", "--token-file", self.folder / "office-password", "--output"]
        command = [sys.executable, "-m", "edge_daemon", "collect", self.url, "--ca-file", self.folder / "ca.pem"]
        sheet = self.folder / "term.csv"
        ended = subprocess.run([*command, *options, sheet], capture_output=True, cwd=ROOT, check=False)
        return ended.returncode == 0 and sheet.read_text(encoding="utf-8").count("20240039") == 1

    def office_ingests(self) -> Path:
        """Let the office's program bring what is new by the server's address; return the folder of the copy."""
        home = self.folder / "office"
        office = [sys.executable, "-m", "edge_daemon_office", "--home", str(home)]
        if not home.exists():
            subprocess.run([*office, "init", "--tree", str(home / "tree")], check=True, capture_output=True, cwd=ROOT)
            (home / "server-token").write_text(PASSWORDS["office"], encoding="ascii")
            table = f'url = "{self.url}"\nusername = "office"\nca_file = "{self.folder}/ca.pem"\nkind = "webdav"\n'
            with (home / "office.toml").open("a", encoding="utf-8") as file:
                file.write(f"\n[schools.school.server]\n{table}")
        ended = subprocess.run([*office, "ingest"], capture_output=True, text=True, cwd=ROOT, check=False)
        assert ended.returncode in (0, 3), ended.stderr  # 3: no key is pinned there, so that nothing counts
        return home / "tree"

    def _curl(self, name: str) -> list[str]:
        return ["curl", "-s", "--cacert", f"{self.folder}/ca.pem", "-u", f"{name}:{PASSWORDS[name]}"]

    def break_off(self) -> None:
        """Send half of a document to the place of revision 3, and disconnect."""
        pair = base64.b64encode(f"{ROOM}:{PASSWORDS[ROOM]}".encode()).decode()
        head = f"PUT /attendance/{document_paths.quoted(place(3))} HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Authorization: Basic {pair}\r\n"
        context = ssl.create_default_context(cafile=f"{self.folder}/ca.pem")
        plain = socket.create_connection(("localhost", self.port), 5)
        with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
            encrypted.sendall(head.encode() + f"Content-Length: {len(FORTY)}\r\n\r\n".encode() + FORTY[:4000])
            time.sleep(0.3)
        time.sleep(0.3)


def place(revision: int, device: str = ROOM) -> str:
    return document_paths.register(device, a_lesson().lesson_id, revision)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def _hashed(word: str) -> str:
    completed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=word.encode(), capture_output=True, check=True
    )
    return completed.stdout.decode().strip()
