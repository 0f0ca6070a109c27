"""Faults that persist: one register, address or path that is always refused, a clock that is days off, and others.

    python -m tests.slow.faults --sticky 1500 --seed 7 --json OUT

In an episode some faults begin and last for two to four syncs, some of which are killed at any moment. Meanwhile the
device goes on making registers. Then the faults end, and two syncs later everything must have arrived.

A person starts those two syncs (`outbox retry --all-parked`, then `sync`), or the timer does. The timer's syncs come 26
and 28 hours later; for faults without a request to wait, they may also come 1.2 and 2.4 hours later. A fault counts
when it has occurred.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from edge_daemon.delivery import document_paths
from tests.registers import SIGNER
from tests.slow.delivery_oracle import Findings
from tests.slow.disk import SmallDisk
from tests.slow.faults_mail import OFFICE, MailFaults
from tests.slow.faults_world import World, Zygote
from tests.sync_device import DEVICE

Ends = Literal["person", "day", "hour"]
SECOND = "second@school.example"
PASSING = ("captive-portal", "no-receipt", "redirect", "404", "405", "415", "421", "500", "502", "504", "hang")
ASKS_TO_WAIT = ("429", "429-date", "503", "503-date", "507")
NOT_ALLOWED = ("401", "403")
FOR_GOOD = ("400", "413", "422")
ADDRESS = {
    "421 of one address": "421 4.7.0 try again later",
    "451 of one address": "451 4.7.1 greylisted",
    "452 of one address": "452 4.2.2 mailbox full",
    "550 of one address": "550 5.1.1 no such user",
}
LETTERS = {
    "sender refused": "554 5.2.252 SendAsDenied; not allowed to send as this sender",
    "quota of the sender": "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
    "blocklist": "550 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",
}
PULLED = ("corrections.json", "withdrawals.json", "removals.json")
WORLDS_LAST = 30
"""Episodes before devices and servers are started afresh, because checks take longer the more documents there are."""


class TwoAddresses(MailFaults):
    """A mail server for two addresses of the office, whose faults last until they are ended."""

    addresses = (OFFICE, SECOND)

    def refuse(self, answer: str) -> None:
        self._server.mood.receiver[SECOND] = answer

    def refuse_letters(self, answer: str) -> None:
        self._server.mood.data[:] = [answer] * 10_000

    def refuse_log_in(self) -> None:
        self._server.mood.auth_answer = "535 5.7.8 not you"

    def tries(self) -> int:
        """Return how often a refused address was tried."""
        mood = self._server.mood
        return self._server.handler.tries.get(SECOND, 0) if mood.receiver else 10_000 - len(mood.data)


@dataclass
class Fault:
    """A fault that has begun."""

    name: str
    end: Callable[[], None]
    met: Callable[[], bool]
    ends: Sequence[Ends] = ("person", "day")
    """The ways in which the two later syncs may be made."""
    is_of_one: bool = False
    """True if it concerns one item, address or path, so that the others have to arrive meanwhile."""
    spared: str = ""
    """Part of the paths of documents that can't arrive during the fault; empty if there is none."""


