"""A device with its receivers for fault trials: the office's server, the mail server, a small disk, a clock."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter, deque
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.attendance.document import from_json, sign
from edge_daemon.attendance.register import correct
from edge_daemon.delivery import document_paths
from edge_daemon.home import Home
from edge_daemon.store import outbox
from edge_daemon.store.commitments import add_commitment
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.delivery_file import UNCERTAIN
from edge_daemon.store.registers import add_revision
from tests.office_server import AT_CONNECTION, FAULTS, OfficeServer
from tests.registers import SIGNER, a_lesson, a_register, keep
from tests.slow.delivery_oracle import Oracle
from tests.slow.disk import SmallDisk
from tests.slow.faults_mail import MailFaults
from tests.sync_device import DEVICE, settings

STATUSES = ("401", "403", "404", "408", "413", "422", "429", "429-date", "500", "502", "503", "503-date", "507")
SLOW = ("hang", "slow-loris", "huge-answer")
FIRST = datetime(2025, 1, 6, 7, 0, tzinfo=timezone.utc)
ROOT = Path(__file__).parents[2]


class Zygote:
    """The process that forks runs (tests/slow/sync_runs.py)."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.slow.sync_runs"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, request: dict[str, object], kill_after_s: float | None) -> dict[str, object]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        pid = json.loads(self._process.stdout.readline())["pid"]
        timer = threading.Timer(kill_after_s or 0, _kill, [pid])
        if kill_after_s is not None:
            timer.start()
        run_result: dict[str, object] = json.loads(self._process.stdout.readline())
        timer.cancel()
        return run_result

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def _kill(pid: int) -> None:
    # The parent of the run may have reaped it just now; a number is not given again so soon.
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


