"""The teacher of a course gets the register after the lesson; the address disappears with the course."""

from __future__ import annotations

import io
import logging
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import openpyxl
import pytest

from edge_daemon.app.notices.composer import Composer
from edge_daemon.app.notices.lesson_teachers import KEPT_FOR, note_teachers, teachers_of
from edge_daemon.app.notices.mail_delivery import deliver_mail
from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.notices.sealed_contacts import publish_contacts, read_contacts, renew_contact_keys
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.app.upkeep import maintenance
from edge_daemon.delivery.mail_upstream import to_json
from edge_daemon.delivery.message import Message
from edge_daemon.home import Home
from edge_daemon.store import outbox
from edge_daemon.store.database import open_register
from edge_daemon.types import Delivery, Lesson, Outcome
from tests import mail_school
from tests.cli.running import run
from tests.mail_school import FRIDAY
from tests.registers import a_lesson, a_register, keep

SETTINGS = mail_school.SETTINGS + "teachers = true\n"
AT = FRIDAY + timedelta(minutes=46)
HEAD = "student_id,name,email,guardian_email,consent,courses,teacher_email\n"
ROSTER = (
    f"{HEAD}S01,Ada Adler,ada@school.example,adler@home.example,yes,7b;8a,tea@school.example;art@school.example\n"
    "S04,Dora Dahl,dora@school.example,,yes,7b,TEA@school.example\n"
    "S08,Hanna Huber,hanna@school.example,,no,7b,\n"
)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def home(tmp_path) -> Home:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "config.toml").write_text(SETTINGS, encoding="utf-8")
    home = Home(folder)
    enrol(home, ROSTER)
    return home


def enrol(home: Home, text: str) -> None:
    path = home.state_dir / "roster.csv"
    path.write_text(text, encoding="utf-8")
    result = run(home.state_dir, "enrol", "import", str(path))
    path.unlink()
    assert result.exit_code == 0, result.stderr


@pytest.fixture
def db(home):
    opened = open_register(home.register_db_path)
    with closing(opened.conn):
        yield opened


class Sender:
    """Accepts every message."""

    name = "a test"

    def __init__(self, *, needs_addresses: bool = True) -> None:
        self.sent: list[Message] = []
        self.needs_addresses = needs_addresses

    def send(self, message: Message) -> Outcome:
        self.sent.append(message)
        return Outcome("delivered", "taken")

    def close(self) -> None:
        pass


def hold(home: Home, db, lesson: Lesson = a_lesson(FRIDAY), **changes: object) -> Lesson:  # noqa: B008 - a value
    register, sightings = a_register(lesson, {"S01": 0.0, "S04": 1.0, "S08": 0.0}, captures=100, not_assessed=["S08"])
    rehearsals = lesson.origin == "rehearsal"
    keep(
        db,
        replace(register, **changes),
        sightings,
        open_signer(home),
        outbox_writer(home.config, rehearsals=rehearsals),
    )
    return lesson


def drain(home: Home, db, at=AT, sender: Sender | None = None) -> list[Message]:
    sender = sender or Sender()
    while (item := outbox.claim(db, "mail", at, "test")) is not None:
        outbox.settle(db, item, deliver_mail(home, db, item, sender, at), at, random.Random(1))
    return [one for one in sender.sent if one.role == "teacher"]


def states(db) -> list[tuple[str, str]]:
    return [(one.state, one.answer) for one in outbox.listed(db, outbox.STATES) if one.kind == "teacher"]


def teacher_addresses(home: Home, db, lesson: Lesson) -> tuple[str, ...]:
    return teachers_of(home, db, lesson, read_contacts(home, db), home.config.mail)


def everything(home: Home) -> bytes:
    return b"".join(path.read_bytes() for path in home.state_dir.rglob("*") if path.is_file())


# --- the message


