"""From a register to mail for office, students and guardians, by a real server: each gets the right message, once."""

from __future__ import annotations

import io
import json
import random
import shutil
from datetime import timedelta
from pathlib import Path

import jsonschema
import openpyxl
import pytest

from edge_daemon.app.notices import outbox_rows
from edge_daemon.app.notices.composer import Composer
from edge_daemon.app.notices.mail_delivery import deliver_mail, open_sender
from edge_daemon.app.notices.sealed_contacts import publish_contacts
from edge_daemon.delivery.mail_upstream import UpstreamMail
from edge_daemon.errors import DeliveryError
from edge_daemon.home import Home
from edge_daemon.store import outbox
from edge_daemon.store.database import open_register
from edge_daemon.types import Delivery, Outcome
from tests import mail_school
from tests.cli.running import run
from tests.mail_school import FRIDAY, NAMES, SCRIPT
from tests.mail_server import PASSWORD, USER, Server

HELD = FRIDAY + timedelta(minutes=45, hours=4)
"""After the lesson and after the teacher's time to correct."""


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("ca")


@pytest.fixture
def server(certificates):
    with Server(certificates) as running:
        yield running


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory):
    """A home to copy, because an import takes a second."""
    return mail_school.make(tmp_path_factory.mktemp("school") / "home").state_dir


def copied(enrolled, folder, settings):
    shutil.copytree(enrolled, folder)
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    return Home(folder)