class World:
    """One device with its receivers."""

    def __init__(
        self,
        folder: Path,
        kind: str,
        disk: SmallDisk,
        chance: random.Random,
        stack: ExitStack,
        mail: type[MailFaults] = MailFaults,
    ) -> None:
        self.chance, self.disk = chance, disk
        self.server = stack.enter_context(OfficeServer(folder / "office", certificates=folder / "ca", kind=kind))
        self.server.slow_step_s, self.server.retry_after = 0.001, "30"
        self.oracle = Oracle(self.server.folder)
        self.home = Home(disk.folder)
        self.mail = mail(folder / "ca", chance, self.oracle, stack)
        (disk.folder / "token").write_text("secret-token\n")
        (disk.folder / "config.toml").write_text(settings(self.server, self.mail.settings()))
        self.now, self.lessons, self.runs, self.promises, self.usual_s = FIRST, 0, 0, 0, 0.3
        self.met: Counter[str] = Counter()
        self.ahead = timedelta(0)
        """How far the device's clock, `now`, is ahead of the lessons."""
        self.boots, self.booted_at = 1, FIRST

    def clocks(self) -> dict[str, object]:
        """Return the clock values for a run of sync; sometimes the device was restarted before it."""
        true_time = self.now - self.ahead
        if self.chance.random() < 0.15:
            self.boots, self.booted_at = self.boots + 1, true_time
        uptime_s = 100 + (true_time - self.booted_at).total_seconds()
        return {"at": self.now.isoformat(), "boot_id": f"boot {self.boots}", "uptime_s": uptime_s}

    def work(self) -> None:
        """Do the work of the service between two syncs: make registers, corrections and commitments."""
        db = open_register(self.home.register_db_path)
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            self.lessons += 1
            lesson = a_lesson(FIRST + timedelta(minutes=50 * self.lessons))
            register, sightings = a_register(lesson, {"S1": 0.9, "S2": 0.1, "S3": 0.5}, captures=4)
            self.now = max(self.now, lesson.end + timedelta(minutes=1) + self.ahead)
            document = keep(db, register, sightings, also=outbox_writer(self.home.config), at=self.now)
            self._made(lesson.lesson_id, 1, document)
        if self.lessons and self.chance.random() < 0.15:
            self._correct(db)
        if self.chance.random() < 0.1:
            self._publish(db)
        db.conn.close()

    def _correct(self, db) -> None:
        lesson_id = self.chance.choice([p.split("/")[-2] for p in self.oracle.made if "/registers/" in p])

        def render(last):
            document = from_json(last.document)
            verdict = self.chance.choice(("present", "absent"))
            at = self.now.replace(microsecond=0)
            new = correct(document.register, "S3", verdict, by="A teacher", reason=f"seen {self.runs}", at=at)
            return sign(new, last.sha256, SIGNER)

        with transaction(db):
            revision = add_revision(db, lesson_id, render, self.now, outbox_writer(self.home.config))
        if revision is not None:
            self._made(lesson_id, revision.revision, revision.document)

    def _publish(self, db) -> None:
        self.promises += 1
        ref = f"{self.promises:06}"
        document = json.dumps({"schema": 1, "promised": ref})
        with transaction(db):
            add_commitment(db, ref, document, self.now)
            outbox.put(db, destination="upstream", kind=outbox.COMMITMENT, ref=ref, not_before=self.now, at=self.now)
        self.oracle.was_made(document_paths.commitment(DEVICE, ref), document.encode())

    def _made(self, lesson_id: str, revision: int, document: str) -> None:
        self.oracle.was_made(document_paths.register(DEVICE, lesson_id, revision), document.encode())
        self.mail.expect(lesson_id, revision, document)

    def plan(self, left: int) -> tuple[list[str], dict[str, object], float | None]:
        """Return the faults of the next run: of the server, of the process, and when it is killed."""
        chance = self.chance
        self.server.faults = deque(self._of_server(min(left, chance.choice((0, 1, 2, 3, 4, 5)))))
        self.mail.plan(min(left, chance.choice((0, 0, 1, 1, 2))))
        request: dict[str, object] = {"home": str(self.home.state_dir), **self.clocks()}
        request |= {"seed": chance.randrange(2**32), "eager": chance.random() < 0.8}
        names = []
        kind = chance.random()
        kill_after_s = None
        if kind < 0.22:
            names, kill_after_s = ["kill -9"], chance.uniform(0.0, 1.1 * self.usual_s)
        elif kind < 0.26:
            names, request["dns"] = ["DNS gone"], True
        elif kind < 0.30:
            names = ["clock jump"]
            request |= {
                "jump_s": chance.choice((-1, 1)) * 10 ** chance.uniform(2, 7.5),
                "jump_after": chance.randrange(20),
            }
        elif kind < 0.34:
            names, request["file_limit"] = ["file limit"], chance.randrange(1, 120_000)
        elif kind < 0.38:
            names = ["disk full"]
        elif kind < 0.41:
            names = ["connection refused"]
        return names, request, kill_after_s

    def _of_server(self, count: int) -> list[str]:
        faults: list[str] = []
        for _ in range(count):
            pool = self.chance.choice((AT_CONNECTION, FAULTS, FAULTS, STATUSES))
            fault = self.chance.choice(pool)
            if fault in SLOW and self.chance.random() < 0.7:
                fault = "reset-after-body"
            faults += [""] * self.chance.choice((0, 0, 1, 2, 3)) + [fault]
        return faults

    def count_met(self, planned: Counter[str], line: str) -> None:
        """Count the planned faults that have occurred, and discard the others."""
        left = Counter(fault for fault in self.server.faults if fault)
        self.server.faults.clear()
        self.met += planned - left
        self.met += self.mail.met(line)

    def last_item(self) -> int:
        """Return the number of the newest item of the outbox."""
        db = open_register(self.home.register_db_path)
        found = max((one.item_id for one in outbox.listed(db, outbox.STATES)), default=0)
        db.conn.close()
        return found

    def believed(self, last_item: int = 2**62) -> tuple[list[str], int]:
        """Return what the device counts as delivered upstream, and how many items up to a number still wait."""
        db = open_register(self.home.register_db_path)
        items = outbox.listed(db, outbox.STATES, destination="upstream")
        waiting = sum(one.item_id <= last_item for one in outbox.listed(db, outbox.OPEN))
        db.conn.close()
        return [_path(one) for one in items if one.state == "delivered"], waiting

    def doubtful(self) -> int:
        """Return how many messages wait for a person, because a killed run may have mailed them."""
        db = open_register(self.home.register_db_path)
        items = outbox.listed(db, ("parked",))
        db.conn.close()
        return sum(one.answer == UNCERTAIN for one in items)

    def left_over(self) -> str:
        """Return a description of the items that still wait, for a failure report."""
        db = open_register(self.home.register_db_path)
        items = outbox.listed(db, outbox.OPEN)
        state = outbox.destination_state(db, "upstream")
        db.conn.close()
        first_items = [
            f"{i.destination} {i.kind} {i.state} due {i.next_attempt} tries {i.attempts} {i.answer!r}"
            for i in items[:3]
        ]
        return f"{len(items)} items at {self.now} ({first_items}; {state})"

    def reopen(self) -> None:
        """Do what a person does with parked items: look at them, and retry."""
        db = open_register(self.home.register_db_path)
        outbox.reopen(db, [one.item_id for one in outbox.listed(db, ("parked",))], self.now)
        db.conn.close()


def _path(item: outbox.Item) -> str:
    if item.kind == outbox.COMMITMENT:
        return document_paths.commitment(DEVICE, item.ref)
    lesson_id, _, revision = item.ref.rpartition("/")
    return document_paths.register(DEVICE, lesson_id, int(revision))
