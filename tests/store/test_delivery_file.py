"""The process that delivers only reads register.sqlite; what it knows by itself may be lost, forged, or in the way."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from edge_daemon.errors import StoreError
from edge_daemon.store import outbox
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.delivery_file import UNCERTAIN, OutboxMirror, open_delivery, park_doubtful
from edge_daemon.store.delivery_marks import take_report
from edge_daemon.store.delivery_report import FILE, read_report, write_report
from edge_daemon.types import Outcome
from tests.registers import START, a_lesson, a_register, keep

NOW = START + timedelta(hours=6)
RNG = random.Random(1)
DELIVERED = Outcome("delivered", "has it")


class Device:
    """register.sqlite of one side, and the folder of the other."""

    def __init__(self, folder: Path) -> None:
        self.register, self.folder = folder / "state" / "register.sqlite", folder / "sync"
        self.folder.mkdir(parents=True)
        self.path = self.folder / "delivery.sqlite"
        self.made = 0

    def add(self, destination: str = "upstream", at=START, **more) -> None:
        """Make a register, or a mail about one, with its row."""
        self.made += 1
        db = open_register(self.register)
        with closing(db.conn):
            if destination == "upstream":

                def also(db, stored):
                    ref = f"{stored.lesson_id}/{stored.revision}"
                    words = {"destination": "upstream", "kind": outbox.REGISTER, "ref": ref}
                    outbox.put(db, **words, lesson_id=stored.lesson_id, not_before=at, at=at)

                keep(db, *a_register(a_lesson(START + timedelta(hours=self.made)), {"S1": 0.9}), also=also)
            else:
                with transaction(db):
                    words = {"destination": "mail", "kind": outbox.WEEK, "ref": f"2026-W{self.made:02}", **more}
                    outbox.put(db, **words, not_before=at, at=at)

    def sync(self, outcome: Outcome | None = DELIVERED, now=NOW) -> list[str]:
        """Deliver everything that is due, and report; return what it was about."""
        db, done = open_delivery(self.path, self.register), []
        with closing(db.conn):
            OutboxMirror(db).refresh(now)
            park_doubtful(db, now)
            outbox.release(db)
            for destination in ("upstream", "mail"):
                while outcome is not None and (one := outbox.claim(db, destination, now, "test", due_by=now)):
                    outbox.settle(db, one, outcome, now, RNG)
                    done.append(one.ref)
                    if outcome.receiver_down:
                        break
            write_report(db, self.folder)
        return done

    def begin(self) -> None:
        """Have both files, and nothing in them."""
        open_register(self.register).conn.close()
        assert self.sync() == []

    def take(self, now=NOW):
        db = open_register(self.register)
        with closing(db.conn):
            return take_report(db, read_report(self.folder, now))

    def marks(self) -> list[tuple[str, int, str]]:
        """Return state, tries and answer of every row of register.sqlite."""
        db = open_register(self.register)
        with closing(db.conn):
            return [(one.state, one.attempts, one.answer) for one in outbox.listed(db, outbox.STATES)]

    def lose(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()

    def change(self, sql: str, path: Path | None = None) -> None:
        db = open_delivery(self.path, self.register) if path is None else open_register(path)
        with closing(db.conn), transaction(db):
            db.execute(sql)


@pytest.fixture
def device(tmp_path) -> Device:
    return Device(tmp_path)


def test_deliveries_are_recorded_in_the_delivery_file_and_the_register_is_not_written(device):
    device.add()
    before = device.register.read_bytes()
    assert len(device.sync()) == 1
    assert device.sync() == []
    assert device.register.read_bytes() == before
    assert device.marks() == [("waiting", 0, "")]
    device.take()
    assert device.marks() == [("delivered", 1, "has it")]
    assert device.sync() == []


def test_a_file_that_was_lost_means_sent_again_for_documents_and_never_twice_for_mail(device):
    device.add()
    device.add("mail")
    assert len(device.sync()) == 2
    device.take()
    device.lose()
    (again,) = device.sync()
    assert "/" in again, "the register, whose receipt is lost; the mail was accepted"


def test_a_message_that_may_have_been_mailed_is_mailed_again_for_three_days_only(device):
    device.begin()
    device.add("mail", at=NOW - timedelta(days=2))
    device.add("mail", at=NOW - timedelta(days=4))
    assert len(device.sync()) == 2
    device.lose()  # before anybody took over what became of them
    assert device.sync() == ["2026-W01"]
    device.take()
    assert [mark[0] for mark in device.marks()] == ["delivered", "parked"]
    assert device.marks()[1][2] == UNCERTAIN
    db = open_register(device.register)
    with closing(db.conn):
        assert outbox.reopen(db, [2], NOW) == 1
    assert device.sync() == ["2026-W02"]


def test_a_message_that_waited_for_a_network_for_weeks_is_mailed(device):
    device.begin()
    device.add("mail", at=NOW - timedelta(days=20))
    assert device.sync() == ["2026-W01"], "this file is older than the message: it was never tried"


def test_an_old_message_of_a_run_that_was_killed_is_left_to_a_person(device):
    device.begin()
    device.add("mail", at=NOW - timedelta(days=4))
    device.add("mail", at=NOW - timedelta(days=1))
    db = open_delivery(device.path, device.register)
    with closing(db.conn):
        OutboxMirror(db).refresh(NOW)
        assert outbox.claim(db, "mail", NOW, "killed")
        assert outbox.claim(db, "mail", NOW, "killed")
    assert device.sync(now=NOW + timedelta(minutes=5)) == ["2026-W02"]
    device.take()
    assert [mark[0] for mark in device.marks()] == ["parked", "delivered"]


@pytest.mark.parametrize("content", [b"", b"nonsense" * 1000, b"SQLite format 3\0" + bytes(4000)])
def test_a_file_that_is_no_database_is_begun_anew_and_kept(device, content):
    device.add()
    device.sync()
    device.lose()
    device.path.write_bytes(content)
    assert len(device.sync()) == 1
    if content:
        assert device.path.with_name("delivery.sqlite.unreadable").read_bytes() == content


def test_a_database_of_something_else_in_its_place_is_begun_anew(device):
    device.add()
    device.lose() if device.path.exists() else None
    shutil.copy(device.register, device.path)
    assert len(device.sync()) == 1


def test_a_delivery_without_the_documents_sha256_is_not_trusted_and_made_again(device):
    device.add()
    device.add()
    device.sync(None)
    device.change("UPDATE main.outbox SET state = 'delivered', settled_at_utc = created_at_utc")
    device.change("UPDATE main.outbox SET receipt_sha256 = '" + "a" * 64 + "' WHERE item_id = 2")
    db = open_delivery(device.path, device.register)
    with closing(db.conn):
        write_report(db, device.folder)
    taken = device.take()
    assert (taken.changed, taken.unproven) == (0, 2)
    assert [mark[0] for mark in device.marks()] == ["waiting", "waiting"]
    assert len(device.sync()) == 2


def test_a_reported_delivery_is_not_taken_over_into_a_new_delivery_file(device):
    device.add()
    device.change("UPDATE outbox SET state = 'delivered', reported = 1", device.register)
    assert len(device.sync()) == 1


def test_deliveries_of_the_release_before_count_as_delivered(device):
    device.add()
    device.add("mail", at=NOW - timedelta(days=20))
    device.add("mail", at=NOW - timedelta(days=20))
    device.change("UPDATE outbox SET state = 'delivered', decision = 0 WHERE item_id < 3", device.register)
    device.change("UPDATE outbox SET decision = 0 WHERE item_id = 3", device.register)
    assert device.sync() == ["2026-W03"], "that release wrote down what it mailed"


def test_deliveries_of_the_release_before_after_a_rollback_are_not_sent_again(device):
    device.add()
    device.add("mail")
    device.sync(Outcome("retry", "busy"))
    device.take()
    device.change("UPDATE outbox SET state = 'delivered', attempts = attempts + 1", device.register)
    assert device.sync(now=NOW + timedelta(days=2)) == []


def test_changes_of_items_in_the_register_reach_the_delivery_file_also_during_a_run(device):
    device.add("mail")
    device.add("mail", at=NOW + timedelta(days=30))
    db = open_delivery(device.path, device.register)
    register = open_register(device.register)
    with closing(db.conn), closing(register.conn):
        mirror = OutboxMirror(db)
        mirror.refresh(NOW)
        with transaction(register):
            outbox.change(register, 1, "void", not_before=NOW, answer="not absent after all", at=NOW)
            outbox.change(register, 2, "waiting", not_before=NOW, answer="", at=NOW)
        mirror.refresh(NOW)
        assert [(one.state, one.answer) for one in outbox.listed(db, outbox.STATES)] == [
            ("void", "not absent after all"),
            ("waiting", ""),
        ]
        claimed = outbox.claim(db, "mail", NOW, "test")
        assert claimed is not None
        assert claimed.ref == "2026-W02"


def test_retry_opens_the_receiver_as_well(device):
    device.add()
    device.sync(Outcome("parked", "wrong token", receiver_down=True))
    device.take()
    db = open_register(device.register)
    with closing(db.conn):
        assert outbox.destination_state(db, "upstream").state == "parked"
        assert outbox.reopen(db, [1], NOW + timedelta(minutes=1)) == 1
    db = open_delivery(device.path, device.register)
    with closing(db.conn):
        OutboxMirror(db).refresh(NOW + timedelta(minutes=2))
        assert outbox.destination_state(db, "upstream").state == "open"


def test_a_decision_after_the_report_stands(device):
    device.add("mail")
    device.sync(Outcome("parked", "no such mailbox"))
    db = open_register(device.register)
    with closing(db.conn), transaction(db):
        outbox.change(db, 1, "void", not_before=NOW, answer="not absent after all", at=NOW)
    device.take()
    assert device.marks() == [("void", 1, "not absent after all")]


def test_further_addresses_of_the_office_are_known_here_and_nothing_else_that_is_invented(device):
    device.add("mail")
    db = open_delivery(device.path, device.register)
    with closing(db.conn):
        OutboxMirror(db).refresh(NOW)
        with transaction(db):
            for kind, ref, student in (
                (outbox.WEEK, "2026-W01#2", ""),
                (outbox.STUDENT_WEEK, "2026-W01", "S1"),
                (outbox.STUDENT_WEEK, "2026-W09", "S1"),
                (outbox.GUARDIAN_WEEK, "2026-W01", "S1"),
                (outbox.GUARDIAN_WEEK, "2026-W01#2", "S1"),
                (outbox.GUARDIAN_MONTH, "2026-01", "S1"),
                (outbox.GUARDIAN, "x", "S1"),
                (outbox.WEEK, "2026-W07", ""),
            ):
                words = {"destination": "mail", "kind": kind, "ref": ref, "student_id": student}
                outbox.put(db, **words, not_before=NOW, at=NOW)
        write_report(db, device.folder)
    taken = device.take()
    assert (taken.changed, taken.unknown) == (3, 5)
    db = open_register(device.register)
    with closing(db.conn):
        found = {(one.kind, one.ref, one.student_id) for one in outbox.listed(db)}
    assert found == {
        *(("week", "2026-W01", ""), ("week", "2026-W01#2", "")),
        *(("student-week", "2026-W01", "S1"), ("guardian-week", "2026-W01", "S1")),
    }


ITEM = [
    "mail",
    "week",
    "2026-W01",
    "",
    "",
    "delivered",
    "2026-11-16T07:00:00.000000Z",
    "2026-11-16T07:00:00.000000Z",
    1,
]
ITEM += ["ok", None, 1, ""]


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{}", "null", "[" * 100_000, '{"format": 2}', '{"format": ' + "9" * 100_000 + "}",
        json.dumps({"format": 1, "items": [ITEM[:-1]], "receivers": [], "versions": []}),
        json.dumps({"format": 1, "items": [[*ITEM[:5], "gone", *ITEM[6:]]], "receivers": [], "versions": []}),
        json.dumps({"format": 1, "items": [[*ITEM[:8], -1, *ITEM[9:]]], "receivers": [], "versions": []}),
        json.dumps({"format": 1, "items": [[*ITEM[:8], 1e300, *ITEM[9:]]], "receivers": [], "versions": []}),
        json.dumps({"format": 1, "items": [[*ITEM[:6], "9999-12-31T23:59:59Z", *ITEM[7:]]], "receivers": [],
                    "versions": []}),
        json.dumps({"format": 1, "items": [], "receivers": [], "versions": [["../../etc/passwd", "", ITEM[6], ""]]}),
    ],
)  # fmt: skip
def test_a_report_that_is_none_is_refused_in_one_line_and_changes_nothing(device, content):
    device.add("mail")
    (device.folder / FILE).write_text(content)
    with pytest.raises(StoreError, match="is not a delivery report") as error:
        device.take()
    assert "\n" not in error.value.line()
    assert device.marks() == [("waiting", 0, "")]


def test_a_report_can_not_put_an_item_off_for_ever_nor_write_to_a_terminal(device):
    device.add("mail")
    device.sync(None)
    row = [*ITEM[:5], "waiting", ITEM[6], "2199-01-01T00:00:00Z", 3, "\x1b[2Jgone\u202e", None, 1, ""]
    (device.folder / FILE).write_text(json.dumps({"format": 1, "items": [row], "receivers": [], "versions": []}))
    device.take()
    db = open_register(device.register)
    with closing(db.conn):
        (one,) = outbox.listed(db)
    assert one.next_attempt <= NOW + timedelta(days=9)
    assert one.answer == " [2Jgone "


def test_a_report_that_is_a_link_is_not_followed(device, tmp_path):
    device.add("mail")
    (tmp_path / "secret").write_text("{}")
    (device.folder / FILE).symlink_to(tmp_path / "secret")
    with pytest.raises(StoreError, match="can't be read"):
        device.take()


def test_a_register_of_the_release_before_is_left_to_the_service(device):
    device.add()
    device.change("UPDATE meta SET value = '3' WHERE key = 'schema_version'", device.register)
    with pytest.raises(StoreError, match="older release"):
        open_delivery(device.path, device.register)


# --- another user -------------------------------------------------------------------------------------------------

NOBODY, GROUP = 65534, 64999
READER = """
import os, sys
import urllib.parse  # pathlib wants it later, and the interpreter itself may be for its owner only
from datetime import datetime, timezone
from pathlib import Path
from edge_daemon.store.delivery_file import OutboxMirror, open_delivery
from edge_daemon.store import outbox
os.setgroups([])
os.setgid(int(sys.argv[4]))
os.setuid(int(sys.argv[3]))
db = open_delivery(Path(sys.argv[2]), Path(sys.argv[1]))
OutboxMirror(db).refresh(datetime.now(timezone.utc))
print(len(outbox.listed(db)))
try:
    db.conn.execute("UPDATE register.outbox SET state = 'delivered'")