@pytest.fixture
def home(tmp_path, enrolled, server, certificates):
    settings = mail_school.SETTINGS.replace('"mail.school.example"', f'"127.0.0.1"\nport = {server.port}')
    settings += (
        f'ca_file = "{certificates}/ca.pem"\nusername = "{USER}"\npassword_file = "password"\nper_minute = 600\n'
    )
    home = copied(enrolled, tmp_path / "home", settings)
    (home.state_dir / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    return home


def drain(home, at, sender=None, rounds=1):
    """Deliver what is due, like sync; return (kind, ref's end, student, outcome's name) of each attempt."""
    db = open_register(home.register_db_path)
    own = sender is None
    sender = sender or open_sender(home)
    tried = []
    for number in range(rounds):
        while (item := outbox.claim(db, "mail", at + timedelta(hours=2 * number), "test")) is not None:
            outcome = deliver_mail(home, db, item, sender, at)
            outbox.settle(db, item, outcome, at, random.Random(1))
            tried.append((item.kind, item.ref.partition("/")[2], item.student_id, outcome.name))
    if own:
        sender.close()
    db.conn.close()
    return tried


def messages_to(server, address):
    return [taken.message for taken in server.taken if taken.receiver == address]


def items(home):
    db = open_register(home.register_db_path)
    found = [item for item in outbox.listed(db, outbox.STATES) if item.destination == "mail"]
    db.conn.close()
    return {(item.kind, item.ref, item.student_id): item for item in found}


# --- the office


def test_the_office_gets_mail_at_once_at_each_of_its_addresses_and_nobody_else_does(home, server):
    mail_school.hold(home)
    assert drain(home, FRIDAY + timedelta(minutes=46)) == [
        ("office", "1", "", "delivered"),
        ("office", "1#2", "", "delivered"),
        ("office", "1#3", "", "delivered"),
    ]
    assert [taken.receiver for taken in server.taken] == [
        "office@school.example",
        "deputy@school.example",
        "archive@school.example",
    ]
    assert drain(home, FRIDAY + timedelta(minutes=50)) == []


def test_the_offices_message_has_figures_names_doubts_and_the_sheet(home, server):
    mail_school.hold(home)
    drain(home, FRIDAY + timedelta(minutes=46))
    mime = messages_to(server, "office@school.example")[0]
    assert mime["Subject"] == "2026-11-20 Fri 10:15 7b: 1 absent, 2 to confirm, 1 not assessed (room 204)"
    text = mime.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "ABSENT\n- Ada Adler (S01)\n" in text
    assert "PLEASE LOOK: THE DEVICE HAS DOUBTS\n- Björn" in text
    assert "NOT ASSESSED: PLEASE FILL IN\n- Hanna Huber (S08)\n" in text
    assert "Missed:        2 × no picture in time" in text
    assert "Needed:        40 % of the pictures (40 of 98)" in text
    rule = " ".join(text.partition("Rule:")[2].partition("Missed:")[0].split())
    assert rule == (
        "head turned 50° from the front at most, 50 % of the planned pictures at least; program 0.1.0, networks"
        " embedder-int8"
    )
    assert mime["Content-Language"] == "en"
    assert [part["Content-Language"] for part in mime.walk() if part.get_content_maintype() == "text"] == ["en", "en"]
    (sheet,) = mime.iter_attachments()
    assert sheet.get_filename() == "2026-11-20 10.15 7b room 204.xlsx"
    page = openpyxl.load_workbook(io.BytesIO(sheet.get_content())).worksheets[0]
    cells = {row[0].value: [cell.value for cell in row[1:3]] for row in page.iter_rows() if row[0].value}
    assert cells["Ada Adler"] == ["S01", "A"]
    assert cells["Hanna Huber"] == ["S08", "–"]


def test_one_refused_address_of_the_office_is_parked_and_the_others_get_the_mail(home, server):
    server.mood.receiver["deputy@school.example"] = "550 5.1.1 no such user"
    mail_school.hold(home)
    assert [name for _, _, _, name in drain(home, FRIDAY + timedelta(minutes=46))] == [
        "delivered",
        "parked",
        "delivered",
    ]
    states = {
        ref.partition("/")[2]: item.state for (_, ref, _), item in items(home).items() if "#" in ref or item.answer
    }
    assert states["1"] == "delivered"
    assert states["1#2"] == "parked"
    assert states["1#3"] == "delivered"


def test_after_a_cut_between_two_addresses_only_the_unrecorded_one_gets_its_message_again(home, server):
    mail_school.hold(home)
    db, sender = open_register(home.register_db_path), open_sender(home)
    at = FRIDAY + timedelta(minutes=46)
    item = outbox.claim(db, "mail", at, "killed")
    assert deliver_mail(home, db, item, sender, at).name == "delivered"  # and killed before this was written down
    db.conn.close()
    drain(home, at + timedelta(minutes=10))
    assert sorted(taken.receiver for taken in server.taken) == [
        "archive@school.example",
        "deputy@school.example",
        "office@school.example",
        "office@school.example",
    ]
    repeated = messages_to(server, "office@school.example")
    assert repeated[0]["Message-ID"] == repeated[1]["Message-ID"]
    assert len({taken.message["Message-ID"] for taken in server.taken}) == 3


def test_a_correction_is_sent_in_place_of_what_it_corrects_or_after_it(home, server):
    lesson = mail_school.hold(home)
    drain(home, FRIDAY + timedelta(minutes=46))
    mail_school.decide(home, lesson, "S02", "present", FRIDAY + timedelta(hours=1))
    drain(home, FRIDAY + timedelta(hours=1))
    first, second = messages_to(server, "office@school.example")
    assert second["Subject"] == "2026-11-20 Fri 10:15 7b: corrected, 1 absent, 1 to confirm, 1 not assessed (room 204)"
    assert second["In-Reply-To"] == first["Message-ID"]
    assert "Ms Meyer, Fri 20 Nov 2026 11:15: was at the doctor's" in second.get_body(("plain",)).get_content()
    later = mail_school.hold(home, FRIDAY + timedelta(hours=2))
    mail_school.decide(home, later, "S02", "present", FRIDAY + timedelta(hours=3))
    tried = drain(home, FRIDAY + timedelta(hours=3))
    assert ("office", "1", "", "void") in tried
    assert ("office", "2", "", "delivered") in tried


# --- students and guardians


def test_students_and_guardians_get_notices_after_the_hold_and_of_absences_without_a_doubt_only(home, server):
    mail_school.hold(home)
    drain(home, HELD - timedelta(minutes=1))
    assert {taken.receiver for taken in server.taken} == {
        f"{n}@school.example" for n in ("office", "deputy", "archive")
    }
    server.taken.clear()
    drain(home, HELD + timedelta(minutes=1))
    assert {taken.receiver for taken in server.taken} == {"ada@school.example", "adler@home.example"}
    assert items(home)[("student", next(iter(items(home)))[1].partition("/")[0], "S03")].state == "held"


def test_a_notice_names_no_other_student(home, server):
    mail_school.hold(home)
    drain(home, HELD + timedelta(minutes=1))
    for address in ("ada@school.example", "adler@home.example"):
        (mime,) = messages_to(server, address)
        everything = mime.as_string() + "".join(
            part.get_content() for part in mime.walk() if part.get_content_maintype() == "text"
        )
        for student_id, name, email, guardian in NAMES[1:]:
            assert student_id not in everything
            assert name.split()[0] not in everything
            assert email.partition("@")[0] + "@" not in everything or not email
            assert guardian.partition("@")[0] + "@" not in everything or not guardian
        assert list(mime.iter_attachments()) == []
    guardian = messages_to(server, "adler@home.example")[0]
    assert guardian["Subject"] == "2026-11-20: an absence from school"


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("de", "ltr"), ("ar", "rtl")])
def test_a_guardians_mail_says_its_language(home, server, language, direction):
    settings = home.config_path.read_text(encoding="utf-8")
    if language == "ar":  # a school's own texts
        (home.state_dir / "texts").mkdir()
        (home.state_dir / "texts" / "words.txt").write_text("language = ar\n", encoding="utf-8")
        settings += 'templates = "texts"\n'
    else:
        settings += f'language = "{language}"\n'
    home.config_path.write_text(settings, encoding="utf-8")
    mail_school.hold(Home(home.state_dir))
    drain(Home(home.state_dir), HELD + timedelta(minutes=1))
    mime = messages_to(server, "adler@home.example")[0]
    assert mime.get_content_type() == "multipart/alternative"
    assert [part["Content-Language"] for part in mime.walk()] == [language] * 3
    html = mime.get_body(("html",)).get_content()
    assert f'<html lang="{language}" dir="{direction}">' in html
    assert f'<div lang="{language}" dir="{direction}">' in html