def test_the_teacher_of_the_course_gets_the_register_right_after_the_lesson(home, db):
    hold(home, db)
    (message,) = drain(home, db)
    assert (message.role, message.address, message.student_id) == ("teacher", "tea@school.example", "")
    assert message.subject == "2026-11-20 Fri 10:15 7b: 1 absent, 1 not assessed (room 204)"
    text = " ".join(message.text.split())
    assert "ABSENT - Ada Adler (S01)" in text
    assert "NOT ASSESSED: PLEASE TICK, AND TELL THE OFFICE - Hanna Huber (S08) ☐ present · ☐ absent · ☐ late" in text
    assert "Needed: 40 % of the pictures (40 of 100)" in text
    assert states(db) == [("delivered", "taken")]


def test_the_sheet_has_a_list_to_print_and_tick(home, db):
    hold(home, db)
    (message,) = drain(home, db)
    book = openpyxl.load_workbook(io.BytesIO(message.attachments[0].content))
    assert book.sheetnames == ["2026-11-20 10.15", "Tick list", "Distance"]
    page = book["Tick list"]
    assert [[cell.value for cell in row] for row in page.iter_rows(min_row=4)] == [
        ["Name", "Student id", "Present", "Absent", "Late", "Note"],
        ["Hanna Huber", "S08", "☐", "☐", "☐", None],
    ]
    assert page["A1"].value == "Tick list · 7b · room 204"
    assert (page["A2"].number_format, page["B2"].number_format) == ("yyyy-mm-dd", "hh:mm")
    assert (page.page_setup.orientation, page.page_setup.paperSize, page.print_title_rows) == ("portrait", 9, "$4:$4")
    office = next(one for one in outbox.listed(db, outbox.STATES) if one.kind == "office" and "#" not in one.ref)
    composed = Composer(home, db).compose(
        Delivery(office.item_id, "mail", "office", office.ref, "", office.lesson_id, 0, AT), AT
    )
    assert "Tick list" not in openpyxl.load_workbook(io.BytesIO(composed.attachments[0].content)).sheetnames


def test_where_each_student_was_assessed_there_is_no_tick_list(home, db):
    register, sightings = a_register(a_lesson(FRIDAY), {"S01": 1.0}, captures=100)
    keep(db, register, sightings, open_signer(home), outbox_writer(home.config))
    (message,) = drain(home, db)
    assert openpyxl.load_workbook(io.BytesIO(message.attachments[0].content)).sheetnames == [
        "2026-11-20 10.15",
        "Distance",
    ]
    assert "TICK" not in message.text


def test_a_correction_follows_under_the_first_message(home, db):
    lesson = hold(home, db)
    (first,) = drain(home, db)
    mail_school.decide(home, lesson.lesson_id, "S01", "present", AT + timedelta(minutes=5))
    (second,) = drain(home, db, AT + timedelta(minutes=6))
    assert "corrected" in second.subject
    assert second.follows == first.message_id


def test_the_teacher_is_asked_to_answer_through_the_office_about_an_unusual_lesson(home, db):
    hold(home, db, register_flags=("room_empty",))
    (message,) = drain(home, db)
    text = " ".join(message.text.split())
    assert "Please answer: was the lesson held? Please tell the office" in text
    assert "edge-daemon register confirm" not in text


@pytest.mark.parametrize("what", ["rehearsal", "no time", "off", "off meanwhile"])
def test_teachers_get_no_mail_where_it_is_off_or_the_lesson_does_not_count(home, db, what):
    lesson = a_lesson(FRIDAY, "7b", "rehearsal" if what == "rehearsal" else "timetable")
    if what == "off":
        home.config_path.write_text(mail_school.SETTINGS, encoding="utf-8")
        home = Home(home.state_dir)
    hold(home, db, lesson, **({"clock": "unsynchronised"} if what in ("rehearsal", "no time") else {}))
    if what == "off meanwhile":
        home.config_path.write_text(mail_school.SETTINGS, encoding="utf-8")
        home = Home(home.state_dir)
    assert drain(home, db) == []
    assert {state for state, _ in states(db)} <= {"void"}