class StickyTrial:
    """Episodes, until enough faults were met.

    Args:
        folder: folder for devices and servers.
        seed: seed of all random choices.
        stack: closes everything at the end.
    """

    def __init__(self, folder: Path, seed: int, stack: ExitStack) -> None:
        self.chance, self._folder, self._stack = random.Random(seed), folder, stack
        self.zygote = Zygote()
        stack.callback(self.zygote.close)
        self.findings, self.crashes, self.met = Findings(), list[str](), Counter[str]()
        self.episodes = self.syncs = self.documents = self.mails = self.doubtful = 0
        self.ends: Counter[str] = Counter()

    def go(self, count: int, most_s: float = float("inf")) -> None:
        """Run episodes until this many faults were met, or this many seconds have passed."""
        begun_s = told_s = time.monotonic()
        number = 0
        while self.met.total() < count and time.monotonic() - begun_s < most_s:
            number += 1
            with ExitStack() as stack:
                disks = [stack.enter_context(SmallDisk(self._folder / f"device-{number}-{n}")) for n in range(2)]
                worlds = [
                    World(self._folder / f"{number}-{kind}", kind, disk, self.chance, stack, TwoAddresses)
                    for kind, disk in zip(("api", "webdav"), disks, strict=True)
                ]
                for _ in range(WORLDS_LAST):
                    self.episode(self.chance.choice(worlds))
                    if self.met.total() >= count or time.monotonic() - begun_s > most_s:
                        break
                    if time.monotonic() - told_s > 30:
                        told_s = time.monotonic()
                        found = self.findings.counts()
                        print(
                            f"{self.met.total()} faults, {told_s - begun_s:.0f} s, {found}", file=sys.stderr, flush=True
                        )
                for world in worlds:
                    self.findings.add(world.oracle.at_the_end(world.mail.took()))
                    self.documents += len(world.oracle.made)
                    self.mails += len(world.oracle.mails)
            shutil.rmtree(self._folder / f"{number}-api", ignore_errors=True)
            shutil.rmtree(self._folder / f"{number}-webdav", ignore_errors=True)

    def episode(self, world: World) -> None:
        """Let some faults begin, last, and end; then check that everything arrives."""
        self.episodes += 1
        before = self.findings.counts()
        world.work()
        faults = self._begin(world, self.chance.choice((1, 1, 1, 2)))
        names, disturbed, lines = [one.name for one in faults], False, list[str]()
        for _ in range(self.chance.choice((2, 2, 3, 4))):
            if self.chance.random() < 0.7:
                world.work()
            ended = self._sync_under_faults(world, lines)
            disturbed = disturbed or ended
            world.now += timedelta(hours=self.chance.choice((2, 2, 3)))
        if len(faults) == 1 and faults[0].is_of_one and not disturbed:
            self._all_but(world, faults[0])
        for one in faults:
            if one.met():
                self.met[one.name] += 1
            one.end()
        allowed = [how for how in ("person", "day", "hour") if all(how in one.ends for one in faults)]
        how = self.chance.choice(allowed or ["person"])
        self.ends[how] += 1
        self._two_syncs(world, how, names, lines)
        if self.findings.counts() != before:
            counted = vars(self.findings).items()
            new_findings = [f"{name}: {found[-1]}" for name, found in counted if len(found) > before[name]]
            print(f"episode {self.episodes}: {names}, {how}; {new_findings}; {lines}", file=sys.stderr, flush=True)

    def _sync_under_faults(self, world: World, lines: list[str]) -> bool:
        """Run sync once, which may be killed or see its clock jump; return whether it was killed."""
        request: dict[str, object] = {"eager": self.chance.random() < 0.3}
        kind, kill_after_s = self.chance.random(), None
        if kind < 0.25:
            kill_after_s = self.chance.uniform(0.0, 1.3 * world.usual_s)
        elif kind < 0.35:
            days = self.chance.choice((-1, 1)) * self.chance.uniform(0.1, 20)
            request |= {"jump_s": 86400 * days, "jump_after": self.chance.randrange(20)}
            self.met["clock jumps within a sync"] += 1
        run_result = self._sync(world, request, kill_after_s)
        lines.append(str(run_result.get("line", run_result)))
        if run_result["rc"] == -signal.SIGKILL:
            self.met["kill -9"] += 1
        return kill_after_s is not None or "jump_s" in request

    def _sync(self, world: World, request: dict[str, object], kill_after_s: float | None = None) -> dict[str, object]:
        self.syncs += 1
        words = {"home": str(world.home.state_dir), **world.clocks(), "seed": self.chance.randrange(2**32)}
        begun_s = time.monotonic()
        run_result = self.zygote.run({**words, **request}, kill_after_s)
        if run_result["rc"] == 0:
            world.usual_s += 0.1 * (min(time.monotonic() - begun_s, 1.0) - world.usual_s)
        if run_result["rc"] not in (0, -signal.SIGKILL) or "crash" in run_result or run_result.get("error"):
            self.crashes.append(f"{request}: {run_result}")
        return run_result

    def _two_syncs(self, world: World, how: Ends, names: Sequence[str], lines: list[str]) -> None:
        last_item = world.last_item()
        waits = {"person": (0, 0), "day": (26, 2), "hour": (1.2, 1.2)}[how]
        for hours in waits:
            world.now += timedelta(hours=hours)
            if how == "person":
                world.reopen()
            lines.append(str(self._sync(world, {"eager": how == "person"}).get("line")))
        believed, waiting = world.believed(last_item)
        if waiting and how != "person" and world.doubtful() == waiting:
            # A killed run may have mailed it, and by its clock it is older than three days: a person decides.
            self.doubtful += waiting
            world.reopen()
            self._sync(world, {"eager": True})
            believed, waiting = world.believed(last_item)
        if waiting:
            self.findings.stuck.append(f"{names}, {how}: {world.left_over()}")
            for _ in range(4):  # the next episode begins in order
                world.reopen()
                world.now += timedelta(days=2)
                self._sync(world, {"eager": True})
        self.findings.add(world.oracle.at_any_time(believed))
        missing = [path for path in believed if not (world.server.folder / path).is_file()]
        self.findings.lost += [f"{names}, {how}: {path} is not at the server" for path in missing]
        self.findings.add(world.oracle.mail(world.mail.took(), at_the_end=not waiting))
        self._look_at_key(world, names)

    def _look_at_key(self, world: World, names: Sequence[str]) -> None:
        key = world.server.folder / document_paths.key(DEVICE)
        document = json.loads(key.read_bytes() if key.is_file() else b"{}")
        if world.lessons and document.get("public_key") != SIGNER.public_key:
            self.findings.lost.append(f"{names}: key.json is not this device's")

    def _all_but(self, world: World, fault: Fault) -> None:
        """Run two syncs, and check that they delivered everything that the fault does not concern."""
        self._sync(world, {"eager": False})
        world.now += timedelta(hours=2)
        self._sync(world, {"eager": False})
        believed, _ = world.believed()
        held_up = set(world.oracle.made) - set(believed)
        held_up = {path for path in held_up if not fault.spared or fault.spared not in path}
        self.findings.stuck += [f"{path} is held up by {fault.name}" for path in sorted(held_up)]

    # --- faults -------------------------------------------------------------------------------------------------------

    def _begin(self, world: World, count: int) -> list[Fault]:
        """Start this many faults, each of another kind."""
        kinds = (
            *(self._of_one_register,) * 4,
            *(self._of_one_path, self._of_a_pull, self._of_the_server, self._of_mail_server),
            *(self._wrong_clock, self._wrong_clock, self._emptied, self._taken_place, self._other_key, self._stopped),
        )
        chosen: dict[object, Fault] = {}
        while len(chosen) < count:
            kind = self.chance.choice(kinds)
            if kind not in chosen:
                chosen[kind] = kind(world)
        return list(chosen.values())

    def _of_one_register(self, world: World) -> Fault:
        waiting = [path for path in world.oracle.made if path not in set(world.believed()[0])]
        if not waiting:
            return self._of_one_path(world)
        path = self.chance.choice(waiting)
        method = self.chance.choice(("PUT", "*")) if world.server.kind == "webdav" else "PUT"
        return self._sticky(world, "one document", method, path, spared=path)

    def _of_one_path(self, world: World) -> Fault:
        name = self.chance.choice(("status.json", "key.json", "/days/", "/commitments/"))
        return self._sticky(world, name, self.chance.choice(("PUT", "*")), name, name)

    def _of_a_pull(self, world: World) -> Fault:
        return self._sticky(world, "a pull", "GET", self.chance.choice(PULLED), "")

    def _of_the_server(self, world: World) -> Fault:
        fault = self._sticky(world, "the server", self.chance.choice(("*", "PUT")), "", "")
        fault.is_of_one = False
        return fault

    def _sticky(self, world: World, what: str, method: str, part: str, spared: str) -> Fault:
        answer = self.chance.choice((*PASSING, *PASSING, *ASKS_TO_WAIT, *NOT_ALLOWED, *FOR_GOOD))
        server, key = world.server, (method, part)
        server.sticky[key] = answer
        server.retry_after = self.chance.choice(("30", "7200", "300000"))
        met_before = server.sticky_met[key]
        ends: Sequence[Ends] = ("person", "day", "hour")
        if answer in FOR_GOOD:
            ends = ("person",)
        elif answer not in PASSING:
            ends = ("person", "day")

        def end() -> None:
            server.sticky.pop(key, None)

        name, asks_to_wait = f"{what}: {answer}", answer[:3] in ("429", "503")  # then it is left alone for so long
        is_met = lambda: server.sticky_met[key] > met_before  # noqa: E731
        return Fault(name, end, is_met, ends, is_of_one=not asks_to_wait, spared=spared)

    def _of_mail_server(self, world: World) -> Fault:
        return self._of_an_address(world) if self.chance.random() < 0.5 else self._of_letters(world)

    def _of_an_address(self, world: World) -> Fault:
        name = self.chance.choice(list(ADDRESS))
        world.mail.refuse(ADDRESS[name])
        return self._of_mail(world, name, ("person",) if ADDRESS[name].startswith("5") else ("person", "day"))

    def _of_letters(self, world: World) -> Fault:
        name = self.chance.choice((*LETTERS, "log-in refused"))
        if name == "log-in refused":
            world.mail.refuse_log_in()
            return Fault(name, world.mail.calm, lambda: True, ("person", "day"), is_of_one=True)
        world.mail.refuse_letters(LETTERS[name])
        return self._of_mail(world, name, ("person",) if name == "sender refused" else ("person", "day"))

    def _of_mail(self, world: World, name: str, ends: Sequence[Ends]) -> Fault:
        before = world.mail.tries()
        return Fault(name, world.mail.calm, lambda: world.mail.tries() > before, ends, is_of_one=True)

    def _wrong_clock(self, world: World) -> Fault:
        by = timedelta(hours=self.chance.choice((-1, 1)) * self.chance.uniform(1, 20 * 24))
        world.now += by
        world.ahead += by

        def end() -> None:
            world.now -= by
            world.ahead -= by

        return Fault(
            f"clock {'ahead' if by > timedelta(0) else 'behind'}", end, lambda: True, ("person", "day", "hour")
        )

    def _emptied(self, world: World) -> Fault:
        held = world.server.folder / "v1"
        count = len(list(held.rglob("1.json"))) if held.is_dir() else 0
        shutil.rmtree(held, ignore_errors=True)
        if world.server.kind == "webdav":
            held.mkdir(parents=True)
        return Fault("server emptied", lambda: None, lambda: count > 0, ("person", "day", "hour"))

    def _taken_place(self, world: World) -> Fault:
        waiting = [path for path in world.oracle.made if path not in set(world.believed()[0])]
        if not waiting:
            return self._other_key(world)
        path = self.chance.choice(waiting)
        place = world.server.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b'{"somebody": "else"}')

        def end() -> None:
            if place.is_file() and place.read_bytes() == b'{"somebody": "else"}':
                place.unlink()

        met = lambda: place.is_file() and place.read_bytes() == b'{"somebody": "else"}'  # noqa: E731
        return Fault("place taken", end, met, ("person", "day"), is_of_one=True, spared=path)

    def _other_key(self, world: World) -> Fault:
        place = world.server.folder / document_paths.key(DEVICE)
        was_there = place.is_file()
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({"schema": 1, "device": DEVICE, "public_key": "ab" * 32}))
        return Fault("key.json replaced", lambda: None, lambda: was_there, ("person", "day", "hour"), is_of_one=True)

    def _stopped(self, world: World) -> Fault:
        world.server.faults = deque()
        world.server.stop()
        return Fault("server stopped", world.server.start, lambda: True, ("person", "day", "hour"))

    def document(self, seconds: float, seed: int) -> dict[str, object]:
        """Return the results, for a file."""
        return {
            "faults": self.met.total(),
            "seed": seed,
            "episodes": self.episodes,
            "syncs": self.syncs,
            "seconds": round(seconds),
            "documents_made": self.documents,
            "mails_expected": self.mails,
            **self.findings.counts(),
            "crashes": len(self.crashes),
            "left_to_a_person_as_maybe_mailed": self.doubtful,
            "two_syncs_of": dict(self.ends),
            "by_fault": dict(self.met.most_common()),
            "examples": {name: found[:5] for name, found in vars(self.findings).items() if found}
            | ({"crashes": self.crashes[:5]} if self.crashes else {}),
        }
