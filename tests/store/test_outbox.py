from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.store import outbox
from edge_daemon.store.database import open_register, transaction
from edge_daemon.types import Outcome

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)
RNG = random.Random(1)
DELIVERED = Outcome("delivered", "stored")
LATER = Outcome("retry", "503 Service Unavailable")


@pytest.fixture
def db(tmp_path):
    opened = open_register(tmp_path / "register.sqlite")
    yield opened
    opened.conn.close()


def put(db, number, *, at=NOW, hold=timedelta(0), **more):
    with transaction(db):
        return outbox.put(
            db, destination="upstream", kind=outbox.REGISTER, ref=f"{number}/1", not_before=at + hold, at=at, **more
        )


def claim(db, now=NOW, **more):
    return outbox.claim(db, "upstream", now, "a test", **more)


def settle(db, delivery, outcome, now=NOW):
    return outbox.settle(db, delivery, outcome, now, RNG)


def refs(db, now=NOW):
    """Claim everything that is due."""
    return [one.ref for one in iter(lambda: claim(db, now), None)]


def only(db):
    (item,) = outbox.listed(db, outbox.STATES)
    return item


def test_an_item_that_is_put_twice_is_there_once(db):
    assert put(db, 1)
    assert not put(db, 1)
    assert len(outbox.listed(db)) == 1


def test_the_oldest_item_comes_first_whatever_the_clock_said_when_it_was_made(db):
    put(db, 1, at=NOW)
    put(db, 2, at=NOW - YEAR)
    put(db, 3, at=NOW)
    assert refs(db) == ["1/1", "2/1", "3/1"]


def test_a_claimed_item_is_given_to_no_other_run_until_the_lease_ends(db):
    put(db, 1)
    first = claim(db)
    assert claim(db, NOW + timedelta(seconds=299)) is None
    second = claim(db, NOW + timedelta(seconds=300))
    assert (first.attempts, second.attempts) == (0, 1)
    assert second.item_id == first.item_id


def test_a_delivered_item_is_never_claimed_again(db):
    put(db, 1)
    assert settle(db, claim(db), DELIVERED)
    assert claim(db, NOW + YEAR) is None
    assert (only(db).state, only(db).answer, only(db).settled_at) == ("delivered", "stored", NOW)


def test_a_retry_waits_from_30_seconds_to_an_hour_longer_each_time(db):
    put(db, 1)
    now, waits = NOW, []
    for _ in range(12):
        settle(db, claim(db, now), LATER, now)
        waits.append((only(db).next_attempt - now).total_seconds())
        now = only(db).next_attempt
    assert all(30 <= wait_s <= min(3600, 30 * 2**tries) for tries, wait_s in enumerate(waits, 1))
    assert max(waits) > 600
    assert (only(db).attempts, only(db).answer) == (12, "503 Service Unavailable")


def test_rooms_that_lost_the_server_together_do_not_come_back_together(db):
    put(db, 1)
    settle(db, claim(db), LATER)
    now, moments = only(db).next_attempt, set()
    for seed in range(50):
        delivery = claim(db, now)
        outbox.settle(db, delivery, LATER, now, random.Random(seed))
        moments.add(round((only(db).next_attempt - now).total_seconds()))
        now = only(db).next_attempt
    assert len(moments) > 40


@pytest.mark.parametrize(
    ("asked_s", "least_s", "most_s"),
    [(7200.0, 7200, 7200), (1e9, 86400, 86400), (float("inf"), 30, 60), (float("nan"), 30, 60), (-5.0, 30, 60)],
)
def test_the_receiver_may_ask_for_more_time_up_to_a_day(db, asked_s, least_s, most_s):
    put(db, 1)
    settle(db, claim(db), Outcome("retry", "429", retry_after_s=asked_s))
    assert least_s <= (only(db).next_attempt - NOW).total_seconds() <= most_s


def test_a_bad_item_holds_up_no_other(db):
    for number in range(1, 5):
        put(db, number)
    settle(db, claim(db), Outcome("parked", "the server refuses it: 413"))
    settle(db, claim(db), LATER)
    assert refs(db) == ["3/1", "4/1"]
    assert outbox.counts(db) == {("upstream", "parked"): 1, ("upstream", "waiting"): 3}


def test_an_item_that_kills_each_process_that_claims_it_holds_up_no_other(db):
    put(db, 1)
    put(db, 2)
    assert claim(db).ref == "1/1"
    assert outbox.release(db) == 1  # the process was killed, the next one starts at once
    assert refs(db) == ["2/1"]


def test_a_run_that_names_its_begin_tries_nothing_twice(db):
    put(db, 1)
    settle(db, claim(db), LATER)
    assert claim(db, NOW + HOUR, due_by=NOW) is None
    assert claim(db, NOW + HOUR) is not None


