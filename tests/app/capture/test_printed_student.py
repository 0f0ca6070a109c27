"""A print of a student through a whole lesson: sealed rows, a restart, the register, and the held mail."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from edge_daemon.app.capture.lesson_run import LessonRun
from edge_daemon.app.opening.models_and_gallery import load_models, open_gallery_store
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.attendance import candidate_codec
from edge_daemon.attendance.doubt import standing
from edge_daemon.home import Home
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register
from edge_daemon.traits import FacePoints, Traits
from edge_daemon.types import Box, Candidate, Lesson, Quality, Register
from tests.attendance.evidence import moving_faces

START = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)
IDS = ["S1", "S2", "S3"]
CAPTURES = 24


def lesson(minutes: int, origin: str = "timetable", day: int = 0) -> Lesson:
    start = START + timedelta(days=day)
    end = start + timedelta(minutes=minutes) if origin == "timetable" else start
    return Lesson(f"11111111-1111-5111-8111-11111111111{day}", "room-1", "", start, end, origin)


def face(slot: int, student: int, points: FacePoints, rng: np.random.Generator, stray_px: float = 2.0) -> Candidate:
    similarities = rng.normal(0.02, 0.04, len(IDS))
    similarities[student] = rng.normal(0.72, 0.03)
    box = Box(200.0 + 400 * student + rng.normal(0, stray_px), 300, 60, 75)
    row = similarities.astype(np.float32)
    return Candidate(slot, box, 0.999, Quality(60, 0.6, 1.0), True, row, None, Traits(points=points))


def register_of(home: Path, held: Lesson, *, print_stray_px: float = 2.0) -> Register:
    """S1 is there, living; of S2 there is a print; S3 is away. One worker stored it all, another one ends it."""
    opened = Home(home)
    db, gallery = open_register(opened.register_db_path), open_gallery_store(opened)
    minutes = (held.end - held.start).total_seconds() or 2700.0
    plan = make_plan(held.lesson_id, minutes, CAPTURES, bytes(32))
    lessons.start_lesson(db, held, plan, "synchronised", CAPTURES)
    rng = np.random.default_rng(8)
    alive, flat = moving_faces.living(CAPTURES, rng), moving_faces.printed(CAPTURES, rng)
    for slot in range(CAPTURES):
        faces = [face(slot, 0, alive[slot], rng, 6.0), face(slot, 1, flat[slot], rng, print_stray_px)]
        sealed = gallery.seal_candidates(held.lesson_id, slot, candidate_codec.pack(faces, IDS))
        candidate_rows.put_candidates(gallery.db, held.lesson_id, slot, sealed)
        at = held.start + timedelta(seconds=plan.offsets_s[slot] if held.origin == "timetable" else 0)
        lessons.add_capture(db, held.lesson_id, lessons.Capture(slot, f"{slot}.jpg", at, "synchronised"))
    models, signer = load_models(opened.config), open_signer(opened)
    run = LessonRun(
        opened.config, db, gallery, models, held, plan, CAPTURES, "synchronised", signer, takes_pictures=False
    )
    return run.finalise()[0]


@pytest.fixture
def home(demo_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(demo_home, tmp_path / "home"))


@pytest.mark.parametrize("origin", ["timetable", "rehearsal"])
def test_a_student_whose_print_was_in_the_room_is_inconclusive_and_to_be_confirmed(home, origin):
    verdicts = {v.tally.student_id: v for v in register_of(home, lesson(45, origin)).verdicts}
    assert (verdicts["S1"].verdict, verdicts["S1"].flags) == ("present", ())
    assert verdicts["S2"].verdict == "inconclusive"
    assert verdicts["S2"].flags == ("static_face",)
    assert (verdicts["S2"].tally.captures_seen, standing(verdicts["S2"])) == (0, "to_confirm")
    assert verdicts["S3"].verdict == "absent"


def test_in_a_lesson_of_twenty_minutes_nothing_is_called_a_picture(home):
    verdicts = {v.tally.student_id: v for v in register_of(home, lesson(20)).verdicts}
    assert verdicts["S2"].verdict == "present"
    assert not any("static_face" in v.flags for v in verdicts.values())


def test_a_poster_counts_as_a_picture_from_the_third_short_lesson_on(home):
    found = [register_of(home, lesson(20, day=day), print_stray_px=0.3) for day in range(4)]
    of_student = [{v.tally.student_id: v for v in register.verdicts} for register in found]
    assert [one["S2"].verdict for one in of_student] == ["present", "present", "inconclusive", "inconclusive"]
    assert of_student[3]["S2"].flags == ("static_face",)
    assert {one["S1"].verdict for one in of_student} == {"present"}
    db = open_register(Home(home).register_db_path)
    rows = db.execute("SELECT student_id, count(*) FROM still_faces GROUP BY 1").fetchall()
    assert rows == [("S2", 4)], "of the living student nothing is kept"
