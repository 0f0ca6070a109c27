"""The rows of the outbox, column by column, at the limits of leases, waits and clocks."""

from __future__ import annotations

import random
import sqlite3
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.store import outbox
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.outbox_items import Item
from edge_daemon.timestamps import parsed
from edge_daemon.types import Delivery, Outcome
from tests.registers import START, a_lesson, a_register, keep

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=timezone.utc)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
INSTANT = timedelta(milliseconds=1)
DELIVERED, LATER = Outcome("delivered", "stored"), Outcome("retry", "503")
DOWN = Outcome("retry", "no network", receiver_down=True)


@pytest.fixture
def db(tmp_path):
    opened = open_register(tmp_path / "register.sqlite")
    yield opened
    opened.conn.close()


def put(db, ref="l/1", *, destination="upstream", kind=outbox.REGISTER, at=NOW, wait=timedelta(0), **more):
    with transaction(db):
        return outbox.put(db, destination=destination, kind=kind, ref=ref, not_before=at + wait, at=at, **more)


def claim(db, now=NOW, destination="upstream", **more):
    return outbox.claim(db, destination, now, "a test", **more)


def settle(db, delivery, outcome, now=NOW, seed=1):
    return outbox.settle(db, delivery, outcome, now, random.Random(seed))


def only(db) -> Item:
    (item,) = outbox.listed(db, outbox.STATES)
    return item


def lease(db):
    """Return who has claimed the only item, and until when."""
    owner, until = db.execute("SELECT lease_owner, lease_until_utc FROM outbox").fetchone()
    return owner, until and parsed(until)


# --- put ---


def test_an_item_is_kept_as_it_was_put(db):
    assert put(db, "l/2", destination="mail", kind=outbox.STUDENT, wait=HOUR, student_id="s", lesson_id="l")
    assert only(db) == Item(
        1, "mail", outbox.STUDENT, "l/2", "s", "l", "waiting", NOW, NOW + HOUR, 0, "", None, claimed=False
    )


def test_an_item_about_no_lesson_names_none(db):
    put(db)
    assert (only(db).student_id, only(db).lesson_id) == ("", "")
    assert db.execute("SELECT lesson_id FROM outbox").fetchone() == (None,)


@pytest.mark.parametrize(("wait", "first"), [(HOUR, DAY), (DAY, DAY), (2 * DAY, 2 * DAY)])
def test_a_held_item_is_not_checked_before_a_day_is_over(db, wait, first):
    put(db, wait=wait, state="held", answer="ask the parents")
    assert (only(db).state, only(db).answer, only(db).next_attempt) == ("held", "ask the parents", NOW + first)


@pytest.mark.parametrize("other", [{"destination": "mail"}, {"kind": outbox.OFFICE}, {"ref": "x"}, {"student_id": "s"}])
def test_an_item_has_its_name_by_receiver_kind_subject_and_student(db, other):
    assert put(db)
    assert put(db, **other)
    assert not put(db, lesson_id="l", state="held", answer="x", wait=HOUR, **other)
    assert len(outbox.listed(db)) == 2
    assert {one.state for one in outbox.listed(db)} == {"waiting"}


def test_every_register_that_has_no_item_gets_one_in_the_ledgers_order(db):
    registers_made = [a_register(a_lesson(START + hours * HOUR), {"a": 1.0}) for hours in (2, 0, 1)]
    for register, sightings in registers_made:
        keep(db, register, sightings)
    refs = [f"{register.lesson.lesson_id}/1" for register, _ in registers_made]
    put(db, refs[1], lesson_id=registers_made[1][0].lesson.lesson_id)
    with transaction(db):
        assert outbox.put_missing_registers(db, NOW + HOUR) == 2
        assert outbox.put_missing_registers(db, NOW + HOUR) == 0
    found = outbox.listed(db)
    assert [one.ref for one in found] == [refs[1], refs[0], refs[2]]
    for one in found[1:]:
        assert one.lesson_id + "/1" == one.ref
        assert (one.destination, one.kind, one.state) == ("upstream", outbox.REGISTER, "waiting")
        assert (one.created_at, one.next_attempt) == (NOW + HOUR, NOW + HOUR)


