"""A week's sheet that was sent too early is sent again after the week: complete, and marked as a replacement."""

from __future__ import annotations

import random
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.app.notices.composer import Composer
from edge_daemon.app.notices.outbox_rows import enqueue_periods
from edge_daemon.app.notices.sheet_periods import sheet_before
from edge_daemon.delivery.message import stable_message_id
from edge_daemon.store import outbox
from edge_daemon.store.database import open_register
from edge_daemon.types import Outcome
from tests import mail_school

MONDAY = datetime(2026, 11, 16, 9, 15, tzinfo=timezone.utc)
DAY = timedelta(days=1)


@pytest.fixture
def home(tmp_path):
    return mail_school.make(tmp_path)


def catch_up(home, now):
    """Deliver the sheets that are due; return their messages."""
    db = open_register(home.register_db_path)
    messages = []
    with closing(db.conn):
        enqueue_periods(db, home.config, now)
        composer = Composer(home, db)
        while (one := outbox.claim(db, "mail", now, "test")) is not None:
            message = composer.compose(one, now)
            if one.kind in (outbox.WEEK, outbox.STUDENT_WEEK):
                composer.spread(one, now)
                if not isinstance(message, Outcome):
                    messages.append((one, message))
            outbox.settle(db, one, Outcome("delivered", "250"), now, random.Random(1))
    return messages


def refs(made, kind=outbox.WEEK):
    return [one.ref for one, _ in made if one.kind == kind]


def test_a_sheet_that_was_sent_early_is_sent_again_complete_and_marked_as_replacing(home):
    mail_school.hold(home, MONDAY)
    early = catch_up(home, MONDAY + 7 * DAY)  # the clock is a week ahead
    assert refs(early)[0] == "2026-W47"
    mail_school.hold(home, MONDAY + DAY)
    mail_school.hold(home, MONDAY + 2 * DAY)
    assert refs(catch_up(home, MONDAY + 3 * DAY)) == [], "the week still goes on"
    late = catch_up(home, MONDAY + 7 * DAY)
    assert refs(late)[0] == "2026-W47~2"
    message = late[0][1]
    assert len(message.registers) == 3
    assert "replaces the sheet sent before" in message.subject
    assert "replaces the sheet sent before" in message.text
    assert message.follows == stable_message_id("room 204", outbox.WEEK, "2026-W47", "")
    assert message.message_id != early[0][1].message_id
    assert "replaces" not in early[0][1].subject


def test_each_address_of_the_office_and_each_student_gets_the_complete_one(home):
    mail_school.hold(home, MONDAY)
    catch_up(home, MONDAY + 7 * DAY)
    mail_school.hold(home, MONDAY + DAY)
    late = catch_up(home, MONDAY + 7 * DAY)
    assert refs(late) == ["2026-W47~2", "2026-W47~2#2", "2026-W47~2#3"]
    own = [message for one, message in late if one.kind == outbox.STUDENT_WEEK]
    assert own
    assert all("replaces the sheet sent before" in message.subject for message in own)


def test_a_sheet_is_sent_again_once_for_each_late_register(home):
    mail_school.hold(home, MONDAY)
    catch_up(home, MONDAY + 7 * DAY)
    mail_school.hold(home, MONDAY + DAY)
    assert refs(catch_up(home, MONDAY + 7 * DAY))
    assert refs(catch_up(home, MONDAY + 8 * DAY)) == []
    mail_school.hold(home, MONDAY + 2 * DAY)
    assert refs(catch_up(home, MONDAY + 9 * DAY))[0] == "2026-W47~3"
    assert refs(catch_up(home, MONDAY + 10 * DAY)) == []


def test_a_correction_after_the_sheet_does_not_send_it_again(home):
    lesson_id = mail_school.hold(home, MONDAY)
    catch_up(home, MONDAY + 7 * DAY)
    mail_school.decide(home, lesson_id, "S01", "present", MONDAY + 8 * DAY)
    assert refs(catch_up(home, MONDAY + 8 * DAY)) == []


def test_a_sheet_that_still_waits_takes_in_a_late_register_and_is_sent_once(home):
    mail_school.hold(home, MONDAY)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        enqueue_periods(db, home.config, MONDAY + 7 * DAY)
    mail_school.hold(home, MONDAY + DAY)
    messages = catch_up(home, MONDAY + 7 * DAY)
    assert refs(messages) == ["2026-W47", "2026-W47#2", "2026-W47#3"]
    assert len(messages[0][1].registers) == 2


@pytest.mark.parametrize(
    ("ref", "before"), [("2026-W47", None), ("2026-W47~2", "2026-W47"), ("2026-11~3", "2026-11~2"), ("2026-11", None)]
)
def test_which_sheet_one_replaces(ref, before):
    assert sheet_before(ref) == before