def test_the_outbox_names_a_course_without_a_known_teacher(home, db):
    hold(home, db, a_lesson(FRIDAY, "chess"))
    assert drain(home, db) == []
    assert states(db) == [("void", "neither the roster nor the calendar has a mail address of the teacher")]


def test_two_teachers_have_a_message_each(home, db):
    enrol(home, f'{HEAD}S01,Ada Adler,,,yes,7b,"tea@school.example, two@school.example"\n')
    hold(home, db)
    assert [one.address for one in drain(home, db)] == ["tea@school.example", "two@school.example"]
    assert [one.ref.partition("/")[2] for one in outbox.listed(db, outbox.STATES) if one.kind == "teacher"] == [
        *("1", "1#2"),
    ]


def test_a_schools_server_that_sends_the_mail_gets_the_course_and_no_address(home, db):
    hold(home, db)
    (message,) = drain(home, db, sender=Sender(needs_addresses=False))
    document = to_json(message, "room 204").decode()
    assert '"to":"teacher"' in document
    assert '"course":"7b"' in document
    assert "@" not in document


# --- who it is


def test_the_roster_goes_before_the_calendar(home, db):
    lesson = hold(home, db)
    note_teachers(home, db, lesson, ((), ("other@school.example",), ()), FRIDAY)
    assert teacher_addresses(home, db, lesson) == ("tea@school.example",)
    chess = a_lesson(FRIDAY, "chess")
    note_teachers(home, db, chess, ((), ("other@school.example",), ()), FRIDAY)
    assert teacher_addresses(home, db, chess) == ("other@school.example",)


def test_students_without_courses_name_the_teacher_of_every_lesson(home, db):
    enrol(home, f"{HEAD}S01,Ada Adler,,,yes,,all@school.example\nS04,Dora,,,yes,7b,tea@school.example\n")
    assert teacher_addresses(home, db, a_lesson(FRIDAY, "anything")) == ("all@school.example",)
    assert teacher_addresses(home, db, a_lesson(FRIDAY, "7b")) == ("tea@school.example",)
    assert teacher_addresses(home, db, a_lesson(FRIDAY, "")) == ("all@school.example",)


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        ((("chair@school.example",), ("o@school.example",), ("a@school.example",)), ("chair@school.example",)),
        (((), ("o@school.example",), ("a@school.example",)), ("o@school.example",)),
        # An office that plans the timetable is no teacher, and neither are a student and a guardian.
        (((), ("OFFICE@school.example",), ("a@school.example",)), ("a@school.example",)),
        (((), ("deputy@school.example",), ("Ada@school.example",)), ()),
        (((), (), ("adler@home.example",)), ()),
        (((), (), ()), ()),
    ],
)
def test_the_calendar_names_no_office_no_student_and_no_guardian(home, db, groups, found):
    lesson = a_lesson(FRIDAY, "chess")
    note_teachers(home, db, lesson, groups, FRIDAY)
    assert teacher_addresses(home, db, lesson) == found


# --- what is kept


def test_addresses_are_nowhere_in_the_clear_and_in_no_log(home, db, caplog):
    with caplog.at_level(logging.DEBUG):
        lesson = hold(home, db)
        note_teachers(home, db, a_lesson(FRIDAY, "chess"), ((), ("calendar@school.example",), ()), FRIDAY)
        drain(home, db)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stored_bytes = everything(home).lower()
    for word in (b"tea@school", b"art@school", b"calendar@school"):
        assert word not in stored_bytes
    assert "@school" not in caplog.text
    assert teacher_addresses(home, db, lesson)


def test_an_address_goes_with_its_course(home, db):
    lesson = a_lesson(FRIDAY, "8a")
    assert teacher_addresses(home, db, lesson) == ("art@school.example",)
    sealed = db.execute("SELECT teachers FROM contacts WHERE student_id = 'S01'").fetchone()[0]
    enrol(home, ROSTER.replace("7b;8a,tea@school.example;art@school.example", "7b,tea@school.example"))
    assert teacher_addresses(home, db, lesson) == ()
    assert sealed not in everything(home)