def test_a_rehearsal_stays_on_the_device_unless_one_of_its_revisions_left_it(db):
    register, sightings = a_register(a_lesson(origin="rehearsal"), {"a": 1.0})
    keep(db, register, sightings)
    lesson_id = register.lesson.lesson_id
    with transaction(db):
        assert outbox.put_missing_registers(db, NOW) == 0
    put(db, f"{lesson_id}/0", lesson_id=lesson_id)
    with transaction(db):
        assert outbox.put_missing_registers(db, NOW) == 1


def test_an_item_of_another_kind_or_receiver_is_no_register(db):
    register, sightings = a_register(a_lesson(), {"a": 1.0})
    keep(db, register, sightings)
    ref = f"{register.lesson.lesson_id}/1"
    put(db, ref, destination="mail", kind=outbox.OFFICE)
    put(db, ref, kind=outbox.COMMITMENT)
    put(db, ref, destination="mail")
    with transaction(db):
        assert outbox.put_missing_registers(db, NOW) == 1


# --- claim ---


def test_a_claim_returns_all_fields_of_its_item_and_marks_the_row(db):
    put(db, "l/2", destination="mail", kind=outbox.STUDENT, student_id="s", lesson_id="l", at=NOW - HOUR)
    delivery = claim(db, destination="mail")
    assert delivery == Delivery(1, "mail", outbox.STUDENT, "l/2", "s", "l", 0, NOW - HOUR)
    assert lease(db) == ("a test", NOW + timedelta(seconds=outbox.LEASE_S))
    assert (only(db).attempts, only(db).claimed, only(db).next_attempt) == (1, True, NOW + timedelta(seconds=60))
    assert outbox.LEASE_S == 300


@pytest.mark.parametrize(("tries", "wait_s"), [(0, 60), (1, 120), (2, 240), (6, 3600), (7, 3600), (30, 3600)])
def test_a_claim_is_a_try_at_once_and_its_next_one_is_as_far_off_as_a_retry_can_be(db, tries, wait_s):
    put(db)
    db.execute("UPDATE outbox SET attempts = ?", (tries,))
    assert claim(db).attempts == tries
    assert (only(db).attempts, only(db).next_attempt) == (tries + 1, NOW + timedelta(seconds=wait_s))


@pytest.mark.parametrize(("asked_s", "given"), [(10.0, 10 * SECOND), (3600.0, HOUR), (3601.0, HOUR), (1e6, HOUR)])
def test_a_lease_is_an_hour_at_most(db, asked_s, given):
    put(db)
    claim(db, lease_s=asked_s)
    assert lease(db)[1] == NOW + given


@pytest.mark.parametrize(("until", "given"), [(-SECOND, True), (timedelta(0), True), (SECOND, False), (HOUR, False)])
def test_a_lease_ends_at_its_time(db, until, given):
    put(db)
    claim(db, NOW - HOUR, lease_s=(HOUR + until).total_seconds())
    db.execute("UPDATE outbox SET next_attempt_utc = created_at_utc, lease_until_utc = ?", (_text(NOW + until),))
    assert (claim(db) is not None) == given


@pytest.mark.parametrize(("until", "given"), [(HOUR, False), (HOUR + SECOND, True)])
def test_a_lease_longer_than_any_was_given_by_a_clock_that_was_ahead(db, until, given):
    put(db)
    claim(db)
    db.execute("UPDATE outbox SET next_attempt_utc = created_at_utc, lease_until_utc = ?", (_text(NOW + until),))
    assert (claim(db) is not None) == given


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.parametrize(("wait", "due"), [(-SECOND, True), (timedelta(0), True), (INSTANT, False)])
def test_an_item_is_due_at_its_time(db, wait, due):
    put(db, wait=wait)
    assert (claim(db) is not None) == due


