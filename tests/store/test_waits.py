"""Waits keep their length, whatever a clock that was wrong made of them."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from edge_daemon.store import outbox
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.delivery_file import OutboxMirror, open_delivery
from edge_daemon.store.destinations import may_try
from edge_daemon.store.waits import Uptime, WaitKeeper
from edge_daemon.timestamps import parsed
from edge_daemon.types import Outcome

NOW = datetime.fromisoformat("2026-11-20T10:00:00+00:00")
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
LATER = Outcome("retry", "451 later")
DOWN = Outcome("retry", "no network", receiver_down=True)
AHEAD = [7 * DAY, 20 * HOUR, 400 * DAY]


class Files:
    """Both files of a device, and its uptime."""

    def __init__(self, folder):
        self.register, self.path = folder / "register.sqlite", folder / "sync" / "delivery.sqlite"
        self.uptime = Uptime("boot 1", 1000.0)
        open_register(self.register).conn.close()
        self.db = open_delivery(self.path, self.register)
        self.mirror = OutboxMirror(self.db)
        self.look(NOW)

    def put(self, at, kind=outbox.GUARDIAN, hold=timedelta(0)):
        db = open_register(self.register)
        with closing(db.conn), transaction(db):
            words = {"destination": "mail", "kind": kind, "ref": "l1", "student_id": "s", "lesson_id": "l1"}
            outbox.put(db, **words, not_before=at + hold, at=at)

    def look(self, at, hold=24 * HOUR):
        """Begin a run."""
        waits = WaitKeeper(self.db, lambda: self.uptime, hold)
        waits.note_clock(at)
        self.mirror.refresh(at)
        waits.look(at)
        self.mirror.refresh(at)

    def pass_time(self, by):
        self.uptime = Uptime(self.uptime.boot_id, self.uptime.boottime_s + by.total_seconds())

    def claim(self, at):
        return outbox.claim(self.db, "mail", at, "test", due_by=at)

    def is_due(self, at):
        self.look(at)
        row = self.db.execute("SELECT next_attempt_utc FROM main.outbox").fetchone()
        return parsed(row[0]) <= at


@pytest.fixture
def files(tmp_path):
    files = Files(tmp_path)
    yield files
    files.db.conn.close()


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_try_that_failed_while_the_clock_was_ahead_is_due_within_its_hour(files, ahead):
    files.put(NOW)
    files.look(NOW + ahead)
    outbox.settle(files.db, files.claim(NOW + ahead), LATER, NOW + ahead, random.Random(1))
    assert not files.is_due(NOW - HOUR), "it waits as long as it would have"
    assert files.is_due(NOW + 10 * MINUTE)


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_guardians_mail_that_was_given_back_by_a_clock_that_was_ahead_waits_for_its_hold_alone(files, ahead):
    files.put(NOW, hold=24 * HOUR)
    files.look(NOW)
    files.look(NOW + ahead)
    delivery = files.claim(NOW + ahead)
    if delivery is not None:
        outbox.settle(files.db, delivery, DOWN, NOW + ahead, random.Random(1))
    assert not files.is_due(NOW + 23 * HOUR), "no time to correct was taken away"
    assert files.is_due(NOW + 24 * HOUR + 2 * MINUTE)


@pytest.mark.parametrize("ahead", AHEAD)
def test_an_item_that_was_made_while_the_clock_was_ahead_is_due_after_its_own_wait(files, ahead):
    files.put(NOW + ahead, hold=4 * HOUR)
    files.look(NOW)
    assert not files.is_due(NOW + 3 * HOUR)
    assert files.is_due(NOW + 4 * HOUR + 2 * MINUTE)


def test_a_run_while_the_clock_was_ahead_takes_no_hold_from_what_is_made_after_it(files):
    files.look(NOW + 400 * DAY)
    files.pass_time(6 * HOUR)
    right_again = NOW + 6 * HOUR
    files.put(right_again, hold=4 * HOUR)
    assert not files.is_due(right_again + MINUTE)
    files.pass_time(4 * HOUR)
    assert files.is_due(right_again + 4 * HOUR + MINUTE)


def test_a_decision_of_a_clock_that_was_ahead_holds_no_longer_than_a_hold_may(files):
    files.put(NOW - 30 * DAY, hold=HOUR)
    files.look(NOW - 30 * DAY)
    db = open_register(files.register)
    with closing(db.conn), transaction(db):
        outbox.change(db, 1, "waiting", not_before=NOW + 8 * DAY, answer="", at=NOW + 7 * DAY)
    files.look(NOW)
    assert not files.is_due(NOW + 23 * HOUR)
    assert files.is_due(NOW + 24 * HOUR + 2 * MINUTE)


def test_a_wait_that_is_over_by_the_uptime_is_over_whatever_the_clock_says(files):
    files.put(NOW)
    files.look(NOW)
    outbox.settle(files.db, files.claim(NOW), Outcome("retry", "busy", 7200.0), NOW, random.Random(1))
    files.pass_time(HOUR)
    assert not files.is_due(NOW), "the clock stands still"
    files.pass_time(HOUR)
    assert files.is_due(NOW)


def test_a_clock_that_moves_back_again_and_again_puts_nothing_off_for_ever(files):
    files.put(NOW)
    files.look(NOW)
    outbox.settle(files.db, files.claim(NOW), Outcome("retry", "busy", 7200.0), NOW, random.Random(1))
    found = []
    for number in range(1, 6):
        files.pass_time(HOUR)
        found.append(files.is_due(NOW - number * 30 * DAY))
    assert True in found


def test_the_uptime_of_another_boot_says_nothing(files):
    files.put(NOW)
    files.look(NOW)
    outbox.settle(files.db, files.claim(NOW), Outcome("retry", "busy", 3000.0), NOW, random.Random(1))
    files.uptime = Uptime("boot 2", 10_000.0)
    assert not files.is_due(NOW + MINUTE)
    assert files.is_due(NOW + 3001 * timedelta(seconds=1))


def test_a_try_that_failed_before_the_boot_while_the_clock_was_ahead_is_due_at_once(files):
    """Nobody knows how long it has waited. Waiting its whole day again would put it off with each boot."""
    ahead = 13 * DAY
    files.put(NOW)
    files.look(NOW + ahead)
    outbox.settle(files.db, files.claim(NOW + ahead), Outcome("retry", "busy", 86_400.0), NOW + ahead, random.Random(1))
    files.uptime = Uptime("boot 2", 30.0)
    assert files.is_due(NOW + MINUTE)


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_receiver_that_was_down_while_the_clock_was_ahead_is_tried_within_the_hour(files, ahead):
    files.look(NOW + ahead)
    outbox.set_destination(files.db, "mail", DOWN, NOW + ahead, random.Random(1), "settings")
    files.look(NOW)
    assert not may_try(files.db, "mail", NOW, "settings")
    assert may_try(files.db, "mail", NOW + HOUR, "settings")


def test_a_clock_that_is_right_changes_nothing(files):
    files.put(NOW, hold=24 * HOUR)
    for hours in range(24):
        assert not files.is_due(NOW + hours * HOUR)
        files.pass_time(HOUR)
    assert files.is_due(NOW + 24 * HOUR)


def test_a_settled_item_leaves_no_wait_behind(files):
    files.put(NOW)
    files.look(NOW)
    outbox.settle(files.db, files.claim(NOW), Outcome("delivered", "250"), NOW, random.Random(1))
    files.look(NOW)
    assert files.db.execute("SELECT count(*) FROM main.item_waits").fetchone() == (0,)


def test_the_release_before_works_on_with_this_file_and_this_one_after_it(files):
    """Its schema knows no waits: triggers keep them while it writes."""
    files.put(NOW)
    files.look(NOW)
    files.db.conn.close()
    with closing(sqlite3.connect(files.path)) as old, old:
        (readable,) = old.execute("SELECT value FROM meta WHERE key = 'readable_from'").fetchone()
        assert int(readable) == 1
        old.execute("UPDATE outbox SET attempts = 1, next_attempt_utc = '2026-11-27T11:00:00.000000Z'")
    files.db = open_delivery(files.path, files.register)
    files.mirror = OutboxMirror(files.db)
    assert files.is_due(NOW + 7 * DAY + 2 * HOUR)