def test_an_absence_in_doubt_is_sent_when_a_person_has_confirmed_it_and_the_name_is_escaped(home, server):
    lesson = mail_school.hold(home)
    drain(home, HELD + timedelta(minutes=1))
    assert messages_to(server, "script@school.example") == []
    mail_school.decide(home, lesson, "S03", "absent", HELD + timedelta(hours=1))
    drain(home, HELD + timedelta(hours=9))
    (mime,) = messages_to(server, "script@school.example")
    html = mime.get_body(("html",)).get_content()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert SCRIPT in mime.get_body(("plain",)).get_content()
    assert "a person at the school" in html


def test_a_teachers_correction_within_the_hold_keeps_the_mail_from_being_sent(home, server):
    lesson = mail_school.hold(home)
    mail_school.decide(home, lesson, "S01", "present", FRIDAY + timedelta(hours=2))
    drain(home, HELD + timedelta(hours=5))
    assert messages_to(server, "ada@school.example") == []
    assert messages_to(server, "adler@home.example") == []


def test_an_absence_that_was_sent_and_taken_back_is_corrected_in_the_same_thread(home, server):
    lesson = mail_school.hold(home)
    drain(home, HELD + timedelta(minutes=1))
    mail_school.decide(home, lesson, "S01", "present", HELD + timedelta(hours=1))
    drain(home, HELD + timedelta(hours=2))
    notice, correction = messages_to(server, "adler@home.example")
    assert correction["Subject"] == "2026-11-20: corrected, no absence from school"
    assert correction["In-Reply-To"] == notice["Message-ID"]
    assert len(messages_to(server, "ada@school.example")) == 2


def test_a_student_who_was_removed_or_has_no_address_gets_no_mail(home, server):
    mail_school.hold(home, shares={**mail_school.SHARES, "S04": 0.0, "S05": 0.0})
    assert run(home.state_dir, "enrol", "remove", "S01", "--yes").exit_code == 0
    drain(home, HELD + timedelta(minutes=1))
    receivers = {taken.receiver for taken in server.taken} - {
        f"{n}@school.example" for n in ("office", "deputy", "archive")
    }
    assert receivers == {"dora@school.example", "etienne@home.example"}
    answers = {(kind, student): item.answer for (kind, _, student), item in items(home).items()}
    assert answers[("guardian", "S04")] == "the roster has no mail address of the guardian"
    assert answers[("student", "S01")] == "the student was removed"


def test_an_address_with_a_line_break_is_parked_and_holds_up_no_other(home, server, monkeypatch):
    mail_school.hold(home)
    from edge_daemon.app.notices import composer

    read = composer.read_contacts

    def spoiled(a_home, db):
        from dataclasses import replace

        found = read(a_home, db)
        return {**found, "S01": replace(found["S01"], email="ada@school.example\r\nBcc: all@school.example")}

    monkeypatch.setattr(composer, "read_contacts", spoiled)
    tried = drain(home, HELD + timedelta(minutes=1))
    assert ("student", "", "S01", "parked") in tried
    assert ("guardian", "", "S01", "delivered") in tried
    assert not any("Bcc" in mime for mime in (taken.message for taken in server.taken))


