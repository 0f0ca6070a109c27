"""What is read from the outbox: by lesson, by kind, by state, and from a database that can't be read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.errors import StoreError
from edge_daemon.store import outbox, outbox_items
from edge_daemon.store.database import open_register, transaction

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


@pytest.fixture
def db(tmp_path):
    opened = open_register(tmp_path / "register.sqlite")
    yield opened
    opened.conn.close()


def put(db, kind: str, ref: str, **more: str) -> None:
    with transaction(db):
        assert outbox.put(db, destination="mail", kind=kind, ref=ref, not_before=NOW + HOUR, at=NOW, **more)


def test_open_is_what_may_still_reach_its_receiver():
    assert outbox_items.OPEN == ("waiting", "held", "parked")
    assert set(outbox_items.STATES) - set(outbox_items.OPEN) == {"delivered", "void"}


def test_a_record_of_a_student_follows_from_the_offices_sheet_of_the_same_time(db):
    assert outbox_items.listed(db) == []
    assert outbox_items.RECORD_OF == {"student-week": "week", "guardian-week": "week", "guardian-month": "month"}
    assert {"student", "guardian", "student-correction", "guardian-correction"} == outbox_items.PERSONAL


def test_the_items_of_a_lesson_are_its_own_the_oldest_first(db):
    put(db, outbox_items.OFFICE, "l/2", lesson_id="l")
    put(db, outbox_items.STUDENT, "m", lesson_id="m", student_id="s")
    put(db, outbox_items.STUDENT, "l", lesson_id="l", student_id="s")
    put(db, outbox_items.WEEK, "2026-W47")
    found = outbox_items.of_lesson(db, "l")
    assert [(one.item_id, one.kind, one.ref, one.student_id) for one in found] == [
        (1, "office", "l/2", ""),
        (3, "student", "l", "s"),
    ]
    assert outbox_items.of_lesson(db, "nowhere") == []


def test_a_lesson_has_waiting_notices_while_one_to_a_student_or_guardian_is_not_sent(db):
    put(db, outbox_items.STUDENT, "a", lesson_id="a", student_id="s")
    put(db, outbox_items.GUARDIAN, "a", lesson_id="a", student_id="s")
    put(db, outbox_items.GUARDIAN, "b", lesson_id="b", student_id="s")
    put(db, outbox_items.OFFICE, "c/1", lesson_id="c")
    put(db, outbox_items.STUDENT_CORRECTION, "d/2", lesson_id="d", student_id="s")
    put(db, outbox_items.STUDENT, "e", lesson_id="e", student_id="s", state="held", answer="ask")
    put(db, outbox_items.STUDENT, "old", student_id="s")
    assert sorted(outbox_items.lessons_with_waiting_notices(db)) == ["a", "b"]


def test_a_kind_is_known_when_there_ever_was_an_item_of_it(db):
    assert not outbox_items.is_known(db, {"week"})
    put(db, outbox_items.WEEK, "2026-W47")
    assert outbox_items.is_known(db, {"week", "month"})
    assert not outbox_items.is_known(db, {"month", "office"})
    assert not outbox_items.is_known(db, set())


@pytest.mark.parametrize(
    "read",
    [
        outbox_items.listed,
        outbox_items.lessons_with_waiting_notices,
        outbox_items.counts,
        lambda db: outbox_items.of_lesson(db, "l"),
        lambda db: outbox_items.get(db, 1),
        lambda db: outbox_items.is_known(db, {"week"}),
    ],
)
def test_a_database_that_cannot_be_read_is_named(db, tmp_path, read):
    db.execute("DROP TABLE outbox")
    with pytest.raises(StoreError) as error:
        read(db)
    assert str(tmp_path / "register.sqlite") in error.value.line()