except Exception as error:
    print(error)
"""


@pytest.fixture
def two_users() -> Iterator[Device]:
    """A state folder that the group may enter, and another folder of another user of that group."""
    if os.geteuid() != 0:
        pytest.skip("only root may be another")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    device = Device(folder)
    device.register.parent.mkdir()
    os.chown(device.register.parent, 0, GROUP)
    device.register.parent.chmod(0o2710)  # files of this test are the group's, as the unit's are by its Group=
    os.chown(device.folder, NOBODY, GROUP)
    yield device
    shutil.rmtree(folder)


def read_as_another(device: Device) -> list[str]:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", READER, device.register, device.path, str(NOBODY), str(GROUP)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()


def test_another_user_reads_while_nobody_has_the_database_open(two_users):
    two_users.add()
    two_users.add()
    assert read_as_another(two_users) == ["2", "attempt to write a readonly database"]


def test_another_user_reads_what_was_committed_last_while_it_is_open(two_users):
    two_users.add()
    db = open_register(two_users.register)
    with closing(db.conn):
        for number in range(3):
            with transaction(db):
                words = {"destination": "mail", "kind": outbox.WEEK, "ref": f"w{number}"}
                outbox.put(db, **words, not_before=NOW, at=NOW)
            assert read_as_another(two_users)[0] == str(number + 2)


def test_another_user_reads_after_the_one_who_writes_was_killed(two_users):
    two_users.add()
    code = f"""
import os, signal
from pathlib import Path
from edge_daemon.store.database import open_register, transaction
from tests.store.test_delivery_file import *
db = open_register(Path({str(two_users.register)!r}))
with transaction(db):
    outbox.put(db, destination="mail", kind="week", ref="w", not_before=NOW, at=NOW)
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False, timeout=60)
    assert read_as_another(two_users)[0] == "2"


def test_only_the_register_database_is_readable_by_the_group(two_users):
    two_users.add()
    modes = {path.name: path.stat().st_mode & 0o777 for path in two_users.register.parent.iterdir()}
    assert modes == {"register.sqlite": 0o640, "register.sqlite-wal": 0o640, "register.sqlite-shm": 0o640}


def test_with_one_user_nothing_is_for_the_group_and_no_log_is_left(device):
    device.register.parent.mkdir(mode=0o700)
    device.add()
    assert {path.name: path.stat().st_mode & 0o777 for path in device.register.parent.iterdir()} == {
        "register.sqlite": 0o600
    }
