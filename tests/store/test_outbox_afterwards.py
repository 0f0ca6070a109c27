"""What happens to an item after its delivery: receipts, what is missing on the server, what is sent or tried again."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from hashlib import sha256

import pytest

from edge_daemon.store import outbox, outbox_items
from edge_daemon.store.database import open_register, transaction
from edge_daemon.types import Outcome
from tests.registers import START, a_lesson, a_register, keep

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=timezone.utc)
LATER = NOW + timedelta(days=2)
HOUR = timedelta(hours=1)
DELIVERED, PARKED = Outcome("delivered", "stored"), Outcome("parked", "413")


@pytest.fixture
def db(tmp_path):
    opened = open_register(tmp_path / "register.sqlite")
    yield opened
    opened.conn.close()


def put(db, ref, *, destination="upstream", kind=outbox.REGISTER, at=NOW, wait=timedelta(0), **more) -> int:
    with transaction(db):
        assert outbox.put(db, destination=destination, kind=kind, ref=ref, not_before=at + wait, at=at, **more)
    return outbox.listed(db, outbox.STATES)[-1].item_id


def end(db, item_id, outcome=DELIVERED):
    """Have an item delivered, or refused; items are claimed in their order."""
    item = outbox.get(db, item_id)
    delivery = outbox.claim(db, item.destination, NOW, "a test")
    assert delivery.item_id == item_id
    assert outbox.settle(db, delivery, outcome, NOW + HOUR, random.Random(1))


def row(db, item_id, *columns):
    (found,) = db.execute(f"SELECT {', '.join(columns)} FROM outbox WHERE item_id = ?", (item_id,))
    return found


def states(db) -> list[str]:
    return [one.state for one in outbox.listed(db, outbox.STATES)]


def test_the_words_in_the_database_are_these(db):
    """Another release and the other process read them: they never change."""
    assert outbox_items.listed(db, outbox_items.OPEN) == []
    names = ("REGISTER", "COMMITMENT", "OFFICE", "STUDENT", "GUARDIAN", "STUDENT_CORRECTION", "GUARDIAN_CORRECTION")
    names += ("WEEK", "MONTH", "STUDENT_WEEK", "GUARDIAN_WEEK", "GUARDIAN_MONTH", "TEACHER")
    assert [getattr(outbox_items, name) for name in names] == [
        *("register", "commitment", "office", "student", "guardian", "student-correction", "guardian-correction"),
        *("week", "month", "student-week", "guardian-week", "guardian-month", "teacher"),
    ]
    assert outbox_items.RECORD_OF == {"student-week": "week", "guardian-week": "week", "guardian-month": "month"}
    assert outbox_items.OPEN == ("waiting", "held", "parked")
    assert {"student", "guardian", "student-correction", "guardian-correction"} == outbox_items.PERSONAL


def test_the_items_of_a_lesson_and_the_lessons_whose_notices_wait(db):
    kinds = (outbox.REGISTER, outbox.STUDENT, outbox.GUARDIAN)
    ids = [put(db, f"{n}/1", destination="mail", kind=kind, lesson_id=f"l{n}") for n, kind in enumerate(kinds)]
    held = put(db, "3/1", destination="mail", kind=outbox.STUDENT, lesson_id="l3", state="held")
    again = put(db, "4/1", destination="mail", kind=outbox.GUARDIAN, lesson_id="l1")
    put(db, "5/1", destination="mail", kind=outbox.GUARDIAN)
    assert [one.item_id for one in outbox_items.of_lesson(db, "l1")] == [ids[1], again]
    assert [one.item_id for one in outbox_items.of_lesson(db, "l3")] == [held]
    assert outbox_items.of_lesson(db, "l9") == []
    assert sorted(outbox_items.lessons_with_waiting_notices(db)) == ["l1", "l2"]


# --- receipts ---


def test_a_receipt_of_the_office_is_of_the_document_that_it_took(db):
    lesson = a_lesson()
    document = keep(db, *a_register(lesson, {"a": 1.0}))
    with transaction(db):
        columns = "ref, document, sha256, created_at_utc"
        db.execute(f"INSERT INTO commitments ({columns}) VALUES ('plans', '{{}}', 'cd', '2026')")
    named = {"lesson_id": lesson.lesson_id}
    taken = put(db, f"{lesson.lesson_id}/1", **named)
    promised = put(db, "plans", kind=outbox.COMMITMENT)
    unknown = put(db, f"{lesson.lesson_id}/2", **named)
    refused = put(db, f"{lesson.lesson_id}/1", kind=outbox.OFFICE, **named)
    mailed = put(db, f"{lesson.lesson_id}/1", destination="mail", **named)
    for item_id in (taken, promised, unknown):
        end(db, item_id)
    end(db, refused, PARKED)
    end(db, mailed)
    receipts = [row(db, item_id, "receipt_sha256")[0] for item_id in (taken, promised, unknown, refused, mailed)]
    assert receipts == [sha256(document.encode()).hexdigest(), "cd", "", "", ""]


def test_a_document_that_was_refused_has_no_receipt(db):
    lesson = a_lesson()
    keep(db, *a_register(lesson, {"a": 1.0}))
    item_id = put(db, f"{lesson.lesson_id}/1", lesson_id=lesson.lesson_id)
    end(db, item_id, PARKED)
    assert row(db, item_id, "receipt_sha256") == ("",)


# --- the server ---


def test_the_newest_documents_that_the_server_took_come_first(db):
    ids = [put(db, f"l{n}/1") for n in range(4)]
    for item_id in ids[:3]:
        end(db, item_id)
    end(db, put(db, "mail/1", destination="mail"))
    other = put(db, "plans", kind=outbox.COMMITMENT)
    end(db, ids[3], PARKED)
    end(db, other)
    newest, *registers = outbox.newest_delivered(db, 9)
    assert newest == (other, "commitment", "plans")
    assert registers == [(ids[n], "register", f"l{n}/1") for n in (2, 1, 0)]
    assert outbox.newest_delivered(db, 2) == [newest, registers[0]]
    assert outbox.newest_delivered(db, 9, ids[1]) == registers[1:]


@pytest.mark.parametrize("named", [True, False])
def test_a_document_that_is_no_longer_on_the_server_waits_again(db, named):
    lesson = a_lesson()
    keep(db, *a_register(lesson, {"a": 1.0}))
    ids = [put(db, f"{lesson.lesson_id}/1", lesson_id=lesson.lesson_id), put(db, "l/1")]
    for item_id in ids:
        end(db, item_id)
    mailed, waiting = put(db, "m/1", destination="mail"), put(db, "w/1")
    end(db, mailed)
    wanted = [ids[0], mailed, waiting] if named else None
    assert outbox.send_missing(db, wanted, LATER) == (1 if named else 2)
    assert states(db) == ["waiting", "delivered" if named else "waiting", "delivered", "waiting"]
    again = outbox.get(db, ids[0])
    assert (again.next_attempt, again.settled_at) == (NOW, None), "due since it was made, whatever the clock says now"
    assert row(db, ids[0], "receipt_sha256") == ("",)
    assert outbox.get(db, waiting).next_attempt == NOW


def test_items_that_were_refused_for_their_receivers_sake_wait_again(db):
    parked, other, waiting = put(db, "a/1"), put(db, "b/1"), put(db, "c/1")
    end(db, parked, PARKED)
    end(db, other, PARKED)
    outbox.put_back(db, [parked, waiting], LATER)
    assert states(db) == ["waiting", "parked", "waiting"]
    assert (outbox.get(db, parked).next_attempt, outbox.get(db, parked).settled_at) == (LATER, None)
    assert outbox.get(db, waiting).next_attempt == NOW


def test_a_failed_item_is_tried_at_once_and_an_untried_one_waits_its_time(db):
    failed, parked, fresh = put(db, "a/1"), put(db, "b/1"), put(db, "c/1", wait=HOUR)
    end(db, failed, Outcome("retry", "503"))
    end(db, parked, PARKED)
    before = outbox.get(db, parked)
    outbox.hasten(db, NOW)
    assert outbox.get(db, failed).next_attempt == NOW
    assert outbox.get(db, parked) == before
    assert outbox.get(db, fresh).next_attempt == NOW + HOUR


@pytest.mark.parametrize(("destination", "left"), [(None, []), ("mail", ["upstream"]), ("upstream", ["mail"])])
def test_leases_of_one_receiver_or_of_all_are_ended(db, destination, left):
    for name in ("upstream", "mail"):
        put(db, "a/1", destination=name)
        outbox.claim(db, name, NOW, "a process that was killed")
    put(db, "b/1")
    assert outbox.release(db, destination) == 2 - len(left)
    items = outbox.listed(db, outbox.STATES)
    assert [one.destination for one in items if one.claimed] == left
    assert [row(db, one.item_id, "lease_owner") for one in items if not one.claimed] == [(None,)] * (3 - len(left))


# --- a person ---


def test_every_document_since_a_lesson_is_sent_again(db):
    """By the lesson's begin, or, where an item is of no lesson, by its own; what the office's server has not stays."""
    lesson = a_lesson(START)
    keep(db, *a_register(lesson, {"a": 1.0}))
    of_lesson = put(db, f"{lesson.lesson_id}/1", lesson_id=lesson.lesson_id, at=NOW)
    of_none = put(db, "plans", kind=outbox.COMMITMENT, at=NOW - HOUR - HOUR)
    parked, mailed = put(db, "p/1"), put(db, "m/1", destination="mail")
    end(db, of_lesson)
    end(db, of_none)
    end(db, parked, PARKED)
    end(db, mailed)
    assert outbox.resend(db, START + timedelta(seconds=1), LATER) == 0
    ((last,),) = db.execute("SELECT max(decision) FROM outbox")
    assert outbox.resend(db, START, LATER) == 1
    assert states(db) == ["waiting", "delivered", "parked", "delivered"]
    again = outbox.get(db, of_lesson)
    assert (again.next_attempt, again.settled_at) == (LATER, None)
    assert row(db, of_lesson, "reopened_at_utc", "decision") == ("2026-11-18T08:00:00.000000Z", last + 1)
    assert outbox.resend(db, NOW - HOUR - HOUR, LATER) == 1
    assert states(db) == ["waiting", "waiting", "parked", "delivered"]