@pytest.mark.parametrize(
    ("due_by", "due"), [(NOW - INSTANT, False), (NOW, True), (NOW + HOUR, True), (None, True)], ids=str
)
def test_a_run_takes_what_was_due_when_it_began(db, due_by, due):
    put(db)
    assert (claim(db, NOW + SECOND, due_by=due_by) is not None) == due


def test_a_run_that_began_in_the_future_takes_what_is_due_now(db):
    put(db, wait=HOUR)
    assert claim(db, NOW + HOUR - INSTANT, due_by=NOW + 2 * HOUR) is None
    assert claim(db, NOW + HOUR, due_by=NOW + 2 * HOUR) is not None


def test_untried_items_come_before_failed_ones(db):
    for ref in ("failed", "new", "newest"):
        put(db, ref)
    db.execute("UPDATE outbox SET attempts = 1 WHERE ref = 'failed'")
    assert [claim(db).ref for _ in range(3)] == ["new", "newest", "failed"]
    assert claim(db) is None


def test_each_receiver_has_its_own_items(db):
    put(db, destination="mail")
    assert claim(db) is None
    assert claim(db, destination="mail").destination == "mail"


@pytest.mark.parametrize("state", ["parked", "delivered", "void"])
def test_a_settled_item_is_not_claimed(db, state):
    put(db)
    db.execute("UPDATE outbox SET state = ?", (state,))
    assert claim(db, NOW + 9 * DAY) is None


def test_a_held_item_is_claimed_when_it_is_due(db):
    put(db, state="held")
    assert claim(db, NOW + DAY - INSTANT) is None
    assert claim(db, NOW + DAY) is not None


# --- settle ---


@pytest.mark.parametrize(
    ("name", "attempts", "wait", "settled"),
    [
        ("delivered", 1, timedelta(0), True),
        ("parked", 1, timedelta(0), True),
        ("void", 0, timedelta(0), True),
        ("held", 0, DAY, False),
    ],
)
def test_how_an_item_ends(db, name, attempts, wait, settled):
    put(db)
    assert settle(db, claim(db), Outcome(name, "why"), NOW + SECOND)
    item = only(db)
    assert (item.state, item.answer, item.attempts, item.claimed) == (name, "why", attempts, False)
    assert item.next_attempt == NOW + SECOND + wait
    assert item.settled_at == (NOW + SECOND if settled else None)
    assert lease(db) == (None, None)


def test_a_retry_waits_as_long_as_its_tries_and_its_receiver_ask(db):
    put(db)
    db.execute("UPDATE outbox SET attempts = 2")
    delivery = claim(db)
    assert settle(db, delivery, LATER, seed=5)
    item = only(db)
    assert (item.state, item.attempts, item.settled_at, lease(db)) == ("waiting", 3, None, (None, None))
    expected_s = random.Random(5).uniform(30, 240)
    assert item.next_attempt - NOW == pytest.approx(timedelta(seconds=expected_s), abs=timedelta(milliseconds=1))
    delivery = claim(db, item.next_attempt)
    assert settle(db, delivery, Outcome("retry", "429", retry_after_s=5000.0), item.next_attempt)
    assert only(db).next_attempt - item.next_attempt == timedelta(seconds=5000)


@pytest.mark.parametrize("name", ["retry", "parked"])
def test_a_receiver_that_takes_nothing_leaves_the_item_as_if_it_was_not_tried(db, name):
    put(db)
    assert settle(db, claim(db, NOW + HOUR), Outcome(name, "wrong token", receiver_down=True), NOW + HOUR)
    item = only(db)
    assert (item.state, item.attempts, item.answer, item.settled_at) == ("waiting", 0, "wrong token", None)
    assert item.next_attempt == NOW  # when it was made: due at once, also for a clock that was ahead
    state = outbox.destination_state(db, "upstream")
    assert (state.state, state.answer) == ("parked" if name == "parked" else "waiting", "wrong token")


def test_an_item_from_the_future_is_due_now_when_its_receiver_is_down(db):
    put(db, at=NOW + HOUR)
    delivery = Delivery(1, "upstream", outbox.REGISTER, "l/1", "", "", 0, NOW + HOUR)
    db.execute("UPDATE outbox SET attempts = 1")
    assert settle(db, delivery, DOWN)
    assert only(db).next_attempt == NOW


