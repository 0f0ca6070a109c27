"""Faults of networks, servers, disks and power against the real sync, and an oracle that looks for what was lost.

    python -m tests.slow.faults --count 10000 --seed 1 --json OUT

Three devices (office of kind api, office of kind webdav, and one whose syncs are the real command) finalise lessons,
correct registers and promise plans all the while. Every run of sync is a process of its own and meets some faults: of
the office's server (tests/office_server.py, real TLS over sockets), of the mail server (tests/mail_server.py), of the
name server, of the disk (a small one that is full, a limit on a file's size), of the clock, and kill -9 at any moment.
A fault counts when it was met, not when it was planned. After each run the oracle looks for what must never be; every
hundred runs, and at the end, all is calm for a while and everything has to be there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
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
from edge_daemon.store.registers import add_revision
from tests.office_server import AT_CONNECTION, FAULTS, OfficeServer
from tests.registers import SIGNER, a_lesson, a_register, keep
from tests.slow.delivery_oracle import Findings, Oracle
from tests.slow.disk import SmallDisk
from tests.slow.faults_mail import MailFaults
from tests.sync_device import DEVICE, settings

STATUSES = ("401", "403", "404", "408", "413", "422", "429", "429-date", "500", "502", "503", "503-date", "507")
SLOW = ("hang", "slow-loris", "huge-answer")
CALM_EVERY = 100
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
        told: dict[str, object] = json.loads(self._process.stdout.readline())
        timer.cancel()
        return told

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

    def __init__(self, folder: Path, kind: str, disk: SmallDisk, chance: random.Random, stack: ExitStack) -> None:
        self.chance, self.disk = chance, disk
        self.server = stack.enter_context(OfficeServer(folder / "office", certificates=folder / "ca", kind=kind))
        self.server.slow_step_s, self.server.retry_after = 0.001, "30"
        self.oracle = Oracle(self.server.folder)
        self.home = Home(disk.folder)
        self.mail = MailFaults(folder / "ca", chance, self.oracle, stack)
        (disk.folder / "token").write_text("secret-token\n")
        (disk.folder / "config.toml").write_text(settings(self.server, self.mail.settings()))
        self.now, self.lessons, self.runs, self.usual_s = FIRST, 0, 0, 0.3
        self.met: Counter[str] = Counter()

    def work(self) -> None:
        """Do what the service does meanwhile: registers, corrections, promises."""
        db = open_register(self.home.register_db_path)
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            self.lessons += 1
            lesson = a_lesson(FIRST + timedelta(minutes=50 * self.lessons))
            register, sightings = a_register(lesson, {"S1": 0.9, "S2": 0.1, "S3": 0.5}, captures=4)
            self.now = max(self.now, lesson.end + timedelta(minutes=1))
            document = keep(db, register, sightings, also=outbox_writer(self.home.config))
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
            made = add_revision(db, lesson_id, render, self.now, outbox_writer(self.home.config))
        if made is not None:
            self._made(lesson_id, made.revision, made.document)

    def _publish(self, db) -> None:
        ref = f"{self.runs:06}"
        document = json.dumps({"schema": 1, "promised": ref})
        with transaction(db):
            add_commitment(db, ref, document, self.now)
            outbox.put(db, destination="upstream", kind=outbox.COMMITMENT, ref=ref, not_before=self.now, at=self.now)
        self.oracle.was_made(document_paths.commitment(DEVICE, ref), document.encode())

    def _made(self, lesson_id: str, revision: int, document: str) -> None:
        self.oracle.was_made(document_paths.register(DEVICE, lesson_id, revision), document.encode())
        self.mail.expect(lesson_id, revision, document)

    def plan(self, left: int) -> tuple[list[str], dict[str, object], float | None]:
        """Return the faults of the next run: of the server, of the process, and after how long it is killed."""
        chance = self.chance
        self.server.faults = deque(self._of_server(min(left, chance.choice((0, 1, 2, 3, 4, 5)))))
        self.mail.plan(min(left, chance.choice((0, 0, 1, 1, 2))))
        request: dict[str, object] = {"home": str(self.home.state_dir), "at": self.now.isoformat()}
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
        """Count the faults that the server had to show; what is left over is forgotten."""
        left = Counter(fault for fault in self.server.faults if fault)
        self.server.faults.clear()
        self.met += planned - left
        self.met += self.mail.met(line)

    def believed(self) -> tuple[list[str], int]:
        """Return what the device has as delivered upstream, and how many items still wait."""
        db = open_register(self.home.register_db_path)
        items = outbox.listed(db, outbox.STATES, destination="upstream")
        waiting = sum(one.state in outbox.OPEN for one in outbox.listed(db, outbox.OPEN))
        db.conn.close()
        return [_path(one) for one in items if one.state == "delivered"], waiting

    def left_over(self) -> str:
        """Return what still waits, for whoever has to find out why."""
        db = open_register(self.home.register_db_path)
        items = outbox.listed(db, outbox.OPEN)
        state = outbox.destination_state(db, "upstream")
        db.conn.close()
        told = [
            f"{i.destination} {i.kind} {i.state} due {i.next_attempt} tries {i.attempts} {i.answer!r}"
            for i in items[:3]
        ]
        return f"{len(items)} items at {self.now} ({told}; {state})"

    def reopen(self) -> None:
        """Do what a person does with what is parked: look, and try it again."""
        db = open_register(self.home.register_db_path)
        outbox.reopen(db, [one.item_id for one in outbox.listed(db, ("parked",))], self.now)
        db.conn.close()


def _path(item: outbox.Item) -> str:
    if item.kind == outbox.COMMITMENT:
        return document_paths.commitment(DEVICE, item.ref)
    lesson_id, _, revision = item.ref.rpartition("/")
    return document_paths.register(DEVICE, lesson_id, int(revision))


class Trial:
    """The whole of it."""

    def __init__(self, folder: Path, seed: int, stack: ExitStack) -> None:
        self.chance = random.Random(seed)
        disks = [stack.enter_context(SmallDisk(folder / f"device-{n}")) for n in range(3)]
        self.worlds = [
            World(folder / name, kind, disk, self.chance, stack)
            for (name, kind), disk in zip((("a", "api"), ("b", "webdav"), ("c", "api")), disks, strict=True)
        ]
        self.zygote = Zygote()
        stack.callback(self.zygote.close)
        self.findings, self.runs, self.crashes, self.calms = Findings(), 0, [], 0
        self.ends: Counter[str] = Counter()

    @property
    def met(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for world in self.worlds:
            total += world.met
        return total

    def go(self, count: int) -> None:
        begun_s = told_s = time.monotonic()
        while (done := self.met.total()) < count:
            world = self.worlds[2] if self.chance.random() < 0.04 else self.chance.choice(self.worlds[:2])
            self.turn(world, count - done)
            if self.runs % CALM_EVERY == 0:
                self.calm()
            if time.monotonic() - told_s > 30:
                told_s = time.monotonic()
                _say(f"{done} faults, {self.runs} runs, {told_s - begun_s:.0f} s, {self.findings.counts()}")
        self.calm()
        for world in self.worlds:
            self.findings.add(world.oracle.at_the_end(world.mail.took()))

    def turn(self, world: World, left: int) -> None:
        """One run of sync with its faults, and a look at what it left."""
        world.work()
        names, request, kill_after_s = world.plan(left)
        planned = Counter(fault for fault in world.server.faults if fault)
        world.runs += 1
        self.runs += 1
        if "connection refused" in names:
            world.server.stop()
        if "disk full" in names:
            world.disk.fill(leave_bytes=self.chance.randrange(0, 200_000))
        begun_s = time.monotonic()
        told = self._real(world) if world is self.worlds[2] else self.zygote.run(request, kill_after_s)
        took_s = time.monotonic() - begun_s
        if "disk full" in names:
            world.disk.empty()
        if "connection refused" in names:
            world.server.start()
        if told["rc"] == 0 and kill_after_s is None:
            world.usual_s += 0.1 * (min(took_s, 1.0) - world.usual_s)
        self._count(world, names, told, kill_after_s)
        world.count_met(planned, str(told.get("line", "")))
        believed, _ = world.believed()
        self.findings.add(world.oracle.at_any_time(believed))
        self.findings.add(world.oracle.mail(world.mail.took(), at_the_end=False))
        world.now += timedelta(minutes=self.chance.choice((1, 15, 15, 60, 180)))

    def _count(self, world: World, names: list[str], told: dict[str, object], kill_after_s: float | None) -> None:
        if told["rc"] == -signal.SIGKILL:
            world.met["kill -9"] += 1
        elif told["rc"] not in (0, 1) or "crash" in told:
            self.crashes.append(f"{names}: {told}")
        elif kill_after_s is None:
            world.met.update(name for name in names if name != "disk full" or told.get("error"))
        self.ends["killed" if told["rc"] == -9 else "stopped by its disk" if told.get("error") else "to its end"] += 1

    def _real(self, world: World) -> dict[str, object]:
        """Start the command itself and kill it at any moment, also of its start."""
        command = [sys.executable, "-m", "edge_daemon", "--home", str(world.home.state_dir), "sync"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        timer = threading.Timer(self.chance.uniform(0.05, 2.5), process.kill)
        timer.start()
        _, said = process.communicate()
        timer.cancel()
        known = process.returncode in (0, 1, 2, -signal.SIGKILL)
        return {"rc": min(process.returncode, 0) if known else process.returncode, "line": said}

    def calm(self) -> None:
        """No faults for a while: everything has to arrive."""
        self.calms += 1
        for world in self.worlds:
            world.server.faults.clear()
            world.mail.calm()
            for _ in range(4):
                world.reopen()
                world.now += timedelta(hours=2)
                request = {"home": str(world.home.state_dir), "at": world.now.isoformat(), "seed": 1, "eager": True}
                told = self.zygote.run(request, None)
                if told["rc"] != 0 or told.get("error"):
                    self.crashes.append(f"calm: {told}")
                if world.believed()[1] == 0:
                    break
            else:
                self.findings.lost.append(f"calm {self.calms}: {world.left_over()} did not arrive")

    def document(self, seconds: float, seed: int) -> dict[str, object]:
        made = sum(len(world.oracle.made) for world in self.worlds)
        return {
            "faults": self.met.total(),
            "seed": seed,
            "runs": self.runs,
            "seconds": round(seconds),
            "documents_made": made,
            "mails_expected": sum(len(world.oracle.mails) for world in self.worlds),
            **self.findings.counts(),
            "repeats_without_effect": sum(world.oracle.repeats() for world in self.worlds),
            "mails_taken_again_under_the_same_id": sum(world.mail.repeats() for world in self.worlds),
            "crashes": len(self.crashes),
            "ends": dict(self.ends),
            "calm_checks": self.calms,
            "by_fault": dict(self.met.most_common()),
            "examples": {name: found[:5] for name, found in vars(self.findings).items() if found}
            | ({"crashes": self.crashes[:5]} if self.crashes else {}),
        }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def side_by_side(count: int, seed: int, parts: int) -> dict[str, object]:
    """Run several trials, each on a seed of its own, and add up what they found."""
    command = [sys.executable, "-m", "tests.slow.faults", "--count", str(-(-count // parts))]
    running = [
        subprocess.Popen([*command, "--seed", str(seed + n)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for n in range(parts)
    ]
    documents = [json.loads(one.communicate()[0]) for one in running]
    return {name: added([document[name] for document in documents]) for name in documents[0]} | {
        "seed": seed,
        "seconds": max(document["seconds"] for document in documents),
        "trials": parts,
    }


def added(values: list) -> object:
    if isinstance(values[0], dict):
        names = {name for value in values for name in value}
        pairs = {name: added([value[name] for value in values if name in value]) for name in names}
        by_size = all(isinstance(value, int) for value in pairs.values())
        return dict(sorted(pairs.items(), key=lambda pair: (-pair[1] if by_size else 0, pair[0])))
    return [x for value in values for x in value] if isinstance(values[0], list) else sum(values)


def write(document: dict[str, object], file: Path | None) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False)
    if file:
        file.write_text(text + "\n")
    print(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=1, help="so many trials side by side, each with its share")
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    if said.parallel > 1:
        document = side_by_side(said.count, said.seed, said.parallel)
        write(document, said.json)
        sys.exit(1 if any(document[name] for name in (*vars(Findings()), "crashes")) else 0)
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    begun_s = time.monotonic()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        trial = Trial(folder, said.seed, stack)
        trial.go(said.count)
        document = trial.document(time.monotonic() - begun_s, said.seed)
    write(document, said.json)
    sys.exit(1 if trial.findings or trial.crashes else 0)


if __name__ == "__main__":
    main()
