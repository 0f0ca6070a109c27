"""The outbox against a model: claims, answers, crashes and waits in any order; and real processes that are killed.

The model knows what each claimant believes. Whatever happens, no two claims of an item are valid at once, nothing
vanishes, what was delivered stays delivered, and what waits is due in the end.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge_daemon.store import outbox
from edge_daemon.store.database import open_register, transaction
from edge_daemon.types import Delivery, Outcome

BEGIN = datetime(2026, 11, 16, 8, 0, tzinfo=timezone.utc)
LEASE_S = 300.0
OUTCOMES = st.sampled_from(
    [
        Outcome("delivered", "201"),
        Outcome("retry", "503"),
        Outcome("retry", "429", retry_after_s=7200.0),
        Outcome("parked", "413"),
        Outcome("held", "wait"),
        Outcome("void", "not needed"),
        Outcome("retry", "no network", receiver_down=True),
        Outcome("parked", "401", receiver_down=True),
    ]
)


@dataclass
class Claim:
    delivery: Delivery
    until: datetime
    dead: bool = False


class Deliverers(RuleBasedStateMachine):
    """Several processes that deliver, a person who retries, a clock that only goes on."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.db = open_register(Path(self.folder.name) / "register.sqlite")
        self.now, self.made = BEGIN, 0
        self.claims: list[Claim] = []
        self.delivered: set[int] = set()
        self.rng = random.Random(1)

    def teardown(self):
        if hasattr(self, "db"):
            self.db.conn.close()
            self.folder.cleanup()

    def valid(self, item_id: int) -> bool:
        return any(one.delivery.item_id == item_id and one.until > self.now for one in self.claims)

    @rule(hold_h=st.sampled_from([0, 0, 4]))
    def put(self, hold_h):
        with transaction(self.db):
            assert outbox.put(
                self.db,
                destination="upstream",
                kind=outbox.REGISTER,
                ref=f"{self.made}/1",
                not_before=self.now + timedelta(hours=hold_h),
                at=self.now,
            )
        self.made += 1

    @rule()
    def claim(self):
        delivery = outbox.claim(self.db, "upstream", self.now, "a process", LEASE_S)
        if delivery is None:
            return
        assert not self.valid(delivery.item_id), "two valid claims"
        assert delivery.item_id not in self.delivered
        self.claims.append(Claim(delivery, self.now + timedelta(seconds=LEASE_S)))

    def drawn(self, data) -> Claim:
        return data.draw(st.sampled_from([one for one in self.claims if not one.dead]))

    @precondition(lambda self: any(not one.dead for one in self.claims))
    @rule(data=st.data(), outcome=OUTCOMES)
    def settle(self, data, outcome):
        one = self.drawn(data)
        self.claims.remove(one)
        before = outbox.get(self.db, one.delivery.item_id)
        counted = outbox.settle(self.db, one.delivery, outcome, self.now, self.rng)
        overtaken = any(other.delivery.item_id == one.delivery.item_id for other in self.claims)
        if outcome.name == "delivered":
            self.delivered.add(one.delivery.item_id)
        elif one.until > self.now and before.state in {"waiting", "held"}:
            assert counted, "the answer to a valid claim was thrown away"
        elif overtaken and not counted:
            assert outbox.get(self.db, one.delivery.item_id) == before

    @precondition(lambda self: any(not one.dead for one in self.claims))
    @rule(data=st.data())
    def crash(self, data):
        """A process is killed: its answer never comes, its lease runs on."""
        self.drawn(data).dead = True
        self.db.conn.close()
        self.db = open_register(Path(self.folder.name) / "register.sqlite")

    @rule(seconds=st.sampled_from([1, 29, 60, 299, 301, 3600, 7200, 86400]))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule()
    def retry(self):
        parked = [one.item_id for one in outbox.listed(self.db, ("parked",))]
        assert outbox.reopen(self.db, parked, self.now) == len(parked)

    @invariant()
    def nothing_vanishes(self):
        if not hasattr(self, "db"):
            return
        items = outbox.listed(self.db, outbox.STATES)
        assert [one.ref for one in items] == [f"{number}/1" for number in range(self.made)]
        assert {one.item_id for one in items if one.state == "delivered"} == self.delivered

    @invariant()
    def what_waits_is_due_within_the_longest_wait(self):
        if not hasattr(self, "db"):
            return
        for one in outbox.listed(self.db, ("waiting", "held")):
            assert one.next_attempt - self.now <= timedelta(days=1)


Deliverers.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDeliverers = Deliverers.TestCase

CLAIMANT = """
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from edge_daemon.store import outbox
from edge_daemon.store.database import open_register

db = open_register(Path(sys.argv[1]), busy_timeout_s=30)
print("ready", flush=True)
sys.stdin.readline()
while (one := outbox.claim(db, "upstream", datetime.now(timezone.utc), sys.argv[2])) is not None:
    print(one.ref, flush=True)
"""


def claimant(path: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CLAIMANT, str(path), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def filled(path: Path, count: int) -> None:
    db = open_register(path)
    with transaction(db):
        for number in range(count):
            outbox.put(db, destination="upstream", kind=outbox.REGISTER, ref=f"{number}/1", not_before=BEGIN, at=BEGIN)
    db.conn.close()


def test_processes_that_claim_at_the_same_time_share_the_items(tmp_path):
    path = tmp_path / "register.sqlite"
    filled(path, 120)
    processes = [claimant(path, f"process {number}") for number in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    outputs = [""] * len(processes)
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for number, process in enumerate(processes):
        outputs[number], _ = process.communicate(timeout=60)
        assert process.returncode == 0
    claimed = [ref for output in outputs for ref in output.split()]
    assert sorted(claimed) == sorted(f"{number}/1" for number in range(120))


def test_an_item_of_a_killed_process_is_claimed_again_when_its_lease_ends(tmp_path):
    path = tmp_path / "register.sqlite"
    filled(path, 50)
    process = claimant(path, "victim")
    process.stdout.readline()
    process.stdin.write("go\n")
    process.stdin.flush()
    seen = [process.stdout.readline().strip() for _ in range(5)]
    os.kill(process.pid, signal.SIGKILL)
    seen += process.communicate()[0].split()
    db = open_register(path)
    now = datetime.now(timezone.utc)
    rest = [one.ref for one in iter(lambda: outbox.claim(db, "upstream", now, "next"), None)]
    assert not set(rest) & set(seen)
    later = now + timedelta(seconds=outbox.LEASE_S + 1)
    again = [one.ref for one in iter(lambda: outbox.claim(db, "upstream", later, "next"), None)]
    assert sorted(again) == sorted(f"{number}/1" for number in range(50))
    db.conn.close()
