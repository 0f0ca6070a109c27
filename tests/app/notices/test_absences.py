"""Notices of absences: sent after the hold, or after a doubtful absence is confirmed; and their corrections."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from edge_daemon.app.notices.absences import forbidden
from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.attendance.document import Document, from_json, to_json
from edge_daemon.attendance.register import correct
from edge_daemon.config import Config, DeviceConfig, MailConfig
from edge_daemon.store import outbox, registers
from edge_daemon.store.database import open_register, transaction
from edge_daemon.types import Outcome
from tests.registers import a_lesson, a_register, keep

LESSON = a_lesson()
HOUR = timedelta(hours=1)
HOLD = 4 * HOUR
END = LESSON.end
MAIL = MailConfig(host="mail.example", students=True)
CONFIG = Config(device=DeviceConfig(name="room 204", time_zone="UTC"), mail=MAIL)
DELIVERED = Outcome("delivered", "250 ok")


@pytest.fixture
def db(tmp_path):
    opened = open_register(tmp_path / "register.sqlite")
    yield opened
    opened.conn.close()


def finalise(db, shares, *flags, clock="synchronised", verdict=None):
    register, sightings = a_register(LESSON, shares)
    found = register.verdicts[0]
    changed = replace(found, flags=flags or found.flags, verdict=verdict or found.verdict)
    register = replace(register, clock=clock, verdicts=(changed, *register.verdicts[1:]))
    keep(db, register, sightings, also=outbox_writer(CONFIG))


def corrected(db, verdict, at, student_id="b", config=CONFIG):
    def render(last):
        new = correct(from_json(last.document).register, student_id, verdict, by="T", reason=f"{at}", at=at)
        return to_json(Document(new, last.sha256, None, None))

    with transaction(db):
        registers.add_revision(db, LESSON.lesson_id, render, at, outbox_writer(config))


def mails(db):
    return [(one.kind, one.state) for one in outbox.listed(db, outbox.STATES) if one.destination == "mail"]


def send(db, at):
    """Deliver what is due as `sync` does, which checks each item again right before it is sent."""
    sent = []
    while (delivery := outbox.claim(db, "mail", at, "a test")) is not None:
        outcome = forbidden(db, delivery, MAIL, at) or DELIVERED
        outbox.settle(db, delivery, outcome, at, random.Random(1))
        if outcome == DELIVERED:
            sent.append((delivery.kind, delivery.student_id))
    return sent


def test_a_plain_absence_is_sent_after_the_hold(db):
    finalise(db, {"b": 0.0})
    assert send(db, END + HOLD - HOUR) == []
    assert send(db, END + HOLD) == [("student", "b")]


@pytest.mark.parametrize("flag", ["borderline", "look_alike", "static_face", "few_captures", "late", "left_early"])
def test_a_flagged_absence_is_held_with_the_reason_and_not_sent(db, flag):
    finalise(db, {"b": 0.0}, flag)
    (item,) = (one for one in outbox.listed(db) if one.kind == "student")
    assert item.state == "held"
    assert flag.replace("_", " ") in item.answer
    assert "has to confirm" in item.answer
    assert [send(db, END + day * 24 * HOUR) for day in range(1, 40)] == [[]] * 39
    assert mails(db) == [("student", "void")]


def test_a_confirmed_absence_is_sent_after_another_hold(db):
    finalise(db, {"b": 0.0}, "borderline")
    confirmed = END + 20 * HOUR
    corrected(db, "absent", confirmed)
    assert send(db, confirmed + HOLD - HOUR) == []
    assert send(db, confirmed + HOLD) == [("student", "b")]


@pytest.mark.parametrize("verdict", ["inconclusive", "not_assessed"])
def test_an_undecided_verdict_is_no_absence_until_a_person_decides(db, verdict):
    finalise(db, {"b": 0.0}, verdict=verdict)
    assert mails(db) == []
    corrected(db, "absent", END + HOUR)
    assert send(db, END + HOUR + HOLD) == [("student", "b")]


def test_an_absence_that_was_taken_back_in_time_is_never_sent(db):
    finalise(db, {"b": 0.0})
    corrected(db, "present", END + HOUR)
    assert send(db, END + 30 * HOLD) == []
    assert mails(db) == [("student", "void")]


def test_an_absence_that_was_sent_and_taken_back_is_corrected_by_mail_at_once(db):
    finalise(db, {"b": 0.0, "c": 0.0})
    send(db, END + HOLD)
    corrected(db, "present", END + 5 * HOUR)
    assert send(db, END + 5 * HOUR) == [("student-correction", "b")]


def test_each_change_of_a_verdict_back_and_forth_is_sent_once(db):
    finalise(db, {"b": 0.0})
    sent = send(db, END + HOLD)
    for day, verdict in enumerate(("present", "absent", "present", "inconclusive", "absent"), 1):
        corrected(db, verdict, END + day * 24 * HOUR)
        sent += send(db, END + day * 24 * HOUR + HOLD)
        sent += send(db, END + day * 24 * HOUR + 2 * HOLD)
    notice, correction = ("student", "b"), ("student-correction", "b")
    assert sent == [notice, correction, notice, correction, notice]


def test_an_absence_that_is_taken_back_and_confirmed_again_before_its_notice_is_sent_once(db):
    finalise(db, {"b": 0.0})
    corrected(db, "present", END + HOUR)
    corrected(db, "absent", END + 2 * HOUR)
    assert send(db, END + HOLD) == []
    assert send(db, END + 2 * HOUR + HOLD) == [("student", "b")]


def test_a_correction_that_comes_while_the_notice_is_being_sent_is_followed_by_the_correction(db):
    finalise(db, {"b": 0.0})
    delivery = outbox.claim(db, "mail", END + HOLD, "a test")
    corrected(db, "present", END + HOLD)
    outbox.settle(db, delivery, DELIVERED, END + HOLD, random.Random(1))
    assert send(db, END + HOLD + HOUR) == [("student-correction", "b")]


@pytest.mark.parametrize("sent", [True, False], ids=["cut off after it", "answered with an error"])
def test_a_notice_that_may_have_arrived_is_taken_back_for_sure(db, sent):
    finalise(db, {"b": 0.0})
    delivery = outbox.claim(db, "mail", END + HOLD, "a test")
    corrected(db, "present", END + HOLD)
    if not sent:
        outbox.settle(db, delivery, Outcome("retry", "451 or so"), END + HOLD, random.Random(1))
    outbox.release(db)
    assert send(db, END + HOLD + HOUR) == [("student-correction", "b")]


@pytest.mark.parametrize(
    "outcome",
    [Outcome("retry", "no network", receiver_down=True), Outcome("held", "wait"), Outcome("void", "no address")],
)
def test_a_correction_that_comes_while_the_notice_is_surely_not_sent_leaves_nothing_to_say(db, outcome):
    finalise(db, {"b": 0.0})
    delivery = outbox.claim(db, "mail", END + HOLD, "a test")
    corrected(db, "present", END + HOLD)
    outbox.settle(db, delivery, outcome, END + HOLD, random.Random(1))
    assert send(db, END + HOLD + HOUR) == []
    assert mails(db) == [("student", "void"), ("student-correction", "void")]


def test_a_refused_notice_needs_no_correction(db):
    finalise(db, {"b": 0.0})
    delivery = outbox.claim(db, "mail", END + HOLD, "a test")
    outbox.settle(db, delivery, Outcome("parked", "550"), END + HOLD, random.Random(1))
    corrected(db, "present", END + 5 * HOUR)
    assert send(db, END + 6 * HOUR) == []
    assert mails(db) == [("student", "void")]


def test_an_absence_that_returns_while_the_first_notice_is_being_sent_is_sent_once(db):
    finalise(db, {"b": 0.0})
    delivery = outbox.claim(db, "mail", END + HOLD, "a test")
    corrected(db, "present", END + HOLD)
    corrected(db, "absent", END + HOLD + HOUR)
    outbox.settle(db, delivery, DELIVERED, END + HOLD + HOUR, random.Random(1))
    assert send(db, END + 3 * HOLD) == []


def test_an_absence_that_returns_after_its_first_notice_failed_is_sent(db):
    finalise(db, {"b": 0.0})
    delivery = outbox.claim(db, "mail", END + HOLD, "a test")
    corrected(db, "present", END + HOLD)
    corrected(db, "absent", END + HOLD + HOUR)
    outbox.settle(db, delivery, Outcome("retry", "451"), END + HOLD + HOUR, random.Random(1))
    assert send(db, END + 3 * HOLD) == [("student", "b")]


def test_a_correction_of_one_student_says_nothing_new_about_the_others(db):
    finalise(db, {"b": 0.0, "c": 1.0, "d": 0.0})
    before = mails(db)
    corrected(db, "inconclusive", END + HOUR, "c")
    assert mails(db) == before


def test_mail_that_is_set_up_later_sends_nothing_about_old_lessons(db):
    register, sightings = a_register(LESSON, {"b": 0.0, "c": 0.0})
    keep(db, register, sightings, also=outbox_writer(Config()))
    corrected(db, "present", END + HOUR, "c")
    assert mails(db) == []


def test_an_absence_from_a_lesson_of_unknown_time_is_not_sent(db):
    finalise(db, {"b": 0.0}, clock="unsynchronised")
    corrected(db, "absent", END + HOUR)
    assert mails(db) == []


def test_a_notice_follows_settings_that_change_before_it_is_sent(db):
    finalise(db, {"b": 0.0})
    delivery = outbox.claim(db, "mail", END + HOLD, "a test")
    assert forbidden(db, delivery, MAIL, END + HOLD) is None
    assert forbidden(db, delivery, replace(MAIL, students=False), END + HOLD).name == "void"