@pytest.mark.parametrize("kind", sorted(outbox.PERSONAL))
def test_an_item_that_waits_for_a_correction_waits_on_when_the_receiver_is_down(db, kind):
    """Claimed too early by a clock that was ahead; due now, not since it was made."""
    put(db, destination="mail", kind=kind, student_id="s", at=NOW - 2 * HOUR)
    assert settle(db, claim(db, destination="mail"), DOWN, NOW + SECOND)
    assert only(db).next_attempt == NOW + SECOND


def test_a_delivery_opens_the_receiver_and_other_ends_say_nothing_of_it(db):
    for ref in ("1", "2", "3", "4"):
        put(db, ref)
    settle(db, claim(db), DOWN)
    before = outbox.destination_state(db, "upstream")
    assert (before.state, before.attempts) == ("waiting", 1)
    for outcome in (LATER, Outcome("parked", "413"), Outcome("void", "x")):
        settle(db, claim(db), outcome)
        assert outbox.destination_state(db, "upstream") == before
    settle(db, claim(db), DELIVERED)
    assert outbox.destination_state(db, "upstream").state == "open"


def test_the_receiver_is_noted_with_the_settings_that_were_used(db):
    put(db)
    outbox.settle(db, claim(db), DOWN, NOW, random.Random(1), "settings")
    assert outbox.destination_state(db, "upstream").settings_sha256 == "settings"
    put(db, "2")
    settle(db, claim(db), DOWN)
    assert outbox.destination_state(db, "upstream").settings_sha256 == ""


@pytest.mark.parametrize(("outcome", "attempts"), [(LATER, 1), (Outcome("parked", "x"), 1), (Outcome("held", "x"), 0)])
def test_a_correction_meanwhile_ends_the_claim_and_counts_the_try(db, outcome, attempts):
    put(db)
    delivery = claim(db)
    with transaction(db):
        outbox.change(db, 1, "void", not_before=NOW, answer="taken back", at=NOW)
    assert settle(db, delivery, outcome) is False
    item = only(db)
    assert (item.state, item.answer, item.attempts, item.claimed) == ("void", "taken back", attempts, False)
    assert lease(db) == (None, None)


def test_a_claim_that_was_lost_leaves_the_newer_one_alone(db):
    put(db)
    old = claim(db)
    new = claim(db, NOW + HOUR)
    assert settle(db, old, LATER, NOW + HOUR) is False
    assert (only(db).attempts, only(db).claimed) == (2, True)
    assert settle(db, new, LATER, NOW + HOUR) is True


def test_an_item_that_is_gone_settles_nothing(db):
    put(db)
    delivery = claim(db)
    db.execute("DELETE FROM outbox")
    assert settle(db, delivery, DELIVERED) is False


def test_a_second_delivery_of_the_same_item_counts_once(db):
    put(db)
    delivery = claim(db)
    assert settle(db, delivery, DELIVERED)
    assert settle(db, delivery, Outcome("delivered", "again"), NOW + HOUR) is False
    assert (only(db).answer, only(db).settled_at) == ("stored", NOW)


def test_an_item_that_was_held_takes_the_outcome_of_its_claim(db):
    put(db, state="held")
    assert settle(db, claim(db, NOW + DAY), LATER, NOW + DAY)
    assert (only(db).state, only(db).attempts) == ("waiting", 1)


@pytest.mark.parametrize("state", ["parked", "void", "delivered"])
def test_a_settled_item_takes_no_retry(db, state):
    put(db)
    delivery = claim(db)
    db.execute("UPDATE outbox SET state = ?", (state,))
    assert settle(db, delivery, LATER) is False
    assert only(db).state == state


# --- all or nothing ---


def content(db):
    return [db.execute(f"SELECT * FROM {table}").fetchall() for table in ("outbox", "destinations")]


def fail_at(db, when):
    db.execute(f"CREATE TRIGGER fails BEFORE UPDATE ON outbox WHEN {when} BEGIN SELECT RAISE(ABORT, 'no'); END")


