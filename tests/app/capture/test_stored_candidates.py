"""A lesson continues with the stored faces of any release, and decrypts no name for that."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_daemon.app.capture.lesson_run import LessonRun
from edge_daemon.app.capture.missed_reasons import UNREADABLE
from edge_daemon.app.capture.untimed_sessions import begin_without_time, give_to_lessons, lesson_place_of
from edge_daemon.app.opening.models_and_gallery import load_models, open_gallery_store
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.attendance import candidate_codec
from edge_daemon.device import sealing
from edge_daemon.device.clock import Reading
from edge_daemon.gallery.data_keys import binding
from edge_daemon.home import Home
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register
from edge_daemon.store.untimed import UntimedCapture, add_untimed
from edge_daemon.types import Lesson
from tests.registers import SEEDS

START = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)
LESSON = Lesson("11111111-1111-5111-8111-111111111111", "room-1", "", START, START + timedelta(minutes=45), "timetable")
CAPTURES = 3
WRITTEN_BY_4DE1FC4 = Path(__file__).parents[2] / "attendance" / "data" / "candidates-4de1fc4"
STUDENTS = json.loads((WRITTEN_BY_4DE1FC4 / "expected.json").read_text("utf-8"))["student_ids"]
FORM_99 = "its faces were stored in form 99, which this program does not read"


class Restart:
    """A lesson interrupted after its captures: a home, and what the earlier worker left in both databases."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.db, self.gallery = open_register(home.register_db_path), open_gallery_store(home)
        self.plan = make_plan(LESSON.lesson_id, 2700.0, CAPTURES, bytes(32))

    def add_stored_capture(self, slot: int, plain: bytes, bound_to_slot: int | None = None) -> None:
        lessons.start_lesson(self.db, LESSON, self.plan, "synchronised", CAPTURES)
        self._keep(LESSON.lesson_id, slot, plain, bound_to_slot)
        at = START + timedelta(seconds=self.plan.offsets_s[slot])
        lessons.add_capture(self.db, LESSON.lesson_id, lessons.Capture(slot, f"{slot}.jpg", at, "synchronised"))

    def left_untimed(self, number: int, boot: str, ago_s: float, plain: bytes, bound_to_slot: int | None = None) -> str:
        session, slot = lesson_place_of("room-1", boot, number)
        self._keep(session, slot, plain, bound_to_slot)
        add_untimed(self.db, UntimedCapture(session, slot, boot, 10_000.0 - ago_s, START))
        return session

    def _keep(self, lesson_id: str, slot: int, plain: bytes, bound_to_slot: int | None) -> None:
        sealed = self.gallery.seal_candidates(lesson_id, slot if bound_to_slot is None else bound_to_slot, plain)
        candidate_rows.put_candidates(self.gallery.db, lesson_id, slot, sealed)

    def run(self, lesson_id: str = LESSON.lesson_id) -> LessonRun:
        stored = lessons.get_lesson(self.db, lesson_id)
        models, signer = load_models(self.home.config), open_signer(self.home)
        planned, clock = stored.captures_planned, stored.clock
        return LessonRun(
            self.home.config, self.db, self.gallery, models, stored.lesson, self.plan, planned, clock, signer
        )


@pytest.fixture
def restart(demo_home: Path, tmp_path: Path) -> Restart:
    return Restart(Home(Path(shutil.copytree(demo_home, tmp_path / "home"))))


def old(slot: int) -> bytes:
    return (WRITTEN_BY_4DE1FC4 / f"{slot}.bin").read_bytes()


@pytest.fixture
def form_99(monkeypatch) -> bytes:
    with monkeypatch.context() as patched:
        patched.setattr(candidate_codec, "VERSION", 99)
        return candidate_codec.pack([], STUDENTS)


def test_a_lesson_goes_on_with_the_faces_that_the_release_before_stored(restart):
    for slot in range(CAPTURES):
        restart.add_stored_capture(slot, old(slot))
    register, sightings = restart.run().finalise()
    assert (register.captures_taken, register.missed) == (CAPTURES, ())
    assert {s.student_id for s in sightings if s.slot == 1} & set(STUDENTS)


def test_faces_of_a_newer_form_are_missed_captures_and_the_lesson_is_finalised(restart, form_99):
    restart.add_stored_capture(0, old(0))
    restart.add_stored_capture(1, form_99)
    restart.add_stored_capture(2, b"\x00")
    register, _ = restart.run().finalise()
    assert register.captures_taken == 1
    assert [(m.slot, m.reason) for m in register.missed] == [
        (1, FORM_99),
        (2, "its faces were stored in an unknown form"),
    ]
    assert lessons.get_lesson(restart.db, LESSON.lesson_id).state == "finalised"
    assert not candidate_rows.candidates(restart.gallery.db, LESSON.lesson_id)


def test_no_student_is_absent_where_no_capture_can_be_read(restart, form_99):
    for slot in range(CAPTURES):
        restart.add_stored_capture(slot, form_99)
    register, _ = restart.run().finalise()
    assert {v.verdict for v in register.verdicts} <= {"inconclusive", "not_assessed"}


def test_faces_that_do_not_open_are_missed_captures_too(restart):
    restart.add_stored_capture(0, old(0))
    restart.add_stored_capture(1, old(1), bound_to_slot=2)
    register, _ = restart.run().finalise()
    assert [(m.slot, m.reason) for m in register.missed] == [(1, UNREADABLE)]


def test_a_slot_whose_faces_cannot_be_read_is_settled_and_gets_no_second_picture(restart, form_99):
    restart.add_stored_capture(1, form_99)
    assert restart.run().settled_slots == {1}


def test_pictures_of_an_unknown_time_in_a_newer_form_are_missed_captures_of_their_lesson(restart, form_99):
    restart.left_untimed(0, "boot", 2600.0, old(0))
    restart.left_untimed(1, "boot", 1500.0, form_99)
    restart.left_untimed(2, "boot", 600.0, old(2), bound_to_slot=9)
    reading = Reading(LESSON.end, 10_000.0, "synchronised", "boot")
    assert give_to_lessons(restart.db, restart.gallery, [LESSON], 100, reading, SEEDS) == 2
    register, _ = restart.run().finalise()
    assert register.captures_taken == 1
    assert sorted(m.reason for m in register.missed) == sorted([FORM_99, UNREADABLE])


def test_pictures_of_a_time_that_is_never_known_in_a_newer_form_are_missed_captures(restart, form_99):
    session = restart.left_untimed(0, "old boot", 100.0, form_99)
    assert begin_without_time(restart.db, "room-1", "new boot") == [session]
    register, _ = restart.run(session).finalise()
    assert (register.captures_taken, [m.reason for m in register.missed]) == (0, [FORM_99])


def test_a_lesson_opens_no_name_and_no_address(restart, monkeypatch):
    opened = []
    plainly = sealing.open_sealed

    def counted(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
        opened.append(bound_to)
        return plainly(key, sealed, bound_to)

    monkeypatch.setattr(sealing, "open_sealed", counted)
    ids = restart.gallery.student_ids()
    names = {binding("fields", student_id) for student_id in ids}
    restart.gallery.students()
    assert len(ids) == 4
    assert len(names.intersection(opened)) == 4, "it is counted when a name is opened"
    opened.clear()
    for slot in range(CAPTURES):
        restart.add_stored_capture(slot, old(slot))
    run = restart.run()
    assert not names.intersection(opened)
    opened.clear()
    run.provisional()
    run.finalise()
    assert opened == []
