"""The heartbeat and the daily event log: valid by their schemas, small, and without personal data."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from edge_daemon.app.service.event_log import KEPT
from edge_daemon.app.sync.day_documents import MOST_EVENTS, day_document, days_to_send
from edge_daemon.app.sync.heartbeat import heartbeat
from edge_daemon.attendance.commitment import PlanCommitment, sign_commitment
from edge_daemon.device.status import LessonStatus, write_status
from edge_daemon.store import daily_events, outbox
from edge_daemon.store.commitments import add_commitment
from edge_daemon.store.daily_events import DailyEvent
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.plans import commit_plan
from edge_daemon.store.pulled import note_seen
from edge_daemon.store.registers import latest_registers
from edge_daemon.store.skipped import skip_lessons
from edge_daemon.timestamps import parsed, written
from edge_daemon.types import Outcome
from tests.device.test_status import a_status
from tests.registers import SIGNER, START, a_lesson
from tests.sync_device import NOW, a_device

DOCS = Path(__file__).parents[3] / "docs"
DAY = date(2026, 11, 16)
ZONE = ZoneInfo("Europe/Berlin")


def schema(name):
    return json.loads((DOCS / f"{name}.schema.json").read_text(encoding="utf-8"))


def valid(document, name):
    jsonschema.Draft202012Validator(schema(name)).validate(document)
    return document


@pytest.fixture
def home(tmp_path):
    return a_device(tmp_path / "home", None, lessons=3)


@pytest.fixture
def db(home):
    db = open_register(home.register_db_path)
    yield db
    db.conn.close()


def a_day(db):
    return valid(day_document(db, DAY, ZONE, "room 204"), "day")


def park(db, answer, at=NOW):
    with transaction(db):
        outbox.put(
            db, destination="mail", kind="guardian", ref="L1", student_id="S007", lesson_id="L1", not_before=at, at=at
        )
    delivery = outbox.claim(db, "mail", at, "a test")
    outbox.settle(db, delivery, Outcome("parked", answer), at, random.Random(1))


def test_a_device_that_was_just_installed_has_a_heartbeat(tmp_path):
    home = a_device(tmp_path / "home", None, lessons=0)
    db = open_register(home.register_db_path)
    document = valid(heartbeat(home, db, NOW), "heartbeat")
    db.conn.close()
    assert document["last_register"] is None
    assert document["service"] is None
    assert document["queue"]["upstream"] == {
        "state": "open",
        "since": None,
        "answer": "",
        "oldest": None,
        "waiting": 0,
        "held": 0,
        "parked": 0,
        "delivered": 0,
    }


def test_the_heartbeat_reports_queue_last_register_and_models(home, db):
    document = valid(heartbeat(home, db, NOW), "heartbeat")
    assert document["queue"]["upstream"]["waiting"] == 3
    assert document["queue"]["upstream"]["oldest"] == "2026-11-16T07:45:00Z"
    assert document["registers"] == 3
    assert document["last_register"]["captures_taken"] == 20
    assert document["last_register"]["end"] == "2026-11-16T09:45:00Z"
    assert list(document["models"]) == ["embedder"]
    assert document["computer"]["disk_free_mb"] > 0


def test_the_heartbeat_has_the_digest_of_a_seed_and_never_the_seed(home, db):
    lesson = a_lesson(NOW + timedelta(hours=20))
    commit_plan(db, lesson, b"\x07" * 32, "ab" * 32, 100, NOW)
    document = valid(heartbeat(home, db, NOW), "heartbeat")
    assert [(one["lesson_id"], one["seed_sha256"]) for one in document["coming"]] == [(lesson.lesson_id, "ab" * 32)]
    assert (b"\x07" * 32).hex() not in json.dumps(document)


def test_the_heartbeat_says_what_the_service_says_but_not_who_was_seen(home, db):
    lesson = LessonStatus(
        lesson_id="L1",
        course="7b",
        start=START,
        end=NOW,
        captures_planned=100,
        provisional={"S001": (3, 2)},
    )
    status = replace(
        a_status(), lesson=lesson, state="lesson", camera_fault="no picture within 30 s", detail="7b: S001"
    )
    write_status(home.runtime_dir, status)
    document = valid(heartbeat(home, db, NOW), "heartbeat")
    assert document["service"]["state"] == "lesson"
    assert document["service"]["problems"] == {"camera": "no picture within 30 s"}
    assert "S001" not in json.dumps(document)


def test_a_service_that_reports_nothing_is_silent_in_the_heartbeat(home, db):
    write_status(home.runtime_dir, replace(a_status(), updated_boottime_s=1.0))
    assert valid(heartbeat(home, db, NOW), "heartbeat")["service"]["state"] == "silent"


def test_the_heartbeat_reports_pulled_documents_with_their_problems(home, db):
    note_seen(db, "roster.csv", etag="", sha256="", problem="line 3: no id <a@b.example>", at=NOW)
    document = valid(heartbeat(home, db, NOW), "heartbeat")
    assert document["pulled"]["roster.csv"]["problem"] == "line 3: no id <(address)>"


def test_a_heartbeat_is_small(home, db):
    for number in range(60):
        commit_plan(db, a_lesson(NOW + timedelta(hours=number + 1)), bytes(32), "ab" * 32, 100, NOW)
    document = valid(heartbeat(home, db, NOW), "heartbeat")
    assert len(document["coming"]) == 40
    assert len(json.dumps(document)) < 16_000


def test_a_day_names_the_promises_that_the_timetable_moved_or_dropped(db):
    held, *_ = (json.loads(one.document) for one in latest_registers(db))
    times = [parsed(held["start"]), parsed(held["end"])]
    dropped = a_lesson(START + timedelta(hours=7))
    plans = [
        PlanCommitment(held["lesson_id"], *times, 20, "ab" * 32),
        PlanCommitment(held["lesson_id"], times[0] - timedelta(minutes=10), times[1], 20, "ab" * 32),
        PlanCommitment("dropped", dropped.start, dropped.end, 20, "ab" * 32),
        PlanCommitment("of-another-day", dropped.start + timedelta(days=1), dropped.end + timedelta(days=1), 20, "a"),
    ]
    with transaction(db):
        add_commitment(db, *sign_commitment("room 204", START, plans, None, SIGNER), START - timedelta(hours=9))
    assert [(one["lesson_id"], one["start"]) for one in a_day(db)["lessons_withdrawn"]] == [
        (held["lesson_id"], written(times[0] - timedelta(minutes=10))),
        ("dropped", written(dropped.start)),
    ]


def test_a_day_log_reports_lessons_captures_faults_and_refusals(db):
    at = START + timedelta(hours=1)
    skip_lessons(db, [a_lesson(START + timedelta(hours=5), "8a")], "the device was off", at)
    daily_events.add_events(
        db, [DailyEvent(at, "service started"), DailyEvent(at, "worker failed", {"reason": "x" * 500, "times": 3})]
    )
    park(db, "550 no such user <anna@example.org>")
    day = a_day(db)
    assert (day["lessons_held"], day["captures_planned"], day["captures_taken"], day["starts"]) == (3, 60, 60, 1)
    assert day["lessons_not_held"] == {"the device was off": 1}
    assert [event["event"] for event in day["events"]] == ["service started", "worker failed"]
    assert len(day["events"][1]["reason"]) == 200
    (refusal,) = day["deliveries_parked"]
    assert refusal["answer"] == "550 no such user <(address)>"
    assert "S007" not in json.dumps(day)


def test_an_item_that_was_parked_and_then_delivered_is_no_longer_reported(db):
    park(db, "550 no")
    outbox.reopen(db, [item.item_id for item in outbox.listed(db, ("parked",))], NOW)
    assert a_day(db)["deliveries_parked"] == []


def test_a_day_begins_at_midnight_of_the_school(db):
    daily_events.add_events(db, [DailyEvent(START.replace(day=15, hour=23, minute=30), "service started")])
    assert a_day(db)["starts"] == 1


def test_a_day_of_faults_stays_small_and_says_what_it_leaves_out(db):
    at = START
    daily_events.add_events(
        db, [DailyEvent(at + timedelta(seconds=n), "clock changed", {"moved_s": n}) for n in range(500)]
    )
    day = a_day(db)
    assert len(day["events"]) == MOST_EVENTS
    assert day["events_left_out"] == 300
    assert day["events"][-1]["moved_s"] == 499
    assert len(json.dumps(day)) < 32_000


def test_many_reasons_become_twenty_and_others(db):
    lessons = [a_lesson(START + timedelta(minutes=n), f"c{n}") for n in range(30)]
    for number, lesson in enumerate(lessons):
        skip_lessons(db, [lesson], f"reason {number}", NOW)
    reasons = a_day(db)["lessons_not_held"]
    assert len(reasons) == 21
    assert reasons["other"] == 10


def test_the_same_day_is_the_same_document(db):
    assert a_day(db) == a_day(db)


def test_the_schema_names_every_event_that_is_kept():
    named = schema("day")["properties"]["events"]["items"]["properties"]["event"]["enum"]
    assert set(named) == KEPT


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("", ["2026-11-16", "2026-11-17", "2026-11-18"]),
        ("2026-11-16", ["2026-11-17", "2026-11-18"]),
        ("2027-01-01", ["2026-11-18"]),
    ],
)
def test_day_logs_begin_with_the_first_day_that_is_not_complete(db, until, expected):
    now = NOW + timedelta(days=2)
    assert [day.isoformat() for day in days_to_send(db, until, now, ZONE, 400)] == expected


def test_a_device_without_events_has_no_day_logs(tmp_path):
    db = open_register(tmp_path / "register.sqlite")
    assert list(days_to_send(db, "", NOW, ZONE, 400)) == []
    db.conn.close()