def test_an_outcome_that_can_not_be_stored_changes_its_receiver_neither(db):
    put(db)
    delivery, before = claim(db), content(db)
    fail_at(db, "NEW.lease_owner IS NULL")
    with pytest.raises(sqlite3.IntegrityError):
        settle(db, delivery, Outcome("parked", "401", receiver_down=True))
    assert content(db) == before


@pytest.mark.parametrize(
    ("state", "change"),
    [
        ("parked", outbox.put_back),
        ("parked", outbox.reopen),
        ("delivered", outbox.send_missing),
    ],
)
def test_of_several_items_all_change_or_none(db, state, change):
    for ref in ("l/1", "l/2"):
        put(db, ref)
        settle(db, claim(db), Outcome(state, "said"))
    before = content(db)
    fail_at(db, "NEW.item_id = 2")
    with pytest.raises(sqlite3.IntegrityError):
        change(db, [1, 2], NOW + HOUR)
    assert content(db) == before
    db.execute("DROP TRIGGER fails")
    change(db, [1, 2], NOW + HOUR)
    assert {item.state for item in outbox.listed(db, outbox.STATES)} == {"waiting"}


# --- release, reopen, change, void ---


def test_leases_are_ended_for_one_receiver_or_for_all(db):
    for destination in ("upstream", "upstream", "mail"):
        put(db, str(random.random()), destination=destination)
    put(db, "not claimed", wait=HOUR)
    for destination in ("upstream", "upstream", "mail"):
        claim(db, destination=destination)
    assert outbox.release(db, "mail") == 1
    assert [one.claimed for one in outbox.listed(db)] == [True, True, False, False]
    assert outbox.release(db) == 2
    assert outbox.release(db) == 0
    owners = {owner for (owner,) in db.execute("SELECT lease_owner FROM outbox")}
    assert owners == {None}


def test_a_reopened_item_is_tried_at_once_with_its_receiver(db):
    states = ("parked", "waiting", "delivered", "void", "held")
    for state in states:
        put(db, state, wait=HOUR)
        db.execute("UPDATE outbox SET state = ?, settled_at_utc = ? WHERE ref = ?", (state, _text(NOW), state))
    put(db, "not named", wait=HOUR)
    put(db, "mail", destination="mail")
    settle(db, claim(db, destination="mail"), DOWN)
    outbox.set_destination(db, "upstream", DOWN, NOW, random.Random(1))
    assert outbox.reopen(db, [1, 2, 3, 4, 5, 99], NOW + SECOND) == 2
    found = {one.ref: one for one in outbox.listed(db, outbox.STATES)}
    assert {ref: one.state for ref, one in found.items() if ref in states} == {
        **dict.fromkeys(("parked", "waiting"), "waiting"),
        **{state: state for state in ("delivered", "void", "held")},
    }
    assert {ref for ref, one in found.items() if one.next_attempt == NOW + SECOND} == {"parked", "waiting"}
    assert (found["parked"].settled_at, found["void"].settled_at) == (None, NOW)
    assert outbox.destination_state(db, "upstream").state == "open"
    assert outbox.destination_state(db, "mail").state == "waiting"
    assert outbox.reopen(db, [], NOW) == 0


@pytest.mark.parametrize(
    ("state", "wait", "next_attempt", "settled_at"),
    [
        ("waiting", HOUR, HOUR, None),
        ("held", HOUR, DAY, None),
        ("held", 2 * DAY, 2 * DAY, None),
        ("void", HOUR, HOUR, NOW),
    ],
)
def test_a_decision_about_an_item_is_changed(db, state, wait, next_attempt, settled_at):
    put(db)
    put(db, "other")
    with transaction(db):
        outbox.change(db, 1, state, not_before=NOW + wait, answer="decided anew", at=NOW)
    item, other = outbox.get(db, 1), outbox.get(db, 2)
    assert (item.state, item.next_attempt, item.answer) == (state, NOW + next_attempt, "decided anew")
    assert item.settled_at == settled_at
    assert (other.state, other.answer) == ("waiting", "")


