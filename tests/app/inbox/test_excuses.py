"""The office's excuses: a student who is excused for a day causes no notice of an absence on it."""

from __future__ import annotations

import json
import random
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from edge_daemon.app.inbox.apply import apply_inbox
from edge_daemon.app.inbox.waiting import inbox_dir
from edge_daemon.app.notices.absences import forbidden
from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.config import Config, MailConfig
from edge_daemon.delivery.office_documents import EXCUSES
from edge_daemon.device.signing import Signer, signed
from edge_daemon.home import Home
from edge_daemon.store import outbox
from edge_daemon.store.database import open_register
from edge_daemon.store.excuses import erase_excuses, excuses_written_at, is_excused, replace_excuses
from edge_daemon.types import Outcome
from tests.cli.running import run
from tests.registers import START, a_lesson, a_register, keep
from tests.test_docs import ROOT

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
OFFICE = Signer(b"o" * 32)
MAIL = MailConfig(host="mail.example", students=True, guardians=True, hold_h=4)
ENTRY = {"student_id": "b", "first_day": "2026-11-16", "last_day": "2026-11-17"}
FIELDS = {"schema": 1, "kind": "excuses", "device": "room 204", "at": "2026-11-21T11:00:00Z", "excuses": [ENTRY]}


@pytest.fixture
def home(tmp_path) -> Home:
    (tmp_path / "config.toml").write_text('[device]\nname = "room 204"\n', "utf-8")
    open_register(tmp_path / "register.sqlite").conn.close()
    return Home(tmp_path)


def apply(home: Home, fields: dict | str) -> tuple[bool, str]:
    inbox_dir(home).mkdir(exist_ok=True)
    text = fields if isinstance(fields, str) else json.dumps(fields)
    (inbox_dir(home) / EXCUSES).write_text(text, "utf-8")
    (result,) = apply_inbox(Home(home.state_dir), NOW)
    return result.in_force, result.problem


def excused(home: Home, *days: int) -> list[bool]:
    db = open_register(home.register_db_path)
    with closing(db.conn):
        return [is_excused(db, "b", date(2026, 11, day)) for day in days]


def test_a_list_replaces_the_one_before_and_an_older_one_nothing(home):
    jsonschema.validate(FIELDS, json.loads((ROOT / "docs/excuses.schema.json").read_text("utf-8")))
    assert apply(home, FIELDS) == (True, "")
    assert excused(home, 15, 16, 17, 18) == [False, True, True, False]
    assert apply(home, {**FIELDS, "excuses": [], "at": "2026-11-21T11:30:00Z"}) == (True, "")
    assert excused(home, 16) == [False]
    in_force, problem = apply(home, FIELDS)
    assert (in_force, "older than the list" in problem) == (False, True)
    assert apply(home, {**FIELDS, "at": "2026-11-21T11:30:00Z"})[0]
    assert excused(home, 16) == [True]


@pytest.mark.parametrize(
    "change",
    [
        {"at": "2026-11-21T13:00:00Z"},
        {"at": None},
        {"device": "room 205"},
        {"schema": 2},
        {"excuses": [{**ENTRY, "last_day": "2026-11-15"}]},
        {"excuses": [{**ENTRY, "last_day": "2027-12-15"}]},
        {"excuses": [{**ENTRY, "first_day": "x"}]},
        {"excuses": [{**ENTRY, "student_id": ""}]},
        {"excuses": [ENTRY] * 5001},
    ],
)
def test_a_wrong_list_changes_nothing_and_is_reported_without_its_content(home, change):
    assert apply(home, FIELDS)[0]
    in_force, problem = apply(home, {**FIELDS, "at": "2026-11-21T11:30:00Z", **change})
    assert not in_force
    assert problem.startswith("excuses.json")
    assert excused(home, 16) == [True]


def test_with_a_pinned_key_the_list_has_to_be_signed_as_one_of_excuses(home):
    run(home.state_dir, "office-key", "pin", OFFICE.public_key)
    assert not apply(home, FIELDS)[0]
    assert not apply(home, signed({**FIELDS, "kind": "corrections"}, OFFICE))[0]
    assert apply(home, signed(FIELDS, OFFICE)) == (True, "")


@pytest.fixture
def db(tmp_path):
    found = open_register(tmp_path / "register.sqlite")
    with closing(found.conn):
        yield found


def deliveries(db, at, zone=timezone.utc):
    delivered = []
    while (delivery := outbox.claim(db, "mail", at, "a test")) is not None:
        outcome = forbidden(db, delivery, MAIL, at, zone) or Outcome("delivered", "")
        outbox.settle(db, delivery, outcome, at, random.Random(1))
        delivered += [(delivery.kind, delivery.student_id)] if outcome.name == "delivered" else []
    return delivered


def test_an_excused_student_gets_no_absence_notice_and_all_others_do(db):
    config = replace(Config(), mail=MAIL)
    register, sightings = a_register(a_lesson(), {"a": 0.9, "b": 0.0, "c": 0.0})
    keep(db, register, sightings, also=outbox_writer(config))
    replace_excuses(db, [("b", date(2026, 11, 16), date(2026, 11, 16))], NOW)
    at = a_lesson().end + timedelta(hours=4)
    assert deliveries(db, at) == [("student", "c"), ("guardian", "c")]
    answers = {one.answer for one in outbox.listed(db, outbox.STATES) if one.student_id == "b"}
    assert answers == {"the office has an excuse for this day"}


def test_an_excuse_that_comes_within_the_hold_is_in_time(db):
    config = replace(Config(), mail=MAIL)
    keep(db, *a_register(a_lesson(), {"b": 0.0}), also=outbox_writer(config))
    at = a_lesson().end + timedelta(hours=3)
    assert deliveries(db, at) == []
    replace_excuses(db, [("b", date(2026, 11, 16), date(2026, 11, 16))], NOW)
    assert deliveries(db, at + timedelta(hours=2)) == []


def test_the_day_is_that_of_the_school(db):
    late = a_lesson(START.replace(hour=23))  # in Tokyo the next day
    keep(db, *a_register(late, {"b": 0.0}), also=outbox_writer(replace(Config(), mail=MAIL)))
    replace_excuses(db, [("b", date(2026, 11, 17), date(2026, 11, 17))], NOW)
    at = late.end + timedelta(hours=4)
    (one, _) = [item for item in outbox.listed(db, outbox.STATES) if item.destination == "mail"]
    assert one.state == "waiting"
    assert deliveries(db, at, ZoneInfo("Asia/Tokyo")) == []


def test_excuses_go_with_the_student(db):
    replace_excuses(
        db, [("b", date(2026, 11, 16), date(2026, 11, 16)), ("c", date(2026, 11, 16), date(2026, 11, 16))], NOW
    )
    erase_excuses(db, "b")
    assert [is_excused(db, student_id, date(2026, 11, 16)) for student_id in "bc"] == [False, True]
    assert excuses_written_at(db) == NOW