def test_a_parked_item_stays_until_a_person_says_so(db):
    put(db, 1)
    settle(db, claim(db), Outcome("parked", "550 no such user"))
    assert claim(db, NOW + YEAR) is None
    assert outbox.reopen(db, [only(db).item_id], NOW) == 1
    assert claim(db).attempts == 1


def test_a_delivered_item_can_not_wait_again(db):
    put(db, 1)
    settle(db, claim(db), DELIVERED)
    assert outbox.reopen(db, [only(db).item_id], NOW) == 0
    assert only(db).state == "delivered"


def test_a_held_item_is_checked_again_a_day_later_which_counts_as_no_try(db):
    put(db, 1)
    settle(db, claim(db), Outcome("held", "somebody has to confirm it"))
    assert (only(db).state, only(db).attempts) == ("held", 0)
    assert claim(db, NOW + 23 * HOUR) is None
    assert claim(db, NOW + 24 * HOUR) is not None


def test_a_delivery_counts_however_late_its_outcome_is_recorded(db):
    put(db, 1)
    late = claim(db)
    second = claim(db, NOW + HOUR)
    assert settle(db, late, DELIVERED, NOW + HOUR)
    assert not settle(db, second, LATER, NOW + HOUR)
    assert only(db).state == "delivered"


def test_a_lost_claim_settles_nothing_else(db):
    put(db, 1)
    late = claim(db)
    claim(db, NOW + HOUR)
    for outcome in (LATER, Outcome("parked", "413"), Outcome("void", "not needed"), Outcome("held", "wait")):
        assert not settle(db, late, outcome, NOW + HOUR)
    assert (only(db).state, only(db).claimed, only(db).attempts) == ("waiting", True, 2)


def test_an_item_made_void_meanwhile_is_not_revived_but_its_delivery_is_recorded(db):
    put(db, 1)
    delivery = claim(db)
    with transaction(db):
        outbox.change(db, delivery.item_id, "void", not_before=NOW, answer="no longer absent", at=NOW)
    assert not settle(db, delivery, LATER)
    assert only(db).state == "void"
    assert settle(db, delivery, DELIVERED)
    assert only(db).state == "delivered"


@pytest.mark.parametrize("jump", [YEAR, -YEAR], ids=["forwards", "backwards"])
@pytest.mark.parametrize("state", ["put", "leased", "retried", "held"])
def test_a_clock_that_was_wrong_blocks_nothing_for_long(db, jump, state):
    """Everything is written by a clock that is a year wrong, then the clock comes right."""
    wrong = NOW + jump
    put(db, 1, at=wrong)
    if state == "leased":
        claim(db, wrong)
    if state == "retried":
        settle(db, claim(db, wrong), LATER, wrong)
    if state == "held":
        settle(db, claim(db, wrong), Outcome("held", "wait"), wrong)
    assert claim(db, NOW) is not None or claim(db, NOW + 24 * HOUR) is not None
    if state != "held":
        assert outbox.listed(db)[0].claimed


def test_a_clock_that_was_ahead_takes_no_time_to_correct_away(db):
    put(db, 1, at=NOW + YEAR, hold=4 * HOUR)
    assert claim(db, NOW) is None
    assert claim(db, NOW + 4 * HOUR - timedelta(seconds=1)) is None
    assert claim(db, NOW + 4 * HOUR + timedelta(seconds=1)) is not None


@pytest.mark.parametrize("hold_h", [4, 48, 168])
def test_a_hold_is_kept_to_its_end(db, hold_h):
    put(db, 1, hold=hold_h * HOUR)
    for hours in range(hold_h):
        assert claim(db, NOW + hours * HOUR) is None
    assert claim(db, NOW + hold_h * HOUR) is not None


def test_waiting_mail_about_a_removed_student_is_given_up(db):
    put(db, 1, student_id="s1")
    put(db, 2, student_id="s1")
    put(db, 3, student_id="s2")
    settle(db, claim(db), DELIVERED)
    assert outbox.void_student(db, "s1", NOW) == 1
    assert [one.state for one in outbox.listed(db, outbox.STATES)] == ["delivered", "void", "waiting"]


def test_a_list_can_be_read_in_parts(db):
    for number in range(5):
        put(db, number)
    first = outbox.listed(db, limit=3)
    rest = outbox.listed(db, limit=3, after=first[-1].item_id)
    assert [one.ref for one in (*first, *rest)] == [f"{number}/1" for number in range(5)]
    assert outbox.listed(db, destination="mail") == []
    assert outbox.get(db, first[0].item_id) == first[0]
    assert outbox.get(db, 99) is None
