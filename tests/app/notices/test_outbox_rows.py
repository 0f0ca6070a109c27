"""The outbox rows that are written with a register: all of them together with the register, or none."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_daemon.app.notices.outbox_rows import (
    catch_up,
    enqueue_missing,
    enqueue_periods,
    lenient_outbox_writer,
    outbox_writer,
)
from edge_daemon.attendance.document import Document, from_json, to_json
from edge_daemon.attendance.register import correct
from edge_daemon.config import Config, DeviceConfig, MailConfig
from edge_daemon.device.clock import Reading, SystemClock
from edge_daemon.errors import StoreError
from edge_daemon.store import lessons, outbox, registers
from edge_daemon.store.backup import back_up
from edge_daemon.store.database import open_register, transaction
from edge_daemon.types import Outcome
from tests.registers import START, a_lesson, a_register, keep

LESSON = a_lesson()
BERLIN = DeviceConfig(name="room 204", time_zone="Europe/Berlin")
MAIL = MailConfig(host="mail.example", office=("office@example.org",), students=True, guardians=True)
WITH_MAIL = Config(device=BERLIN, mail=MAIL)
WITHOUT_MAIL = Config(device=BERLIN)


@pytest.fixture
def db(tmp_path):
    opened = open_register(tmp_path / "register.sqlite")
    yield opened
    opened.conn.close()


def rows(db):
    return [(one.destination, one.kind, one.ref, one.student_id) for one in outbox.listed(db, outbox.STATES)]


def corrected(db, lesson_id, student_id, verdict, config, at, reason="seen by the teacher"):
    def render(last):
        new = correct(from_json(last.document).register, student_id, verdict, by="T", reason=reason, at=at)
        return to_json(Document(new, last.sha256, None, None))

    with transaction(db):
        return registers.add_revision(db, lesson_id, render, at, outbox_writer(config))


def test_every_revision_goes_upstream_also_before_an_address_is_set(db):
    keep(db, *a_register(LESSON, {"a": 1.0, "b": 0.0}), also=outbox_writer(WITHOUT_MAIL))
    corrected(db, LESSON.lesson_id, "b", "present", WITHOUT_MAIL, LESSON.end)
    assert rows(db) == [
        ("upstream", "register", f"{LESSON.lesson_id}/1", ""),
        ("upstream", "register", f"{LESSON.lesson_id}/2", ""),
    ]


def test_with_mail_the_office_gets_every_revision_and_only_absent_students_get_notices(db):
    register = a_register(LESSON, {"a": 1.0, "b": 0.0, "c": 0.9, "d": 0.0}, not_assessed=["d"])
    keep(db, *register, also=outbox_writer(WITH_MAIL))
    assert rows(db)[1:] == [
        ("mail", "office", f"{LESSON.lesson_id}/1", ""),
        ("mail", "student", LESSON.lesson_id, "b"),
        ("mail", "guardian", LESSON.lesson_id, "b"),
    ]


def test_the_office_gets_mail_at_once_and_students_and_guardians_after_the_hold(db):
    keep(db, *a_register(LESSON, {"b": 0.0}), also=outbox_writer(WITH_MAIL))
    waits = {one.kind: one.next_attempt - LESSON.end for one in outbox.listed(db)}
    hold = timedelta(hours=4)
    assert waits == {"register": timedelta(0), "office": timedelta(0), "student": hold, "guardian": hold}


@pytest.mark.parametrize(
    ("mail", "kinds"),
    [
        (replace(MAIL, host=""), []),
        (replace(MAIL, office=()), ["student", "guardian"]),
        (replace(MAIL, students=False), ["office", "guardian"]),
        (replace(MAIL, guardians=False, students=False), ["office"]),
    ],
)
def test_receivers_that_the_settings_do_not_name_get_no_mail(db, mail, kinds):
    keep(db, *a_register(LESSON, {"b": 0.0}), also=outbox_writer(Config(device=BERLIN, mail=mail)))
    assert [row[1] for row in rows(db)] == ["register", *kinds]


def test_a_rehearsal_goes_nowhere_nor_do_its_corrections(db):
    lesson = a_lesson(origin="rehearsal")
    keep(db, *a_register(lesson, {"b": 0.0}), also=outbox_writer(WITH_MAIL))
    corrected(db, lesson.lesson_id, "b", "present", WITH_MAIL, lesson.end)
    enqueue_missing(db, lesson.end)
    assert rows(db) == []


def test_a_rehearsal_that_shall_be_delivered_is_and_its_corrections_follow(db):
    lesson = a_lesson(origin="rehearsal")
    keep(db, *a_register(lesson, {"b": 0.0}), also=outbox_writer(WITH_MAIL, rehearsals=True))
    corrected(db, lesson.lesson_id, "b", "present", WITH_MAIL, lesson.end)
    assert [row[1] for row in rows(db)] == ["register", "office", "register", "office"], "no family hears of it"


class Cut(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("after", [False, True], ids=["before the rows", "after the rows"])
def test_a_register_and_its_rows_are_written_together_or_not_at_all(db, after):
    def also(database, stored):
        if after:
            outbox_writer(WITH_MAIL)(database, stored)
        raise Cut

    register, sightings = a_register(LESSON, {"b": 0.0})
    with pytest.raises(Cut):
        keep(db, register, sightings, also=also)
    assert (rows(db), registers.revisions(db, LESSON.lesson_id)) == ([], [])
    assert lessons.get_lesson(db, LESSON.lesson_id).state == "running"
    assert lessons.sightings(db, LESSON.lesson_id) == []


def test_a_correction_and_its_rows_are_written_together_or_not_at_all(db):
    keep(db, *a_register(LESSON, {"b": 0.0}))

    def also(database, stored):
        outbox_writer(WITH_MAIL)(database, stored)
        raise Cut

    with pytest.raises(Cut), transaction(db):
        registers.add_revision(db, LESSON.lesson_id, lambda last: last.document, START, also)
    assert rows(db) == []
    assert len(registers.revisions(db, LESSON.lesson_id)) == 1


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        (
            "CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END",
            "DROP TRIGGER broken",
        ),
        ("ALTER TABLE outbox RENAME TO gone", "ALTER TABLE gone RENAME TO outbox"),
    ],
)
def test_a_broken_outbox_costs_no_register_and_the_next_sync_brings_its_row(db, broken, mended, caplog):
    db.execute(broken)
    keep(db, *a_register(LESSON, {"b": 0.0}), also=lenient_outbox_writer(WITH_MAIL))
    assert lessons.get_lesson(db, LESSON.lesson_id).state == "finalised"
    assert [one.message for one in caplog.records] == ["register not queued"]
    db.execute(mended)
    assert rows(db) == []
    assert enqueue_missing(db, START) == 1
    assert [row[:2] for row in rows(db)] == [("upstream", "register")]


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("database or disk is full"), StoreError("the disk is full", "register.sqlite")]
)
def test_a_full_disk_leaves_the_lesson_to_be_finalised_again(db, monkeypatch, error):
    def full(*_args, **_more):
        raise error

    monkeypatch.setattr(outbox, "put", full)
    with pytest.raises(StoreError, match="full"):
        keep(db, *a_register(LESSON, {"b": 0.0}), also=lenient_outbox_writer(WITH_MAIL))
    assert lessons.get_lesson(db, LESSON.lesson_id).state == "running"
    monkeypatch.undo()
    keep(db, *a_register(LESSON, {"b": 0.0}), also=lenient_outbox_writer(WITH_MAIL))
    assert len(rows(db)) == 4


def test_finalising_twice_brings_no_second_row(db):
    keep(db, *a_register(LESSON, {"b": 0.0}), also=outbox_writer(WITH_MAIL))
    before = rows(db)
    lessons.finalise(db, LESSON.lesson_id, (), lambda _: "other", START, outbox_writer(WITH_MAIL))
    assert rows(db) == before


def test_registers_of_the_release_without_an_outbox_go_upstream_once_in_their_order_and_are_not_mailed(db):
    for day in (1, 0):
        keep(db, *a_register(a_lesson(START + timedelta(days=day)), {"b": 0.0}))
    assert enqueue_missing(db, START) == 2
    assert enqueue_missing(db, START) == 0
    later, earlier = (a_lesson(START + timedelta(days=day)).lesson_id for day in (1, 0))
    assert [row[1:3] for row in rows(db)] == [("register", f"{later}/1"), ("register", f"{earlier}/1")]


def test_delivered_registers_are_not_missing_rows(db):
    keep(db, *a_register(LESSON, {"b": 1.0}), also=outbox_writer(WITHOUT_MAIL))
    delivery = outbox.claim(db, "upstream", LESSON.end, "a test")
    outbox.settle(db, delivery, Outcome("delivered", ""), LESSON.end, None)
    assert enqueue_missing(db, START) == 0


def local(day, hour=8):
    return datetime(2026, 11, 1, hour, tzinfo=timezone.utc) + timedelta(days=day - 1)


def sheets(db):
    return [row[1:3] for row in rows(db) if row[1] in {"week", "month"}]


def test_a_week_is_mailed_when_it_is_over_and_once(db):
    keep(db, *a_register(a_lesson(local(18)), {"b": 1.0}))
    assert enqueue_periods(db, WITH_MAIL, datetime(2026, 11, 22, 22, 59, tzinfo=timezone.utc)) == 0
    assert enqueue_periods(db, WITH_MAIL, datetime(2026, 11, 22, 23, 0, tzinfo=timezone.utc)) == 1  # Monday in Berlin
    assert enqueue_periods(db, WITH_MAIL, datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)) == 0
    assert sheets(db) == [("week", "2026-W47")]


def test_the_first_time_it_is_only_the_last_week_and_month_and_later_each_that_was_missed(db):
    for day in (2, 9, 16):
        keep(db, *a_register(a_lesson(local(day)), {"b": 1.0}))
    assert enqueue_periods(db, WITH_MAIL, local(24)) == 1
    assert sheets(db) == [("week", "2026-W47")]
    for day in (24, 32, 40):  # nobody was there for weeks
        keep(db, *a_register(a_lesson(local(day)), {"b": 1.0}))
    assert enqueue_periods(db, WITH_MAIL, local(50)) > 0
    assert ("month", "2026-11") in sheets(db)
    assert {("week", "2026-W48"), ("week", "2026-W49"), ("week", "2026-W50")} <= set(sheets(db))


def test_a_week_without_lessons_and_a_rehearsal_bring_no_sheet(db):
    keep(db, *a_register(a_lesson(local(18), origin="rehearsal"), {"b": 1.0}))
    assert enqueue_periods(db, WITH_MAIL, local(40)) == 0


def test_an_untrusted_clock_does_not_close_a_week(db, monkeypatch):
    keep(db, *a_register(a_lesson(local(18)), {"b": 1.0}))
    monkeypatch.setattr(SystemClock, "reading", lambda _self: Reading(START, 1.0, "unsynchronised", "boot"))
    assert catch_up(db, WITH_MAIL, local(400)) == 1
    assert sheets(db) == []
    monkeypatch.setattr(SystemClock, "reading", lambda _self: Reading(START, 1.0, "synchronised", "boot"))
    assert catch_up(db, WITH_MAIL, local(23)) == 1
    assert sheets(db) == [("week", "2026-W47")]


def test_without_an_office_there_are_no_sheets(db):
    keep(db, *a_register(a_lesson(local(18)), {"b": 1.0}))
    assert enqueue_periods(db, WITHOUT_MAIL, local(40)) == 0


FINALISER = """
import sys
from datetime import timedelta
from pathlib import Path
from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.store.backup import back_up
from edge_daemon.store.database import open_register, transaction
from tests.app.notices.test_outbox_rows import WITH_MAIL, corrected
from tests.registers import START, a_lesson, a_register, keep

