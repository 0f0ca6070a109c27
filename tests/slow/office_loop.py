"""Runs the whole loop with kills at every step: device, server, office, a correction on the page, and back.

python -m tests.slow.office_loop [--kills 4] [--seed 1]

A device (the program's own `sync` and `maintain inbox` in processes) delivers a register to a server over HTTPS. The
office (`serve` in a process) reads the server's feed, and a teacher corrects on the page. The office puts its signed
list on the server, the device signs revision 2, and the page says "in the register". Each process is killed (SIGKILL)
several times at a random moment before it may finish. Exit code 1 means that something was lost, doubled or unexpected.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import requests

from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from tests.office_server import OfficeServer
from tests.registers import a_lesson, a_register, keep
from tests.sync_device import DEVICE, TOKEN, held_registers, made_registers, settings

ROOT = Path(__file__).parents[2]
LESSONS = 3
LONGEST_S = 120


class Loop:
    """A device, a server and an office that are killed."""

    def __init__(self, folder: Path, server: OfficeServer, kills: int, seed: int) -> None:
        self.folder, self.server, self.kills, self.chance = folder, server, kills, random.Random(seed)
        self.office = folder / "office"
        self.done: list[str] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.device = self._a_device(folder / "device")
        self.password = self._an_office()

    def _a_device(self, folder: Path) -> Home:
        folder.mkdir()
        (folder / "token").write_text(TOKEN + "\n")
        (folder / "token").chmod(0o600)
        (folder / "config.toml").write_text(settings(self.server))
        home = Home(folder)
        signer, db = open_signer(home), open_register(home.register_db_path)
        begin = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
        for number in range(LESSONS):
            lesson = a_lesson(begin - timedelta(hours=3 + number))
            register, sightings = a_register(lesson, {"S1": 0.9, "S2": 0.05, "S3": 0.1}, captures=20)
            keep(db, register, sightings, signer, also=outbox_writer(home.config))
        db.conn.close()
        self.device_key = signer.public_key
        return home

    def _an_office(self) -> str:
        self.run_office("init", "--school", "north", "--time-zone", "Europe/Berlin")
        path = self.office / "office.toml"
        text = path.read_text("utf-8").replace("https = true ", "https = false").replace("required", "optional")
        text = text.replace("127.0.0.1:8470", f"127.0.0.1:{self.port}")
        text += f'[schools.north.server]\nurl = "{self.server.url}"\nca_file = "{self.server.ca_file}"\n'
        path.write_text(text, "utf-8")
        (self.office / "server-token").write_text(TOKEN, "ascii")
        self.run_office("keys", "pin", DEVICE, self.device_key)
        output = self.run_office("account", "add", "weber", "--role", "teacher", "--name", "Ms Weber", "--course", "7b")
        key = self.run_office("key").split()[0]
        self.run_device("office-key", "pin", key)
        return re.search(r"first password (\S+)", output)[1]  # type: ignore[index]

    def run_office(self, *words: str) -> str:
        """Run a command of the office to its end."""
        return self._run("edge_daemon_office", self.office, words)

    def run_device(self, *words: str) -> str:
        """Run a command of the device to its end."""
        return self._run("edge_daemon", self.folder / "device", words)

    def _run(self, module: str, home: Path, words: Sequence[str]) -> str:
        command = [sys.executable, "-m", module, "--home", str(home), *words]
        completed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=LONGEST_S)
        assert completed.returncode == 0, (words, completed.returncode, completed.stdout, completed.stderr)
        return completed.stdout

    def killed(self, *words: str) -> None:
        """Run a command of the device, killed several times at a random moment, and then to its end."""
        command = [sys.executable, "-m", "edge_daemon", "--home", str(self.folder / "device"), *words]
        begun = time.monotonic()
        subprocess.run([*command, "--help"], capture_output=True, cwd=ROOT, check=True)
        start_s = time.monotonic() - begun
        for _ in range(self.kills):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self.chance.uniform(0.5, 2.5) * start_s)
            self._kill(process, " ".join(words))
        self.run_device(*words)

    def _kill(self, process: subprocess.Popen[bytes], name: str) -> None:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            self.done.append(name)
        process.wait()

    @contextlib.contextmanager
    def serving(self):
        """Serve the office; it ingests and puts lists on the server every second."""
        command = [
            sys.executable,
            "-m",
            "edge_daemon_office",
            "--home",
            str(self.office),
            "serve",
            "--ingest-every",
            "1",
        ]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, env=environment
        )
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def office_until(self, holds: Callable[[], bool], name: str) -> None:
        """Serve the office and kill it several times, then serve until a condition holds."""
        for _ in range(self.kills):
            with self.serving() as process:
                time.sleep(self.chance.uniform(0.0, 2.0))
                self._kill(process, name)
        with self.serving():
            end = time.monotonic() + LONGEST_S
            while not holds():
                assert time.monotonic() < end, f"{name}: it never came"
                time.sleep(0.2)

    def browser(self) -> requests.Session:
        """Sign in as the teacher."""
        session = requests.Session()
        page = session.get(f"{self.address}/sign-in/")
        data = {"username": "weber", "password": self.password, "csrfmiddlewaretoken": token_of(page.text)}
        assert session.post(page.url, data=data).status_code == 200
        return session

    @property
    def address(self) -> str:
        """Return the address of the office."""
        return f"http://127.0.0.1:{self.port}"

    def page(self, lesson_id: str) -> str:
        """Return the page of a lesson."""
        answer = self.browser().get(f"{self.address}/north/lessons/{lesson_id}/")
        return answer.text if answer.status_code == 200 else ""

    def correct(self, lesson_id: str) -> None:
        """Correct a verdict on the page, with kills while it is saved, until the page shows the decision."""
        for attempt in range(self.kills + 1):
            with self.serving() as process:
                session = self.browser()
                place = f"{self.address}/north/lessons/{lesson_id}/"
                text = session.get(place).text
                if "waits for the device" in text or "signed by the device" in text:
                    return
                revision = re.search(r'name="revision" value="(\d+)"', text)[1]  # type: ignore[index]
                data = {"csrfmiddlewaretoken": token_of(text), "revision": revision, "verdict:S2": "present"}
                if attempt == self.kills:
                    assert session.post(place, data=data).status_code == 200
                    assert "waits for the device" in session.get(place).text
                    return
                # The form is on its way when the office dies.
                with contextlib.suppress(requests.RequestException):
                    session.post(place, data=data, timeout=self.chance.uniform(0.005, 0.1))
                self._kill(process, "save on the page")

    def go(self) -> None:
        """Run the loop once for each lesson."""
        self.killed("sync", "--once")
        self.run_device("sync")
        assert len(held_registers(self.server)) == LESSONS
        ids = sorted({lesson_id for lesson_id, _ in held_registers(self.server)})
        self.office_until(lambda: all("Revision 1" in self.page(one) for one in ids), "ingest")
        for lesson_id in ids:
            self.correct(lesson_id)
        path = f"v1/devices/{DEVICE}/corrections.json"
        self.office_until(lambda: self.server.documents().get(path, b"").count(b'"student_id"') == LESSONS, "list")
        self.killed("sync", "--once")
        self.run_device("sync")
        self.killed("maintain", "inbox")
        self.killed("sync", "--once")
        self.run_device("sync")
        self.office_until(lambda: all("in the register" in self.page(one) for one in ids), "ingest of revision 2")
        self.check(ids)

    def check(self, ids: Sequence[str]) -> None:
        """Check that nothing was lost, doubled or unexpected."""
        expected = {(lesson_id, revision) for lesson_id in ids for revision in (1, 2)}
        made, held = made_registers(self.device), held_registers(self.server)
        assert set(made) == expected, sorted(made)
        assert held == made
        output = self.run_office("ingest")  # exit code 0: nothing is left out
        assert "0 documents examined" in output, output
        with self.serving():
            for lesson_id in ids:
                text = self.page(lesson_id)
                assert "Revision 2" in text
                assert text.count("in the register") == 1, "one decision, not several"
                assert "waits for the device" not in text
        self.run_office("backup", str(self.folder / "b"))


def token_of(text: str) -> str:
    """Return the token of the last form of a page."""
    return re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', text)[-1]


def main() -> int:
    """Run the loop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, OfficeServer(Path(folder) / "server") as server:
        loop = Loop(Path(folder), server, options.kills, options.seed)
        loop.go()
    counts = {name: loop.done.count(name) for name in dict.fromkeys(loop.done)}
    print(f"{LESSONS} lessons went round; {len(loop.done)} kills: {counts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
