from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.store import outbox
from edge_daemon.store.database import open_register, transaction
from edge_daemon.types import Outcome

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
RNG = random.Random(1)
WRONG_TOKEN = Outcome("parked", "401: the server does not know this token", receiver_down=True)
NO_NETWORK = Outcome("retry", "no network", receiver_down=True)


@pytest.fixture
def db(tmp_path):
    opened = open_register(tmp_path / "register.sqlite")
    with transaction(opened):
        for number in range(3):
            outbox.put(opened, destination="upstream", kind=outbox.REGISTER, ref=f"{number}/1", not_before=NOW, at=NOW)
    yield opened
    opened.conn.close()


def try_one(db, outcome, now=NOW, settings="a"):
    delivery = outbox.claim(db, "upstream", now, "a test")
    assert outbox.settle(db, delivery, outcome, now, RNG, settings)


def test_a_receiver_that_was_never_tried_is_open(db):
    assert outbox.destination_state(db, "mail").state == "open"
    assert outbox.may_try(db, "mail", NOW, "a")


def test_a_wrong_token_is_noted_once_and_no_item_bears_the_blame(db):
    try_one(db, WRONG_TOKEN)
    noted = outbox.destination_state(db, "upstream")
    assert (noted.state, noted.answer, noted.since, noted.attempts) == ("parked", WRONG_TOKEN.answer, NOW, 1)
    assert outbox.counts(db) == {("upstream", "waiting"): 3}
    assert [one.attempts for one in outbox.listed(db)] == [0, 0, 0]
    assert not outbox.may_try(db, "upstream", NOW + 23 * HOUR, "a")


def test_a_parked_receiver_is_asked_once_a_day(db):
    try_one(db, WRONG_TOKEN)
    assert outbox.may_try(db, "upstream", NOW + 24 * HOUR, "a")
    try_one(db, WRONG_TOKEN, NOW + 24 * HOUR)
    assert not outbox.may_try(db, "upstream", NOW + 47 * HOUR, "a")
    assert outbox.destination_state(db, "upstream").since == NOW


def test_other_settings_open_a_parked_receiver(db):
    try_one(db, WRONG_TOKEN)
    assert outbox.may_try(db, "upstream", NOW, "b")


def test_outbox_retry_opens_a_parked_receiver(db):
    try_one(db, WRONG_TOKEN)
    assert outbox.reopen(db, [outbox.listed(db)[0].item_id], NOW) == 1
    assert outbox.may_try(db, "upstream", NOW, "a")


def test_without_network_the_receiver_waits_longer_each_time_and_an_hour_at_most(db):
    now = NOW
    for tries in range(1, 10):
        try_one(db, NO_NETWORK, now)
        noted = outbox.destination_state(db, "upstream")
        assert timedelta(seconds=30) <= noted.next_attempt - now <= min(HOUR, timedelta(seconds=30 * 2**tries))
        assert not outbox.may_try(db, "upstream", now, "a")
        assert outbox.may_try(db, "upstream", noted.next_attempt, "a")
        now = noted.next_attempt
    assert [one.attempts for one in outbox.listed(db)] == [0, 0, 0]


def test_a_delivery_opens_a_waiting_receiver(db):
    try_one(db, NO_NETWORK)
    try_one(db, Outcome("delivered", "stored"), NOW + HOUR)
    assert outbox.destination_state(db, "upstream").state == "open"
    assert outbox.destination_state(db, "upstream").answer == ""


def test_a_clock_that_was_a_year_ahead_blocks_no_receiver_for_a_year(db):
    outbox.set_destination(db, "upstream", NO_NETWORK, NOW + 365 * 24 * HOUR, RNG, "a")
    assert outbox.may_try(db, "upstream", NOW, "a")
