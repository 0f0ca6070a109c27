from __future__ import annotations

import hashlib
import itertools
import sqlite3
import struct
from dataclasses import replace
from datetime import timedelta

import pytest

from edge_daemon.errors import RegisterError, StoreError
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store import lessons, registers
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.lessons import Capture
from edge_daemon.types import Box, MissedCapture, Sighting
from tests.registers import START, a_lesson, a_register, keep, sightings_of

LESSON = a_lesson()
PLAN = make_plan(LESSON.lesson_id, 2700, 6, bytes(range(32)))


@pytest.fixture
def db(tmp_path):
    return open_register(tmp_path / "register.sqlite")


@pytest.fixture
def running(db):
    lessons.start_lesson(db, LESSON, PLAN, "rtc")
    for slot in range(4):
        lessons.add_capture(db, LESSON.lesson_id, Capture(slot, f"{slot}.jpg", START + timedelta(minutes=slot)))
    return db


def finalised(db, sightings=()):
    return lessons.finalise(db, LESSON.lesson_id, sightings, lambda previous: f'{{"previous":"{previous}"}}', START)


def test_a_lesson_is_recorded_before_its_first_capture(db):
    started = lessons.start_lesson(db, LESSON, PLAN, "rtc")
    assert started == lessons.get_lesson(db, LESSON.lesson_id)
    assert started.lesson == LESSON
    assert (started.seed, started.captures_planned, started.clock, started.state) == (PLAN.seed, 6, "rtc", "running")
    assert [one.lesson for one in lessons.running_lessons(db)] == [LESSON]


def test_a_restart_goes_on_with_the_first_plan(db):
    first = lessons.start_lesson(db, LESSON, PLAN, "rtc")
    assert lessons.start_lesson(db, LESSON, make_plan(LESSON.lesson_id, 2700, 6), "synchronised") == first


def test_an_unknown_lesson_is_none(db):
    assert lessons.get_lesson(db, "nothing") is None
    assert registers.latest(db, "nothing") is None


def test_captures_and_missed_ones_are_kept_by_slot(running):
    lessons.add_missed(running, LESSON.lesson_id, MissedCapture(5, "truncated"))
    assert [c.slot for c in lessons.captures(running, LESSON.lesson_id)] == [0, 1, 2, 3]
    assert lessons.captures(running, LESSON.lesson_id)[2] == Capture(2, "2.jpg", START + timedelta(minutes=2))
    assert lessons.missed_captures(running, LESSON.lesson_id) == [MissedCapture(5, "truncated")]


def test_a_slot_is_either_taken_or_missed(running):
    lessons.add_missed(running, LESSON.lesson_id, MissedCapture(3, "late news"))
    assert lessons.missed_captures(running, LESSON.lesson_id) == []
    lessons.add_missed(running, LESSON.lesson_id, MissedCapture(4, "camera"))
    lessons.add_capture(running, LESSON.lesson_id, Capture(4, "4.jpg", START))
    assert lessons.missed_captures(running, LESSON.lesson_id) == []
    assert len(lessons.captures(running, LESSON.lesson_id)) == 5


def test_a_capture_recorded_twice_counts_once(running):
    lessons.add_capture(running, LESSON.lesson_id, Capture(0, "again.jpg", START + timedelta(hours=1)))
    assert lessons.captures(running, LESSON.lesson_id)[0] == Capture(0, "0.jpg", START)


def test_a_capture_survives_a_crash_of_the_process(running, tmp_path):
    other = sqlite3.connect(tmp_path / "register.sqlite")  # sees only what was committed
    assert other.execute("SELECT count(*) FROM captures").fetchone() == (4,)


def test_captures_need_a_running_lesson(running):
    finalised(running)
    with pytest.raises(StoreError, match="finalised already"):
        lessons.add_capture(running, LESSON.lesson_id, Capture(5, "5.jpg", START))
    with pytest.raises(StoreError, match="never started"):
        lessons.add_missed(running, "nothing", MissedCapture(5, "camera"))
    with pytest.raises(StoreError, match="never started"):
        lessons.finalise(running, "nothing", (), lambda _: "{}", START)


def test_sightings_come_back_as_they_were(running):
    sightings = [
        Sighting(0, "a", 0.5, True, Box(9.5, 10, 11, 12)),
        Sighting(0, "b", 0.4, True, Box(5, 6, 7, 8)),
        Sighting(1, "a", 0.6, False, Box(9, 10, 11, 12)),
    ]
    finalised(running, sightings)
    assert lessons.sightings(running, LESSON.lesson_id) == sightings
    assert lessons.frame_counts(running, LESSON.lesson_id) == {"a": (2, 1), "b": (1, 1)}


def test_of_unknown_faces_nothing_is_written(running, tmp_path):
    nobody = [Sighting(slot, "", 0.2, True, Box(1234.5678, 2, 3, 4)) for slot in range(4)]
    finalised(running, [*nobody, Sighting(0, "a", 0.5, True, Box(9, 10, 11, 12))])
    assert running.execute("SELECT student_id FROM sightings").fetchall() == [("a",)]
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert struct.pack(">d", 1234.5678) not in written
    assert struct.pack(">d", 0.5) in written


def test_a_student_counts_once_a_capture_or_nothing_is_written(running):
    twice = [Sighting(0, "a", 0.5, True, Box(1, 2, 3, 4)), Sighting(0, "a", 0.6, True, Box(5, 6, 7, 8))]
    with pytest.raises(sqlite3.IntegrityError):
        finalised(running, twice)
    assert lessons.sightings(running, LESSON.lesson_id) == []
    assert lessons.get_lesson(running, LESSON.lesson_id).state == "running"
    assert registers.latest(running, LESSON.lesson_id) is None