# --- weeks and months


def week(home, at):
    db = open_register(home.register_db_path)
    outbox_rows.enqueue_periods(db, home.config, at)
    db.conn.close()


def test_the_week_goes_to_the_office_as_a_sheet_and_to_each_student_as_their_own(home, server):
    mail_school.hold_week(home)
    monday = FRIDAY + timedelta(days=3)
    drain(home, FRIDAY + timedelta(hours=3))
    drain(home, monday)
    server.taken.clear()
    week(home, monday)
    tried = drain(home, monday)
    assert [t for t in tried if t[0] == "week"] == [("week", "", "", "delivered")] * 3
    (mime,) = messages_to(server, "office@school.example")
    assert mime["Subject"] == "2026-W47 attendance, Mon 16 Nov 2026 – Fri 20 Nov 2026 (room 204)"
    (sheet,) = mime.iter_attachments()
    assert openpyxl.load_workbook(io.BytesIO(sheet.get_content())).sheetnames == ["2026-W47", "Distance"]
    (own,) = messages_to(server, "dora@school.example")
    assert own["Subject"] == "2026-W47: your attendance, Mon 16 Nov 2026 – Fri 20 Nov 2026"
    assert "Ada" not in own.as_string()
    unconfirmed = messages_to(server, "bjorn@school.example")[0].get_body(("plain",)).get_content()
    assert "To confirm" in unconfirmed
    assert ("student-week", "", "S05", "void") in tried  # no address of their own
    week(home, monday)
    assert drain(home, monday) == []


def test_the_month_goes_to_the_office(home, server):
    mail_school.hold_week(home)
    december = FRIDAY + timedelta(days=13)
    drain(home, december)
    server.taken.clear()
    week(home, december)
    drain(home, december)
    subjects = [mime["Subject"] for mime in messages_to(server, "office@school.example")]
    assert subjects[-1].startswith("2026-11 attendance, Sun 1 Nov 2026 – Mon 30 Nov 2026")


# --- what is wrong with the device


def test_without_the_contact_key_the_office_gets_bare_ids_and_the_other_mail_waits(home, server):
    mail_school.hold(home)
    home.contact_key_path.unlink()
    tried = drain(home, HELD + timedelta(minutes=1))
    assert ("office", "1", "", "delivered") in tried
    assert ("student", "", "S01", "retry") in tried
    text = messages_to(server, "office@school.example")[0].get_body(("plain",)).get_content()
    assert "- S01" in text
    assert "Ada" not in text


def test_a_message_keeps_its_id_though_the_device_gets_another_name(home):
    mail_school.hold(home)
    db = open_register(home.register_db_path)
    about = [item for item in outbox.listed(db) if item.destination == "mail"]
    deliveries = [
        Delivery(one.item_id, "mail", one.kind, one.ref, one.student_id, one.lesson_id, 0, one.created_at)
        for one in about
    ]
    before = [Composer(home, db).compose(one, HELD, checked=False) for one in deliveries]
    home.config_path.write_text(home.config_path.read_text("utf-8").replace("room 204", "room 205"), "utf-8")
    renamed = Home(home.state_dir)
    after = [Composer(renamed, db).compose(one, HELD, checked=False) for one in deliveries]
    db.conn.close()
    assert renamed.config.device.name == "room 205"
    assert [one.message_id for one in before] == [one.message_id for one in after]


def test_after_a_restore_without_contacts_notices_wait_for_the_contacts(home, server):
    mail_school.hold(home)
    db = open_register(home.register_db_path)
    db.execute("DELETE FROM contacts")
    db.conn.commit()
    db.conn.close()
    assert ("student", "", "S01", "retry") in drain(home, HELD + timedelta(minutes=1))
    publish_contacts(home)
    assert ("student", "", "S01", "delivered") in drain(home, HELD + timedelta(hours=2))
    assert len(messages_to(server, "ada@school.example")) == 1


def test_a_mistake_in_a_template_is_reported_once_before_anything_is_sent(home, server):
    mail_school.hold(home)
    sender = open_sender(home)
    folder = home.state_dir / "words"
    folder.mkdir()
    (folder / "office.txt").write_text("Subject: {corse}\n\nHello\n", encoding="utf-8")
    with (home.state_dir / "config.toml").open("a", encoding="utf-8") as file:
        file.write('templates = "words"\n')
    home = Home(home.state_dir)
    with pytest.raises(DeliveryError, match=r"office.txt: line 1: \{corse\} is not known here"):
        open_sender(home)
    db = open_register(home.register_db_path)
    outcome = deliver_mail(home, db, outbox.claim(db, "mail", HELD, "test"), sender, HELD)
    assert (outcome.name, outcome.receiver_down) == ("retry", True)
    assert "{corse}" in outcome.answer
    assert server.taken == []


