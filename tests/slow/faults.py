"""Runs the real sync under faults of networks, servers, disks and power; an oracle checks that nothing is lost.

    python -m tests.slow.faults --count 10000 --seed 1 --json OUT
    python -m tests.slow.faults --sticky 1500 --seed 1 --json OUT    # faults that stay: tests/slow/faults_sticky.py

Three devices finalise lessons, correct registers and promise plans all the time. The first has an office of kind api,
the second an office of kind webdav, and the third runs the real command as its sync. Every run of sync is a process of
its own and meets some faults.

These are faults of the office's server (tests/office_server.py, real TLS over sockets), of the mail server
(tests/mail_server.py) and of the name server. There are also a full disk, a limit on file sizes, clock jumps, and a
kill at any moment.

A fault counts when it was met, not when it was planned. After each run the oracle checks what must hold at any time.
After every hundred runs and at the end, some runs have no faults; after these everything must have arrived.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from tests.slow.delivery_oracle import Findings
from tests.slow.disk import SmallDisk
from tests.slow.faults_sticky import StickyTrial
from tests.slow.faults_world import ROOT, World, Zygote

CALM_EVERY = 100


class Trial:
    """The whole trial."""

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
        """Run sync once with its faults, and check the result."""
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
        run_result = self._real(world) if world is self.worlds[2] else self.zygote.run(request, kill_after_s)
        took_s = time.monotonic() - begun_s
        if "disk full" in names:
            world.disk.empty()
        if "connection refused" in names:
            world.server.start()
        if run_result["rc"] == 0 and kill_after_s is None:
            world.usual_s += 0.1 * (min(took_s, 1.0) - world.usual_s)
        self._count(world, names, run_result, kill_after_s)
        world.count_met(planned, str(run_result.get("line", "")))
        believed, _ = world.believed()
        self.findings.add(world.oracle.at_any_time(believed))
        self.findings.add(world.oracle.mail(world.mail.took(), at_the_end=False))
        world.now += timedelta(minutes=self.chance.choice((1, 15, 15, 60, 180)))

    def _count(self, world: World, names: list[str], run_result: dict[str, object], kill_after_s: float | None) -> None:
        if run_result["rc"] == -signal.SIGKILL:
            world.met["kill -9"] += 1
        elif run_result["rc"] not in (0, 1) or "crash" in run_result:
            self.crashes.append(f"{names}: {run_result}")
        elif kill_after_s is None:
            world.met.update(name for name in names if name != "disk full" or run_result.get("error"))
        disk_stopped_it = bool(run_result.get("error"))
        self.ends[
            "killed" if run_result["rc"] == -9 else "stopped by its disk" if disk_stopped_it else "to its end"
        ] += 1

    def _real(self, world: World) -> dict[str, object]:
        """Start the command itself and kill it at any moment, even during its start."""
        command = [sys.executable, "-m", "edge_daemon", "--home", str(world.home.state_dir), "sync"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        timer = threading.Timer(self.chance.uniform(0.05, 2.5), process.kill)
        timer.start()
        _, stderr = process.communicate()
        timer.cancel()
        known = process.returncode in (0, 1, 2, -signal.SIGKILL)
        return {"rc": min(process.returncode, 0) if known else process.returncode, "line": stderr}

    def calm(self) -> None:
        """Run without faults for a while, after which everything has to arrive."""
        self.calms += 1
        for world in self.worlds:
            world.server.faults.clear()
            world.mail.calm()
            for _ in range(4):
                world.reopen()
                world.now += timedelta(hours=2)
                request = {"home": str(world.home.state_dir), **world.clocks(), "seed": 1, "eager": True}
                run_result = self.zygote.run(request, None)
                if run_result["rc"] != 0 or run_result.get("error"):
                    self.crashes.append(f"calm: {run_result}")
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


def side_by_side(kind: str, count: int, seed: int, parts: int, seconds: float) -> dict[str, object]:
    """Run several trials, each with its own seed, and add up their results."""
    command = [sys.executable, "-m", "tests.slow.faults", kind, str(-(-count // parts)), "--seconds", str(seconds)]
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
    parser.add_argument("--sticky", type=int, default=0, help="in place of it: so many faults that stay")
    parser.add_argument("--seconds", type=float, default=0.0, help="end such a trial after so long")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.parallel > 1:
        kind = "--sticky" if options.sticky else "--count"
        document = side_by_side(kind, options.sticky or options.count, options.seed, options.parallel, options.seconds)
        write(document, options.json)
        sys.exit(1 if any(document[name] for name in (*vars(Findings()), "crashes")) else 0)
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    begun_s = time.monotonic()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        trial = StickyTrial(folder, options.seed, stack) if options.sticky else Trial(folder, options.seed, stack)
        if isinstance(trial, StickyTrial):
            trial.go(options.sticky, options.seconds or float("inf"))
        else:
            trial.go(options.count)
        document = trial.document(time.monotonic() - begun_s, options.seed)
    write(document, options.json)
    sys.exit(1 if trial.findings or trial.crashes else 0)


if __name__ == "__main__":
    main()
