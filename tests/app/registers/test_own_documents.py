"""An attacker who writes to register.sqlite without the key gets nothing signed: no verdict and no other chain."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from edge_daemon.app.health.delivery_overview import look_at_delivery
from edge_daemon.app.inbox.corrections import apply_corrections
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.app.registers.correct_register import confirm_by_hand, correct_by_hand
from edge_daemon.app.registers.own_documents import TamperedError, watch
from edge_daemon.app.sync.heartbeat import heartbeat
from edge_daemon.attendance.proof import digest
from edge_daemon.delivery.office_documents import OfficeCorrection
from edge_daemon.device.signing import Signer, canonical, signed
from edge_daemon.home import Home
from edge_daemon.store.alarms import LEDGER, alarms
from edge_daemon.store.database import open_register
from edge_daemon.types import Confirmation, Correction
from tests.cli.running import run
from tests.registers import START, a_home, a_lesson, a_register

NOW = START + timedelta(days=1)
LESSONS = [a_lesson(START + timedelta(hours=number)) for number in range(3)]
WANTED = Correction("S1", "present", "Ms Weber", "was at the nurse's", NOW)


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(a_home(tmp_path, [a_register(lesson, {"S1": 0.1, "S2": 0.9}) for lesson in LESSONS]))


def changed(path: Path, lesson_id: str, change, *, sha256: bool = True) -> None:
    """Write to the table like an attacker without the key."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER registers_never_change")
        (text,) = db.execute("SELECT document FROM registers WHERE lesson_id = ?", (lesson_id,)).fetchone()
        text = change(json.loads(text))
        db.execute("UPDATE registers SET document = ? WHERE lesson_id = ?", (text, lesson_id))
        if sha256:
            db.execute("UPDATE registers SET sha256 = ? WHERE lesson_id = ?", (digest(text), lesson_id))


def other_verdict(fields: dict) -> str:
    fields["students"][1]["verdict"] = "absent"
    return canonical(fields)


def unsigned(fields: dict) -> str:
    fields["students"][1]["verdict"] = "absent"
    return canonical({**fields, "public_key": None, "signature": None})


def signed_by_another(fields: dict) -> str:
    fields["students"][1]["verdict"] = "absent"
    return signed(fields, Signer(b"x" * 32))


def revisions(home: Home) -> int:
    with closing(sqlite3.connect(home.register_db_path)) as db:
        return db.execute("SELECT count(*) FROM registers").fetchone()[0]


@pytest.mark.parametrize("change", [other_verdict, unsigned, signed_by_another])
def test_a_changed_register_is_not_extended_and_an_alarm_is_raised(home, change):
    lesson_id = LESSONS[1].lesson_id
    changed(home.register_db_path, lesson_id, change)
    with pytest.raises(TamperedError) as error:
        correct_by_hand(home, lesson_id, WANTED)
    assert "\n" not in error.value.line()
    assert revisions(home) == 3
    found = look_at_delivery(home, NOW)
    assert found is not None
    assert any(line.startswith("ALARM") and lesson_id in line for line in found.problems())
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert lesson_id in heartbeat(home, db, NOW)["alarms"][LEDGER]["what"]
    lines = run(home.state_dir, "doctor").stdout.splitlines()
    assert any("registers" in line and "bad" in line for line in lines)


def test_the_offices_correction_of_it_is_left_out_and_the_others_are_made(home):
    changed(home.register_db_path, LESSONS[1].lesson_id, other_verdict)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        wanted = [OfficeCorrection(f"c{n}", LESSONS[n].lesson_id, WANTED) for n in (0, 1)]
        result = apply_corrections(db, wanted, open_signer(home), lambda *_: None, NOW)
        assert (result.revisions, result.left_out) == (1, ("c1",))
        assert [one.name for one in alarms(db)] == [LEDGER]


def test_a_register_whose_predecessor_was_taken_out_is_not_extended(home):
    with closing(sqlite3.connect(home.register_db_path)) as db, db:
        db.execute("DROP TRIGGER registers_never_go")
        db.execute("DELETE FROM registers WHERE lesson_id = ?", (LESSONS[0].lesson_id,))
    with pytest.raises(TamperedError, match="does not name the register that is before it now"):
        correct_by_hand(home, LESSONS[1].lesson_id, WANTED)


BY_HAND = (
    lambda home, lesson_id: correct_by_hand(home, lesson_id, WANTED),
    lambda home, lesson_id: confirm_by_hand(home, lesson_id, Confirmation(True, "office", NOW)),
)


@pytest.mark.parametrize("revise", BY_HAND)
def test_a_revision_is_written_with_its_outbox_item_or_not_at_all(home, revise):
    db = open_register(home.register_db_path)
    with closing(db.conn):
        db.execute("CREATE TRIGGER fails BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError):
        revise(home, LESSONS[1].lesson_id)
    assert revisions(home) == 3


@pytest.mark.parametrize("revise", BY_HAND)
def test_a_changed_register_raises_the_alarm_in_commands_by_hand_too(home, revise):
    lesson_id = LESSONS[1].lesson_id
    changed(home.register_db_path, lesson_id, other_verdict)
    with pytest.raises(TamperedError):
        revise(home, lesson_id)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert [(one.name, lesson_id in one.what, one.at) for one in alarms(db)] == [(LEDGER, True, NOW)]


def test_unchanged_registers_are_extended_twice_and_raise_no_alarm(home):
    correct_by_hand(home, LESSONS[1].lesson_id, WANTED)
    correct_by_hand(home, LESSONS[1].lesson_id, Correction("S1", "absent", "Ms Weber", "was not", NOW))
    assert revisions(home) == 5
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert watch(db, open_signer(home), NOW) == ""
        assert alarms(db) == []


def test_the_alarm_ends_when_all_is_in_order_again(home):
    before = home.register_db_path.read_bytes()
    changed(home.register_db_path, LESSONS[2].lesson_id, other_verdict)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert LESSONS[2].lesson_id in watch(db, open_signer(home), NOW)
        assert watch(db, open_signer(home), NOW + timedelta(days=1))
        (alarm,) = alarms(db)
        assert alarm.at == NOW, "when it was noticed first"
    for ending in ("-wal", "-shm"):
        Path(f"{home.register_db_path}{ending}").unlink(missing_ok=True)
    home.register_db_path.write_bytes(before)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert watch(db, open_signer(home), NOW) == ""
