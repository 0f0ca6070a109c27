"""The timetable is read again before mail is sent: for a lesson that it calls off, the office is asked first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.registers.correct_register import confirm_register
from edge_daemon.app.service.called_off_registers import question_called_off
from edge_daemon.attendance.document import from_json
from edge_daemon.device.secrets import device_key
from edge_daemon.device.signing import Signer
from edge_daemon.home import Home
from edge_daemon.store import outbox, registers
from edge_daemon.store.database import open_register, transaction
from edge_daemon.types import Confirmation, Register
from tests.registers import a_lesson, a_register, keep

LESSON = a_lesson()
NOW = LESSON.end + timedelta(hours=1)
OFF = SimpleNamespace(cancelled=lambda start, end: {LESSON.lesson_id: "is cancelled"})
HELD = SimpleNamespace(cancelled=lambda start, end: {})
CONFIG = """[device]
name = "room 204"
time_zone = "Europe/Berlin"
[mail]
host = "mail.example"
from = "room@school.example"
office = ["office@school.example"]
guardians = true
"""


@pytest.fixture
def home(tmp_path) -> Home:
    (tmp_path / "config.toml").write_text(CONFIG)
    return Home(tmp_path)


@pytest.fixture
def db(home):
    """A register of a lesson with one absent student, whose guardian gets a notice after the hold."""
    opened = open_register(home.register_db_path)
    register, sightings = a_register(LESSON, {"a": 1.0, "b": 0.0})
    signer = Signer(device_key(home.key_path))
    keep(opened, replace(register, register_flags=()), sightings, signer, also=outbox_writer(home.config))
    yield opened
    opened.conn.close()


def notices(db) -> list[tuple[str, str]]:
    return [(one.ref, one.state) for one in outbox.listed(db, outbox.STATES) if one.kind == outbox.GUARDIAN]


def latest(db) -> Register:
    return from_json(registers.latest(db, LESSON.lesson_id).document).register


def test_a_lesson_that_is_still_held_is_left_alone(home, db):
    assert question_called_off(home, db, HELD, NOW) == 0
    assert notices(db) == [(LESSON.lesson_id, "waiting")]


def test_a_lesson_that_is_called_off_within_the_hold_sends_no_notices_and_asks_the_office_once(home, db):
    assert question_called_off(home, db, OFF, NOW) == 1
    assert question_called_off(home, db, OFF, NOW) == 0
    register = latest(db)
    assert (register.revision, register.register_flags) == (2, ("not_in_timetable",))
    assert [v.verdict for v in register.verdicts] == ["present", "inconclusive"]
    assert notices(db) == [(LESSON.lesson_id, "void")]
    assert [one.ref for one in outbox.listed(db) if one.kind == outbox.OFFICE][-1] == f"{LESSON.lesson_id}/2"


@pytest.mark.parametrize(("held", "waiting"), [(True, 1), (False, 0)])
def test_the_office_has_the_last_word(home, db, held, waiting):
    question_called_off(home, db, OFF, NOW)
    signer = Signer(device_key(home.key_path))
    with transaction(db):
        confirmation = Confirmation(held, "Office", NOW)
        confirm_register(db, LESSON.lesson_id, confirmation, signer, outbox_writer(home.config), NOW)
    assert [state for _, state in notices(db)].count("waiting") == waiting
    assert [v.verdict for v in latest(db).verdicts][1] == ("absent" if held else "inconclusive")
    question_called_off(home, db, OFF, NOW)
    assert latest(db).revision == 3, "it is not asked again"
