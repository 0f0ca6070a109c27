"""The service commits to plans before their lessons: signed, once, and queued for the office."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from edge_daemon.app.capture.plan_recorder import plan_ahead
from edge_daemon.app.capture.plan_trust import seed_of
from edge_daemon.app.service.commitment_publisher import publish_commitments
from edge_daemon.app.service.schedule import Schedule
from edge_daemon.attendance.commitment import read_commitment
from edge_daemon.device.signing import is_signed_by
from edge_daemon.errors import KeyFileError, RegisterError
from edge_daemon.store import outbox, plans
from edge_daemon.store.commitments import commitments, get_commitment
from edge_daemon.store.database import open_register
from edge_daemon.types import Lesson
from tests.registers import SEEDS, SIGNER, START, a_lesson

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "commitment.schema.json").read_text("utf-8"))
NOW = START


def lesson(hours: float, minutes: int = 45) -> Lesson:
    return a_lesson(NOW + timedelta(hours=hours), minutes=minutes)


@pytest.fixture
def db(tmp_path):
    return open_register(tmp_path / "register.sqlite")


def promised(db, coming, now=NOW) -> int:
    plan_ahead(db, coming, 100, now, SEEDS)
    return publish_commitments(db, lambda: SIGNER, now)


def test_the_plans_of_a_day_are_one_signed_document_and_one_item_for_the_office(db):
    lessons = [lesson(hours) for hours in (2, 3, 23)]
    assert promised(db, lessons) == 3
    (stored,) = commitments(db)
    fields = json.loads(stored.document)
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(fields)
    assert is_signed_by(fields, SIGNER.public_key)
    assert [one["lesson_id"] for one in fields["plans"]] == [one.lesson_id for one in lessons]
    assert fields["plans"][0]["seed_sha256"] == plans.get_plan(db, lessons[0].lesson_id).seed_sha256
    assert seed_of(plans.get_plan(db, lessons[0].lesson_id), SEEDS).hex() not in stored.document
    (item,) = outbox.listed(db)
    assert (item.destination, item.kind, item.ref) == ("upstream", "commitment", stored.ref)
    assert get_commitment(db, stored.ref) == stored


def test_a_plan_is_promised_once_and_again_when_its_lesson_is_moved(db):
    assert promised(db, [lesson(2)]) == 1
    assert promised(db, [lesson(2)]) == 0
    moved = Lesson(**{f: getattr(lesson(2), f) for f in Lesson.__slots__} | {"end": NOW + timedelta(hours=4)})
    assert promised(db, [moved], NOW + timedelta(minutes=1)) == 1
    first, second = commitments(db)
    before, after = read_commitment(first.document), read_commitment(second.document)
    assert before.plans_committed[0].seed_sha256 == after.plans_committed[0].seed_sha256
    assert (before.previous_sha256, after.previous_sha256) == (None, first.sha256)
    assert hashlib.sha256(first.document.encode()).hexdigest() == first.sha256


def test_lessons_of_tomorrow_wait_for_company_until_one_is_near(db):
    assert promised(db, [lesson(23)]) == 0
    assert promised(db, [lesson(23)], NOW + timedelta(hours=2)) == 0
    assert promised(db, [lesson(23), lesson(24)], NOW + timedelta(hours=3)) == 2
    assert len(commitments(db)) == 1


def test_without_the_key_nothing_is_promised_and_the_log_says_why(db, caplog):
    def missing():
        raise KeyFileError("is missing", "device.key")

    plan_ahead(db, [lesson(2)], 100, NOW, SEEDS)
    assert publish_commitments(db, missing, NOW) == 0
    assert [(r.message, r.reason) for r in caplog.records] == [("plans not signed", "is missing")]
    assert publish_commitments(db, lambda: SIGNER, NOW) == 1


def test_the_key_is_not_asked_for_where_there_is_nothing_to_sign(db):
    assert publish_commitments(db, lambda: pytest.fail("asked"), NOW) == 0


def test_document_and_outbox_item_are_written_together_or_not_at_all(db):
    db.execute("CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END")
    plan_ahead(db, [lesson(2)], 100, NOW, SEEDS)
    with pytest.raises(sqlite3.IntegrityError):
        publish_commitments(db, lambda: SIGNER, NOW)
    assert commitments(db) == []


@pytest.mark.parametrize(
    "broken",
    [
        "CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END",
        "ALTER TABLE outbox RENAME TO gone",
        "ALTER TABLE commitments RENAME TO gone",
    ],
)
def test_a_lesson_is_due_though_nothing_can_be_promised(db, broken, caplog):
    db.execute(broken)
    coming = [lesson(2)]
    timetable = SimpleNamespace(
        lessons=lambda start, end: [one for one in coming if start <= one.start < end],
        cancelled=lambda start, end: {},
    )
    watch = SimpleNamespace(timetable=timetable, refresh=lambda *, force: False, error="")
    schedule = Schedule(watch, db, 100, lambda: SIGNER, lambda: SEEDS, ZoneInfo("UTC"))
    schedule.tend(NOW)
    assert [one.message for one in caplog.records] == ["plans not signed"]
    assert schedule.due(lesson(2).start) == lesson(2)


def test_a_commitment_never_changes(db):
    promised(db, [lesson(2)])
    for statement in ("UPDATE commitments SET document = '{}'", "DELETE FROM commitments"):
        with pytest.raises(sqlite3.IntegrityError, match="immutable"):
            db.execute(statement)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind":"register"}', "[" * 100_000])
def test_a_text_that_is_no_commitment_is_refused(text):
    with pytest.raises(RegisterError, match="commitment"):
        read_commitment(text)