def test_a_missing_password_is_reported_before_anything_is_sent(home):
    (home.state_dir / "password").unlink()
    with pytest.raises(DeliveryError, match=r"mail.password_file: there is no such credential"):
        open_sender(home)


# --- the school's server sends


class _Upstream:
    def __init__(self) -> None:
        self.documents = {}

    def put(self, path, body, *, write_once):
        self.documents[path] = json.loads(body)
        return Outcome("delivered", "stored")

    def close(self):
        pass


def test_addresses_of_the_time_before_the_schools_server_sent_make_no_copies(home, server):
    mail_school.hold(home)
    server.mood.receiver.update({f"{name}@school.example": "451 4.2.1 later" for name in ("deputy", "archive")})
    drain(home, HELD + timedelta(minutes=1))
    upstream = _Upstream()
    tried = drain(home, HELD + timedelta(hours=2), UpstreamMail(upstream, "room 204"))
    assert {name for kind, _, _, name in tried if kind == "office"} == {"void"}
    assert "office" not in {document["to"] for document in upstream.documents.values()}


def test_a_schools_server_that_sends_the_mail_gets_the_text_and_no_address(tmp_path, enrolled):
    settings = mail_school.SETTINGS.replace('host = "mail.school.example"', 'via = "upstream"')
    settings = settings.replace(settings[settings.index("office =") : settings.index("students")], "")
    home = copied(enrolled, tmp_path / "home", settings + '\n[upstream]\nurl = "https://office.school.example"\n')
    mail_school.hold(home)
    upstream = _Upstream()
    tried = drain(home, HELD + timedelta(minutes=1), UpstreamMail(upstream, "room 204"))
    assert [(kind, name) for kind, _, _, name in tried if name == "delivered"] == [
        ("office", "delivered"),
        ("student", "delivered"),
        ("guardian", "delivered"),
    ]
    assert all(path.startswith("v1/devices/room 204/mail/") for path in upstream.documents)
    by_receiver = {document["to"]: document for document in upstream.documents.values()}
    assert by_receiver["student"]["student_id"] == "S01"
    assert by_receiver["guardian"]["subject"] == "2026-11-20: an absence from school"
    assert by_receiver["office"]["student_id"] is None
    assert by_receiver["office"]["registers"][0]["revision"] == 1
    everything = json.dumps(upstream.documents)
    assert "@" not in everything


def test_an_item_of_a_later_release_is_not_guessed_at(home):
    mail_school.hold(home)
    db = open_register(home.register_db_path)
    item = Delivery(99, "mail", "yearbook", "x", "", "", 0, FRIDAY)
    assert deliver_mail(home, db, item, open_sender(home), FRIDAY).name == "void"


def test_the_document_is_as_its_schema_says(tmp_path, enrolled):
    schema = json.loads((Path(__file__).parents[3] / "docs" / "mail.schema.json").read_text("utf-8"))
    settings = mail_school.SETTINGS.replace('host = "mail.school.example"', 'via = "upstream"')
    home = copied(enrolled, tmp_path / "home", settings)
    lesson = mail_school.hold(home)
    mail_school.decide(home, lesson, "S02", "present", FRIDAY + timedelta(hours=1))
    upstream = _Upstream()
    drain(home, HELD + timedelta(hours=1), UpstreamMail(upstream, "room 204"))
    assert {document["to"] for document in upstream.documents.values()} == {"office", "student", "guardian"}
    for path, document in upstream.documents.items():
        jsonschema.validate(document, schema)
        assert path.endswith(f"/{document['message_id']}.json")


def test_without_an_office_address_students_still_get_their_week(tmp_path, home, server):
    mail_school.hold_week(home)
    text = (home.state_dir / "config.toml").read_text(encoding="utf-8")
    (home.state_dir / "config.toml").write_text(text.replace("office = [", "# office = ["), encoding="utf-8")
    alone = Home(home.state_dir)
    monday = FRIDAY + timedelta(days=3)
    drain(alone, monday)
    server.taken.clear()
    week(alone, monday)
    tried = drain(alone, monday)
    assert ("week", "", "", "void") in tried
    assert messages_to(server, "dora@school.example")
    assert messages_to(server, "office@school.example") == []
