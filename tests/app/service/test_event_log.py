"""Which events reach the event log, when, and with how many writes to the card."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from edge_daemon.app.capture.worker_report import Report
from edge_daemon.app.service.event_log import AGAIN_S, EventLog
from edge_daemon.device import journal
from edge_daemon.device.clock import Reading
from edge_daemon.store import daily_events as rows
from edge_daemon.store.database import open_register
from tests.registers import START

logger = logging.getLogger("edge_daemon.app.service.service")


class Time:
    def __init__(self):
        self.s, self.state = 1000.0, "synchronised"

    def reading(self):
        return Reading(START + timedelta(seconds=self.s), self.s, self.state, "boot")


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def event_log(clock):
    handler = EventLog(lambda: clock.s)
    ours, root = logging.getLogger("edge_daemon"), logging.getLogger()
    before = (ours.level, [(other, other.level) for other in root.handlers])
    journal.listen(handler)
    yield handler
    ours.removeHandler(handler)
    ours.setLevel(before[0])
    for other, level in before[1]:
        other.setLevel(level)


@pytest.fixture
def db(tmp_path):
    db = open_register(tmp_path / "register.sqlite")
    yield db
    db.conn.close()


def stored_events(db):
    return [(e.event, dict(e.fields)) for e in rows.events(db, START, START + timedelta(days=3))]


def test_a_start_is_kept_though_the_users_log_shows_only_warnings(event_log, db, clock):
    logger.info("service started")
    event_log.write(db, clock.reading())
    assert stored_events(db) == [("service started", {})]


def test_only_fixed_words_with_fixed_fields_are_kept(event_log, db, clock):
    logger.warning("somebody came in", extra={"reason": "x"})
    logger.warning("worker failed", extra={"task": "lesson", "reason": "no memory", "student": "Anna"})
    event_log.write(db, clock.reading())
    assert stored_events(db) == [("worker failed", {"task": "lesson", "reason": "no memory"})]


def test_nothing_is_written_where_nothing_happened(event_log, db, clock):
    before = db.conn.total_changes
    event_log.write(db, clock.reading())
    assert db.conn.total_changes == before


def test_a_fault_at_every_turn_is_written_once_an_hour_with_its_number(event_log, db, clock):
    for _ in range(int(AGAIN_S) // 25):
        logger.warning("storage fault", extra={"reason": "the disk is full"})
        event_log.write(db, clock.reading())
        clock.s += 25
    assert stored_events(db) == [("storage fault", {"reason": "the disk is full"})]
    event_log.write(db, clock.reading())
    assert stored_events(db)[1:] == [("storage fault", {"reason": "the disk is full", "times": 143})]


def test_the_end_writes_what_else_would_wait_for_its_hour(event_log, db, clock):
    for _ in range(3):
        logger.warning("storage fault", extra={"reason": "the disk is full"})
    event_log.write(db, clock.reading(), last=True)
    assert [fields.get("times", 1) for _, fields in stored_events(db)] == [1, 2]


def test_events_before_the_time_was_known_get_their_time_afterwards(event_log, db, clock):
    clock.state = "unsynchronised"
    logger.info("service started")
    clock.s += 600
    event_log.write(db, clock.reading())
    assert stored_events(db) == []
    clock.state = "synchronised"
    event_log.write(db, clock.reading())
    (event,) = rows.events(db, START, START + timedelta(days=1))
    assert event.at == START + timedelta(seconds=1000)


def test_a_device_without_time_keeps_the_last_events_only(event_log, db, clock):
    clock.state = "unsynchronised"
    for number in range(1000):
        logger.info("clock changed", extra={"moved_s": number})
    event_log.write(db, clock.reading(), last=True)
    assert [fields["moved_s"] for _, fields in stored_events(db)] == list(range(800, 1000))


def test_a_camera_that_a_worker_reports_faulty_is_kept_once_until_it_answers_again(event_log, db, clock):
    for fault in ("", "black", "black", "black", "", ""):
        event_log.heard("L1", Report("missed" if fault else "taken", camera_fault=fault))
    event_log.heard("L1", Report("closing"))
    event_log.write(db, clock.reading())
    assert stored_events(db) == [
        ("camera keeps failing", {"lesson_id": "L1", "reason": "black"}),
        ("camera answers again", {"lesson_id": "L1"}),
    ]


def test_a_database_that_cannot_be_written_loses_nothing(event_log, db, clock):
    logger.info("service started")
    db.conn.execute("PRAGMA query_only = ON")
    event_log.write(db, clock.reading())
    db.conn.execute("PRAGMA query_only = OFF")
    event_log.write(db, clock.reading())
    assert stored_events(db) == [("service started", {})]
