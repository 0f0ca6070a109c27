"""What no message brings to a family: rehearsals, and unusual lessons without confirmation."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge_daemon.app.notices.absences import forbidden
from edge_daemon.app.notices.composer import Composer
from edge_daemon.app.notices.mail_delivery import deliver_mail
from edge_daemon.app.notices.outbox_rows import enqueue_periods, outbox_writer
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.app.registers.correct_register import confirm_register, correct_register
from edge_daemon.delivery.message import Message
from edge_daemon.home import Home
from edge_daemon.store import outbox
from edge_daemon.store.database import open_register, transaction
from edge_daemon.types import Confirmation, Correction, Delivery, Lesson, Outcome, Register
from tests import mail_school
from tests.mail_school import FRIDAY
from tests.registers import a_lesson, a_register, keep

SETTINGS = mail_school.SETTINGS + "guardian_sheets = true\n"
MONDAY = FRIDAY + timedelta(days=3)
DECEMBER = FRIDAY + timedelta(days=13)
FAMILY = {"student", "guardian"}


@pytest.fixture
def home(tmp_path) -> Home:
    return mail_school.make(tmp_path / "home", SETTINGS)


@pytest.fixture
def db(home):
    opened = open_register(home.register_db_path)
    with closing(opened.conn):
        yield opened


class Sender:
    """Accepts every message."""

    name, needs_addresses = "a test", True

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> Outcome:
        self.sent.append(message)
        return Outcome("delivered", "taken")

    def close(self) -> None:
        pass


def hold(home: Home, db, lesson: Lesson, **changes: object) -> Register:
    """Hold a lesson from which Ada (S01) was absent; `changes` replaces fields of its register."""
    register, sightings = a_register(lesson, {"S01": 0.0, "S04": 1.0, "S06": 1.0}, captures=100)
    register = replace(register, **changes)
    rehearsals = lesson.origin == "rehearsal"
    keep(db, register, sightings, open_signer(home), outbox_writer(home.config, rehearsals=rehearsals))
    return register


def drain(home: Home, db, at) -> list[Message]:
    """Send everything that is due."""
    sender = Sender()
    while (item := outbox.claim(db, "mail", at, "test")) is not None:
        outcome = deliver_mail(home, db, item, sender, at)
        outbox.settle(db, item, outcome, at, random.Random(1))
    return sender.sent


def to_families(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [(one.role, one.student_id, one.subject) for one in messages if one.role in FAMILY]


def periods(home: Home, db, at) -> list[Message]:
    enqueue_periods(db, home.config, at)
    return drain(home, db, at)


UNUSUAL = {"register_flags": ("room_empty",)}
SILENT = {
    "a rehearsal": (a_lesson(FRIDAY, "7b", "rehearsal"), {"clock": "unsynchronised"}),
    "a rehearsal of an earlier release, which had a clock": (a_lesson(FRIDAY, "7b", "rehearsal"), {}),
    "an unusual lesson that nobody confirmed": (a_lesson(FRIDAY), UNUSUAL),
    "a lesson that was not held": (
        a_lesson(FRIDAY),
        {**UNUSUAL, "confirmed": Confirmation(False, "Office", FRIDAY + timedelta(hours=1))},
    ),
    "a lesson whose time nobody knows": (a_lesson(FRIDAY), {"clock": "unsynchronised"}),
}


@pytest.mark.parametrize("what", SILENT)
def test_no_notice_and_no_record_of_it_reaches_a_family(home, db, what):
    lesson, changes = SILENT[what]
    hold(home, db, lesson, **changes)
    assert to_families(drain(home, db, FRIDAY + timedelta(hours=9))) == []
    assert to_families(periods(home, db, MONDAY)) == []
    assert to_families(periods(home, db, DECEMBER)) == []
    assert not [one for one in outbox.listed(db, outbox.STATES) if one.state == "delivered" and one.student_id]


@pytest.mark.parametrize("what", SILENT)
@pytest.mark.parametrize("kind", ["student-week", "guardian-week", "guardian-month"])
def test_the_record_of_a_week_leaves_out_lessons_that_send_no_notice(home, db, what, kind):
    lesson, changes = SILENT[what]
    hold(home, db, a_lesson(FRIDAY - timedelta(days=1)))
    hold(home, db, lesson, **changes)
    message = record(home, db, kind, "S06")
    assert message.registers == ((a_lesson(FRIDAY - timedelta(days=1)).lesson_id, 1),)
    assert "Thu 19 Nov 2026" in message.text
    assert "Fri 20 Nov 2026 10" not in message.text


def record(home: Home, db, kind: str, student_id: str) -> Message:
    about = "2026-11" if kind.endswith("month") else "2026-W47"
    message = Composer(home, db).compose(Delivery(1, "mail", kind, about, student_id, "", 0, MONDAY), MONDAY)
    assert isinstance(message, Message), message
    return message


def test_an_ordinary_lesson_reaches_them_by_every_message(home, db):
    hold(home, db, a_lesson(FRIDAY))
    assert [(role, who) for role, who, _ in to_families(drain(home, db, FRIDAY + timedelta(hours=9)))] == [
        *(("student", "S01"), ("guardian", "S01")),
    ]
    found = to_families(periods(home, db, MONDAY))
    assert {(role, who) for role, who, _ in found} == {
        *(("student", "S01"), ("student", "S04"), ("student", "S06")),
        *(("guardian", "S01"), ("guardian", "S06")),  # the roster has no guardian's address for S04
    }
    assert {subject for role, _, subject in found if role == "guardian"} == {
        "2026-W47: attendance at school, Mon 16 Nov 2026 – Fri 20 Nov 2026"
    }
    months = [(role, who, subject) for role, who, subject in to_families(periods(home, db, DECEMBER))]
    assert months == [
        ("guardian", who, "2026-11: attendance at school, Sun 1 Nov 2026 – Mon 30 Nov 2026") for who in ("S01", "S06")
    ]


def test_a_guardian_sees_the_record_of_their_child_and_how_far_it_was_from_the_rule(home, db):
    hold(home, db, a_lesson(FRIDAY))
    message = record(home, db, "guardian-week", "S01")
    assert (message.role, message.address, message.attachments) == ("guardian", "adler@home.example", ())
    text = " ".join(message.text.split())
    assert "Dear parent or guardian of Ada Adler," in text
    assert "- Fri 20 Nov 2026 10:15 (7b): absent facing the class in 0 of 100 pictures; 40 short of the rule" in text
    assert "Dora" not in message.text
    assert "Ada" not in message.subject
    unsaid = a_lesson(FRIDAY - timedelta(days=1))
    hold(home, db, unsaid, rule=None)
    assert " ".join(record(home, db, "guardian-week", "S01").text.split()).count("short of the rule") == 1


def test_a_doubt_is_no_verdict_to_a_guardian(home, db):
    register, sightings = a_register(a_lesson(FRIDAY), {"S01": 0.38, "S04": 1.0}, captures=100)
    keep(db, register, sightings, open_signer(home), outbox_writer(home.config))
    text = record(home, db, "guardian-week", "S01").text
    assert "Absent: 0" in text
    assert "To confirm: 1" in text
    assert "pictures" not in text


def test_mail_that_was_queued_before_the_setting_was_turned_off_is_not_sent(tmp_path):
    home = mail_school.make(tmp_path / "home", SETTINGS)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        hold(home, db, a_lesson(FRIDAY))
        enqueue_periods(db, home.config, MONDAY)
        item = next(one for one in outbox.listed(db) if one.kind == "week")
        Composer(home, db).spread(Delivery(item.item_id, "mail", "week", item.ref, "", "", 0, MONDAY), MONDAY)
        kinds = {one.kind for one in outbox.listed(db)}
        assert {"student-week", "guardian-week"} <= kinds
        home.config_path.write_text(mail_school.SETTINGS, encoding="utf-8")
        assert {role for role, _, _ in to_families(drain(Home(home.state_dir), db, MONDAY))} == {"student", "guardian"}
        guardians = [one for one in outbox.listed(db, outbox.STATES) if one.kind == "guardian-week"]
        assert {one.state for one in guardians} == {"void"}
        assert {one.answer for one in guardians} == {"the settings disable this mail"}


def test_by_default_no_guardian_gets_a_record(tmp_path):
    home = mail_school.make(tmp_path / "home")
    db = open_register(home.register_db_path)
    with closing(db.conn):
        hold(home, db, a_lesson(FRIDAY))
        drain(home, db, FRIDAY + timedelta(hours=9))
        assert {role for role, _, _ in to_families(periods(home, db, DECEMBER))} == {"student"}


def test_without_an_office_guardians_have_their_records(tmp_path):
    settings = SETTINGS.replace("students = true\nguardians = true\n", "")
    settings = settings.replace(settings[settings.index("office =") : settings.index("guardian_sheets")], "")
    home = mail_school.make(Path(tmp_path / "home"), settings)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        hold(home, db, a_lesson(FRIDAY))
        assert {(one.role, one.student_id) for one in periods(home, db, MONDAY)} == {
            *(("guardian", "S01"), ("guardian", "S06")),
        }


def test_a_lesson_confirmed_as_held_is_in_the_record(home, db):
    register = hold(home, db, a_lesson(FRIDAY), **UNUSUAL)
    hold(home, db, a_lesson(FRIDAY - timedelta(days=1)))
    assert len(record(home, db, "guardian-week", "S06").registers) == 1
    at, signer = FRIDAY + timedelta(hours=2), open_signer(home)
    confirmation = Confirmation(True, "Office", at)
    with transaction(db):
        confirm_register(db, register.lesson.lesson_id, confirmation, signer, outbox_writer(home.config), at)
    assert len(record(home, db, "guardian-week", "S06").registers) == 2


def test_a_corrected_rehearsal_goes_to_the_office_and_to_no_family(home, db):
    register = hold(home, db, a_lesson(FRIDAY, "7b", "rehearsal"), clock="unsynchronised")
    wanted = Correction("S01", "absent", "Ms Weber", "to see it", FRIDAY + timedelta(hours=1))
    with transaction(db):
        correct_register(
            db, register.lesson.lesson_id, wanted, open_signer(home), outbox_writer(home.config), wanted.at
        )
    sent = drain(home, db, FRIDAY + timedelta(hours=9))
    assert {one.role for one in sent} == {"office"}
    assert to_families(periods(home, db, DECEMBER)) == []


@pytest.mark.parametrize("kind", ["student", "guardian", "student-correction", "guardian-correction"])
def test_mail_of_a_rehearsal_that_an_earlier_release_queued_is_given_up(home, db, kind):
    lesson = hold(home, db, a_lesson(FRIDAY, "7b", "rehearsal")).lesson
    with transaction(db):
        outbox.put(
            db,
            destination="mail",
            kind=kind,
            ref=lesson.lesson_id,
            student_id="S01",
            lesson_id=lesson.lesson_id,
            not_before=FRIDAY,
            at=FRIDAY,
        )
    delivery = Delivery(1, "mail", kind, lesson.lesson_id, "S01", lesson.lesson_id, 0, FRIDAY)
    refusal = forbidden(db, delivery, home.config.mail, FRIDAY)
    assert refusal == Outcome("void", "it was a rehearsal")
    assert to_families(drain(home, db, FRIDAY + timedelta(hours=9))) == []