def test_an_address_goes_with_the_last_student_of_the_course(home, db):
    assert run(home.state_dir, "enrol", "remove", "S01", "--yes").exit_code == 0
    assert teacher_addresses(home, db, a_lesson(FRIDAY, "8a")) == ()
    assert teacher_addresses(home, db, a_lesson(FRIDAY, "7b"))


def test_a_student_who_left_the_roster_names_no_teacher(home, db):
    enrol(home, HEAD + "".join(line + "\n" for line in ROSTER.splitlines() if line.startswith(("S04", "S08"))))
    assert teacher_addresses(home, db, a_lesson(FRIDAY, "8a")) == ()


def test_the_calendars_addresses_are_erased_four_weeks_after_the_lesson(home, db):
    lesson = a_lesson(FRIDAY, "chess")
    note_teachers(home, db, lesson, ((), ("calendar@school.example",), ()), FRIDAY)
    sealed = db.execute("SELECT sealed FROM lesson_teachers").fetchone()[0]
    note_teachers(home, db, a_lesson(FRIDAY, "other"), (), lesson.end + KEPT_FOR - timedelta(seconds=1))
    assert teacher_addresses(home, db, lesson)
    note_teachers(home, db, a_lesson(FRIDAY, "other"), (), lesson.end + KEPT_FOR)
    assert teacher_addresses(home, db, lesson) == ()
    assert sealed not in everything(home)


def test_they_follow_a_new_slot_key(home, db):
    chess = a_lesson(FRIDAY, "chess")
    note_teachers(home, db, chess, ((), ("calendar@school.example",), ()), FRIDAY)
    before = db.execute("SELECT sealed FROM lesson_teachers").fetchone()[0]
    renew_contact_keys(home)
    assert db.execute("SELECT sealed FROM lesson_teachers").fetchone()[0] != before
    assert teacher_addresses(home, db, chess) == ("calendar@school.example",)
    assert teacher_addresses(home, db, a_lesson(FRIDAY, "8a")) == ("art@school.example",)


def test_with_the_contact_key_lost_they_go_and_lessons_go_on(home, db):
    chess = a_lesson(FRIDAY, "chess")
    note_teachers(home, db, chess, ((), ("calendar@school.example",), ()), FRIDAY)
    home.contact_key_path.unlink()
    renew_contact_keys(home)
    assert db.execute("SELECT count(*) FROM lesson_teachers").fetchone() == (0,)


def test_no_backup_has_them(home, db):
    note_teachers(home, db, a_lesson(FRIDAY, "chess"), ((), ("calendar@school.example",), ()), FRIDAY)
    maintenance.back_up(home, datetime.now(timezone.utc))
    copies = list(home.backup_dir.glob("register-*.sqlite"))
    assert copies
    for path in copies:
        with closing(sqlite3.connect(path)) as copy:
            assert copy.execute("SELECT count(*) FROM lesson_teachers").fetchone() == (0,)
            assert copy.execute("SELECT count(*) FROM contacts").fetchone() == (0,)


def test_a_restored_backup_waits_for_the_service_and_forgets_no_teacher(home, db):
    db.execute("DELETE FROM contacts")
    db.conn.commit()
    hold(home, db)
    assert drain(home, db) == []
    assert {state for state, _ in states(db)} == {"waiting"}
    publish_contacts(home)
    assert len(drain(home, db, AT + timedelta(hours=2))) == 1


def test_after_a_return_to_the_release_before_its_contacts_have_no_teachers_until_the_next_roster(home, db):
    """The earlier release writes contacts without the column of teachers."""
    row = db.execute("SELECT student_id, courses, sealed FROM contacts WHERE student_id = 'S01'").fetchone()
    with db.conn:
        db.execute("INSERT OR REPLACE INTO contacts (student_id, courses, sealed) VALUES (?, ?, ?)", row)
    assert read_contacts(home, db)["S01"].teachers == {}
    publish_contacts(home)
    assert read_contacts(home, db)["S01"].teachers["8a"] == ("art@school.example",)