db = open_register(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 10**6):
    lesson = a_lesson(START + timedelta(hours=number))
    keep(db, *a_register(lesson, {"a": 1.0, "b": 0.0}), also=outbox_writer(WITH_MAIL))
    print(number, flush=True)
    corrected(db, lesson.lesson_id, "b", "present", WITH_MAIL, lesson.end)
"""


def test_a_process_that_is_killed_leaves_no_register_without_its_rows_and_no_row_without_its_register(tmp_path):
    path, chance = tmp_path / "register.sqlite", random.Random(1)
    command = [sys.executable, "-c", FINALISER, str(path)]
    for turn in range(4):
        process = subprocess.Popen(
            [*command, str(turn * 1000)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
        )
        for _ in range(chance.randint(1, 8)):
            assert process.stdout.readline()
        time.sleep(chance.uniform(0, 0.02))  # anywhere within the next lesson
        process.kill()
        process.communicate()
        db = open_register(path)
        made = {(one.lesson_id, one.revision) for one in all_registers(db)}
        items = outbox.listed(db, outbox.STATES)
        for kind in (outbox.REGISTER, outbox.OFFICE):
            assert {one.ref for one in items if one.kind == kind} == {f"{lesson}/{number}" for lesson, number in made}
        for kind in (outbox.STUDENT, outbox.GUARDIAN):
            states = {one.lesson_id: one.state for one in items if one.kind == kind}
            assert states == {lesson: "void" if (lesson, 2) in made else "waiting" for lesson, _ in made}
        db.conn.close()
    assert len(made) >= 4


def all_registers(db):
    return [one for last in registers.latest_registers(db) for one in registers.revisions(db, last.lesson_id)]


def test_after_a_restore_of_yesterdays_database_nothing_is_lost_and_what_was_delivered_is_offered_again(tmp_path, db):
    keep(db, *a_register(LESSON, {"b": 1.0}), also=outbox_writer(WITHOUT_MAIL))
    copy = back_up(tmp_path / "register.sqlite", tmp_path / "backups", LESSON.end, reserve_bytes=0)
    delivery = outbox.claim(db, "upstream", LESSON.end, "a test")
    outbox.settle(db, delivery, Outcome("delivered", ""), LESSON.end, None)
    restored = open_register(copy.path)
    assert enqueue_missing(restored, LESSON.end) == 0
    again = outbox.claim(restored, "upstream", LESSON.end, "a test")
    assert (again.kind, again.ref) == (delivery.kind, delivery.ref)  # the same name: the server knows it
    restored.conn.close()