def test_a_sighting_needs_its_capture(running):
    with pytest.raises(sqlite3.IntegrityError):
        finalised(running, [Sighting(5, "a", 0.5, True, Box(1, 2, 3, 4))])


def test_finalising_twice_changes_nothing(running):
    sightings = sightings_of({"a": 1.0}, range(4))
    first = finalised(running, sightings)
    again = lessons.finalise(running, LESSON.lesson_id, sightings, lambda _: "other", START + timedelta(days=1))
    assert again == first
    assert lessons.frame_counts(running, LESSON.lesson_id) == {"a": (4, 4)}


def test_a_failing_document_leaves_the_lesson_running(running):
    with pytest.raises(ZeroDivisionError):
        lessons.finalise(running, LESSON.lesson_id, sightings_of({"a": 1.0}, range(4)), lambda _: 1 // 0, START)
    assert lessons.sightings(running, LESSON.lesson_id) == []
    assert lessons.get_lesson(running, LESSON.lesson_id).state == "running"


def test_an_interrupted_rehearsal_can_be_forgotten_and_a_register_can_not(running):
    finalised(running, sightings_of({"a": 1.0}, range(4)))
    lessons.discard_lesson(running, LESSON.lesson_id)
    assert registers.latest(running, LESSON.lesson_id) is not None
    other = replace(LESSON, lesson_id="other")
    lessons.start_lesson(running, other, PLAN, "rtc")
    lessons.add_capture(running, "other", Capture(0, "0.jpg", START))
    lessons.discard_lesson(running, "other")
    assert lessons.get_lesson(running, "other") is None
    assert lessons.captures(running, "other") == []


def test_registers_can_be_neither_changed_nor_deleted_nor_replaced(running):
    register = finalised(running)
    for statement in (
        "UPDATE registers SET document = ''",
        "DELETE FROM registers",
        "INSERT OR REPLACE INTO registers SELECT * FROM registers",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="immutable"):
            running.execute(statement)
        running.conn.rollback()
    assert registers.latest(running, LESSON.lesson_id) == register


def test_the_ledger_is_a_chain_of_hashes(db):
    documents = []
    for day in range(3):
        register, sightings = a_register(a_lesson(START + timedelta(days=day)), {"a": 1.0, "b": 0.0}, captures=4)
        documents.append((register.lesson.lesson_id, keep(db, register, sightings)))
    stored = registers.latest_registers(db)
    assert [(one.lesson_id, one.document) for one in stored] == documents
    assert [one.sha256 for one in stored] == [hashlib.sha256(d.encode()).hexdigest() for _, d in documents]
    assert '"previous_sha256":null' in documents[0][1]
    for before, after in itertools.pairwise(stored):
        assert f'"previous_sha256":"{before.sha256}"' in after.document


def test_revisions_are_appended_and_the_last_one_holds(running):
    first = finalised(running)
    with transaction(running):
        second = registers.add_revision(running, LESSON.lesson_id, lambda last: f"after {last.sha256}", START)
    assert second.revision == 2
    assert second.document == f"after {first.sha256}"
    assert registers.revisions(running, LESSON.lesson_id) == [first, second]
    assert registers.latest(running, LESSON.lesson_id) == second
    assert registers.latest_registers(running) == [second]
    with pytest.raises(RegisterError, match="no such register"):
        registers.add_revision(running, "nothing", lambda _: "", START)


def keep_registers(db, days):
    """Keep one register a day; return the ids of their lessons."""
    registers_made = [a_register(a_lesson(START + timedelta(days=day)), {"a": 1.0}, captures=2) for day in range(days)]
    for register, sightings in registers_made:
        keep(db, register, sightings)
    return [register.lesson.lesson_id for register, _ in registers_made]


def test_registers_are_found_by_the_day_of_their_lesson(db):
    ids = keep_registers(db, 3)
    day = timedelta(days=1)
    assert [one.lesson_id for one in registers.latest_registers(db, START + day)] == ids[1:]
    assert [one.lesson_id for one in registers.latest_registers(db, START, START + day)] == ids[:1]
    assert [one.lesson_id for one in registers.latest_registers(db, None, START + day)] == ids[:1]
    assert registers.latest_registers(db, START + 3 * day) == []


def test_a_register_is_found_by_the_beginning_of_its_id(db):
    ids = keep_registers(db, 30)
    assert registers.find_lesson(db, ids[3]) == ids[3]
    assert registers.find_lesson(db, ids[3][:12].upper()) == ids[3]
    for prefix in ("", ids[3] + "0", "zzz", "%", "_" * 36):
        with pytest.raises(RegisterError, match=r"no such register|several"):
            registers.find_lesson(db, prefix)
    shared = next(one[:1] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    with pytest.raises(RegisterError, match="several"):
        registers.find_lesson(db, shared)


def test_erased_sightings_leave_no_trace_in_the_files(running, tmp_path):
    canary = "student-1234567890-canary"
    finalised(running, sightings_of({canary: 1.0, "b": 0.5}, range(4)))
    assert any(canary.encode() in file.read_bytes() for file in tmp_path.iterdir())
    assert lessons.erase_sightings(running, canary) == 4
    assert lessons.erase_sightings(running, canary) == 0
    assert not any(canary.encode() in file.read_bytes() for file in tmp_path.iterdir())
    assert lessons.frame_counts(running, LESSON.lesson_id) == {"b": (2, 2)}
