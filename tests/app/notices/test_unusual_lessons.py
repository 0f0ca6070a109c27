"""Families get no message about an unusual lesson until the office confirms that it was held."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from edge_daemon.app.notices.absences import forbidden
from edge_daemon.app.notices.office_mail import lesson_values
from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.notices.wording import Words
from edge_daemon.app.registers.correct_register import confirm_register, correct_register
from edge_daemon.attendance.document import from_json
from edge_daemon.config import Config, DeviceConfig, MailConfig
from edge_daemon.delivery.mail_templates import Templates
from edge_daemon.store import outbox, registers
from edge_daemon.store.database import open_register, transaction
from edge_daemon.types import Confirmation, Correction, Register
from tests.registers import SIGNER, START, a_lesson, a_register, keep

LESSON = a_lesson()
MAIL = MailConfig(host="mail.example", students=True, guardians=True, office=("office@school.example",))
CONFIG = Config(device=DeviceConfig(name="room 204", time_zone="UTC"), mail=MAIL)
LATER = LESSON.end + timedelta(hours=1)


@pytest.fixture
def db(tmp_path):
    """A register of an empty room: three students, nobody seen."""
    opened = open_register(tmp_path / "register.sqlite")
    register, sightings = a_register(LESSON, {"a": 0.0, "b": 0.0, "c": 0.0})
    verdicts = tuple(replace(v, verdict="inconclusive") for v in register.verdicts)
    register = replace(register, verdicts=verdicts, register_flags=("room_empty",))
    keep(opened, register, sightings, also=outbox_writer(CONFIG))
    yield opened
    opened.conn.close()


def confirmed(db, *, held: bool) -> None:
    confirmation = Confirmation(held, "Office", LATER)
    with transaction(db):
        confirm_register(db, LESSON.lesson_id, confirmation, SIGNER, outbox_writer(CONFIG), LATER)


def corrected(db, student_id: str, verdict: str) -> None:
    wanted = Correction(student_id, verdict, "Ms Weber", "was ill", LATER)  # type: ignore[arg-type]
    with transaction(db):
        correct_register(db, LESSON.lesson_id, wanted, SIGNER, outbox_writer(CONFIG), LATER)


def to_families(db) -> list[tuple[str, str, str]]:
    return [(one.kind, one.student_id, one.state) for one in outbox.listed(db, outbox.STATES) if one.student_id]


def latest(db) -> Register:
    return from_json(registers.latest(db, LESSON.lesson_id).document).register


def counts(register: Register) -> str:
    return str(lesson_values(register, {}, Words(Templates("en", None).words, START.tzinfo), MAIL)["counts"])


def test_nothing_goes_to_families_and_the_office_is_asked(db):
    assert to_families(db) == []
    assert [one.kind for one in outbox.listed(db) if one.destination == "mail"] == ["office"]
    assert counts(latest(db)).startswith("was this lesson held?")
    facts = lesson_values(latest(db), {}, Words(Templates("en", None).words, START.tzinfo), MAIL)["facts"].text()
    assert "hardly anybody was there" in facts
    assert f"register confirm {LESSON.lesson_id[:8]} --held" in " ".join(facts.split())


def test_a_lesson_confirmed_as_held_sends_notices_to_families_after_the_hold(db):
    confirmed(db, held=True)
    assert {(kind, state) for kind, _, state in to_families(db)} == {("student", "waiting"), ("guardian", "waiting")}
    assert {student for _, student, _ in to_families(db)} == {"a", "b", "c"}
    assert counts(latest(db)) == "corrected, 3 absent"


def test_a_lesson_confirmed_as_not_held_sends_no_notices_and_the_office_gets_the_cancellation(db):
    confirmed(db, held=False)
    assert to_families(db) == []
    assert counts(latest(db)) == "corrected, not held"


def test_queued_notices_are_given_up_when_the_lesson_was_not_held(db):
    confirmed(db, held=True)
    with transaction(db):
        confirmation = Confirmation(False, "Head", LATER + timedelta(minutes=5))
        confirm_register(db, LESSON.lesson_id, confirmation, SIGNER, outbox_writer(CONFIG), LATER)
    assert {state for _, _, state in to_families(db)} == {"void"}


def test_an_absence_that_a_teacher_enters_waits_for_the_office_too(db):
    corrected(db, "b", "absent")
    assert to_families(db) == [("student", "b", "held"), ("guardian", "b", "held")]
    assert "whether the lesson was held" in next(one.answer for one in outbox.listed(db) if one.student_id == "b")
    confirmed(db, held=True)
    assert {(student, state) for _, student, state in to_families(db)} == {(s, "waiting") for s in "abc"}


def test_the_confirmation_is_checked_again_right_before_a_notice_is_sent(db):
    confirmed(db, held=True)
    claimed = None
    at = LATER + timedelta(hours=5)
    while claimed is None or not claimed.student_id:
        claimed = outbox.claim(db, "mail", at, "a test")
    assert forbidden(db, claimed, MAIL, at) is None
    with transaction(db):
        confirmation = Confirmation(False, "Head", at)
        confirm_register(db, LESSON.lesson_id, confirmation, SIGNER, outbox_writer(CONFIG), at)
    assert forbidden(db, claimed, MAIL, at).name == "void"