@pytest.mark.parametrize(
    ("state", "changed"), [("waiting", 1), ("held", 1), ("parked", 1), ("delivered", 0), ("void", 0)]
)
def test_an_ended_item_is_neither_changed_nor_given_up(db, state, changed):
    put(db, student_id="s")
    put(db, "other", student_id="t")
    db.execute("UPDATE outbox SET state = ? WHERE student_id = 's'", (state,))
    with transaction(db):
        outbox.change(db, 1, "held", not_before=NOW, answer="anew", at=NOW)
    assert (outbox.get(db, 1).answer == "anew") == bool(changed)
    assert outbox.void_student(db, "s", NOW + HOUR) == changed
    item = outbox.get(db, 1)
    assert item.state == ("void" if changed else state)
    if changed:
        assert (item.answer, item.settled_at) == ("the student was removed", NOW + HOUR)
    assert outbox.get(db, 2).state == "waiting"


# --- clocks that were ahead ---


def _wait_after_claiming(db, attempts: int, wait: timedelta, *, made=NOW, state="waiting") -> timedelta:
    """Return how long an item waits that was made and put off by a clock, after somebody else asked for a claim."""
    put(db, at=made, wait=timedelta(0), state="waiting")
    db.execute("UPDATE outbox SET attempts = ?, state = ?, next_attempt_utc = ?", (attempts, state, _text(NOW + wait)))
    assert claim(db, destination="mail") is None
    return only(db).next_attempt - NOW


@pytest.mark.parametrize("state", ["waiting", "held"])
@pytest.mark.parametrize("wait", [timedelta(0), DAY, DAY + HOUR - SECOND / 2])
def test_a_retry_of_a_day_and_an_hour_is_accepted(db, wait, state):
    assert _wait_after_claiming(db, 1, wait, state=state) == wait


@pytest.mark.parametrize("state", ["waiting", "held"])
@pytest.mark.parametrize("wait", [DAY + HOUR + SECOND, 8 * DAY, 400 * DAY])
def test_a_longer_retry_is_tried_now(db, wait, state):
    assert _wait_after_claiming(db, 1, wait, state=state) == timedelta(0)


@pytest.mark.parametrize("wait", [HOUR, DAY, 7 * DAY, 8 * DAY - SECOND])
def test_a_first_try_keeps_the_wait_that_it_was_given(db, wait):
    """From when it was made; a day and an hour late are no sign of a wrong clock."""
    assert _wait_after_claiming(db, 0, wait) == wait


def test_a_first_try_that_a_clock_put_off_waits_from_now_on(db):
    made_at = NOW + 30 * DAY
    assert _wait_after_claiming(db, 0, 30 * DAY + 4 * HOUR, made=made_at) == pytest.approx(4 * HOUR, abs=10 * INSTANT)


@pytest.mark.parametrize(("ahead", "mended"), [(HOUR - SECOND, False), (HOUR + SECOND, True)])
def test_an_hour_is_allowed_to_a_clock(db, ahead, mended):
    """A hold of four days, made by a clock that was ahead of ours."""
    hold = 4 * DAY
    wait = _wait_after_claiming(db, 0, hold + ahead, made=NOW + ahead)
    assert wait == pytest.approx(hold if mended else hold + ahead, abs=10 * INSTANT)


@pytest.mark.parametrize(("wait", "left"), [(8 * DAY, 8 * DAY), (8 * DAY + SECOND, timedelta(0))])
def test_no_item_is_ever_given_more_than_eight_days(db, wait, left):
    assert _wait_after_claiming(db, 0, wait) == left


def test_an_old_item_keeps_the_wait_of_its_last_retry(db):
    assert _wait_after_claiming(db, 9, HOUR, made=NOW - 30 * DAY) == HOUR


@pytest.mark.parametrize("state", ["parked", "delivered", "void"])
def test_the_times_of_what_is_settled_are_left_alone(db, state):
    assert _wait_after_claiming(db, 1, 400 * DAY, state=state) == 400 * DAY
