"""A lesson from its first picture to its register, with power cuts and interruptions."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import pytest
import sqlite_utils

from edge_daemon.__main__ import run
from edge_daemon.app.capture.lesson_run import LessonRun
from edge_daemon.app.opening.models_and_gallery import embedder_id, load_models, open_gallery_store
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.attendance.proof import prove_register
from edge_daemon.camera.files import open_files
from edge_daemon.gallery.door_faces import DoorFaces
from edge_daemon.home import Home
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import outbox
from edge_daemon.store.check_ins import note_check_in
from edge_daemon.store.database import open_register
from edge_daemon.store.registers import latest_registers
from edge_daemon.types import Frame, Lesson, MissedCapture

START = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)
CAPTURES = 4
SCHEMA = Path(__file__).parents[3] / "docs" / "register.schema.json"


@pytest.fixture
def home(demo_home: Path, tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(demo_home, tmp_path / "home")))


@pytest.fixture
def frames(demo_frames: Path) -> list[Frame]:
    with open_files(demo_frames, lambda slot: START + timedelta(minutes=7 * slot)) as camera:
        return [camera.capture(slot) for slot in range(CAPTURES)]


def _begin(home: Home, register_db: sqlite_utils.Database, **more: Path) -> LessonRun:
    lesson = Lesson(
        "11111111-1111-5111-8111-111111111111", "room-1", "", START, START + timedelta(minutes=45), "timetable"
    )
    plan = make_plan(lesson.lesson_id, 2700.0, CAPTURES, bytes(32))
    models, signer = load_models(home.config), open_signer(home)
    gallery = open_gallery_store(home)
    return LessonRun(home.config, register_db, gallery, models, lesson, plan, CAPTURES, "synchronised", signer, **more)


def test_a_lesson_cut_in_the_middle_goes_on_and_counts_what_was_taken_before(home: Home, frames: list[Frame]):
    whole = _begin(home, open_register(home.state_dir / "register-whole.sqlite"))
    for frame in frames:
        whole.take(frame)
    expected, _ = whole.finalise()

    first = _begin(home, open_register(home.register_db_path))
    for frame in frames[:2]:
        first.take(frame)
    del first  # the power goes: nothing is finalised, nothing is closed
    second = _begin(home, open_register(home.register_db_path))
    for frame in frames[2:]:
        second.take(frame)
    register, _ = second.finalise()
    assert register.captures_taken == CAPTURES
    seen = {v.tally.student_id: (v.tally.captures_seen, v.verdict) for v in register.verdicts}
    assert seen == {v.tally.student_id: (v.tally.captures_seen, v.verdict) for v in expected.verdicts}
    assert seen["S1"][0] == CAPTURES


def test_the_register_is_signed_in_the_transaction_that_finalises_it_and_keeps_to_its_schema(home, frames):
    db = open_register(home.register_db_path)
    run_of_lesson = _begin(home, db)
    run_of_lesson.take(frames[0])
    run_of_lesson.finalise()
    (stored,) = latest_registers(db)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(json.loads(stored.document))
    proven = prove_register(stored.document, open_signer(home).public_key)
    assert (proven.is_signed, proven.sha256) == (True, stored.sha256)


def test_candidates_are_sealed_on_disk_and_gone_after_the_lesson(home: Home, frames: list[Frame]):
    lesson_run = _begin(home, open_register(home.register_db_path))
    lesson_run.take(frames[0])
    gallery = open_gallery_store(home)
    (sealed,) = candidate_rows.candidates(gallery.db, "11111111-1111-5111-8111-111111111111").values()
    plain = gallery.open_candidates("11111111-1111-5111-8111-111111111111", 0, sealed)
    assert len(plain) > 100
    assert plain[:40] not in b"".join(p.read_bytes() for p in home.state_dir.glob("gallery.sqlite*"))
    lesson_run.finalise()
    assert not candidate_rows.candidates(gallery.db, "11111111-1111-5111-8111-111111111111")
    left = b"".join(p.read_bytes() for p in home.state_dir.glob("gallery.sqlite*"))
    assert sealed[:32] not in left


def test_a_face_seen_at_the_door_counts_from_the_next_capture_and_is_erased_with_the_register(
    home: Home, frames: list[Frame], tmp_path: Path
):
    folder = tmp_path / "door-faces"
    lesson_run = _begin(home, open_register(home.register_db_path), door_faces=folder)
    lesson_run.take(frames[0])
    before = max(lesson_run._candidates[0], key=lambda one: one.similarities[0])
    door = DoorFaces(open_gallery_store(home), embedder_id(load_models(home.config)), folder)
    assert door.keep("S1", before.embedding, START)
    lesson_run.take(frames[0])
    after = max(lesson_run._candidates[0], key=lambda one: one.similarities[0])
    assert abs(after.similarities[0] - before.similarities[0]) > 0.02
    assert door.keep("S2", next(iter(door._store.faces(door._embedder)["S2"])), START)
    (s1, s2) = (folder / door._store.keyed_id(one) for one in ("S1", "S2"))
    for path, minutes in ((s1, 29), (s2, 31)):  # the second one is for the next lesson, too
        at = (START + timedelta(minutes=minutes)).timestamp()
        os.utime(path, (at, at))
    lesson_run.finalise()
    assert list(folder.iterdir()) == [s2]


def test_a_missed_capture_is_named_and_is_no_absence(home: Home, frames: list[Frame]):
    lesson_run = _begin(home, open_register(home.register_db_path))
    for frame in frames[:2]:
        lesson_run.take(frame)
    lesson_run.miss(MissedCapture(2, "camera: no answer in 10 s"))
    lesson_run.miss(MissedCapture(3, "camera: no answer in 10 s"))
    register, _ = lesson_run.finalise()
    assert register.captures_taken == 2
    assert [m.slot for m in register.missed] == [2, 3]
    assert next(v for v in register.verdicts if v.tally.student_id == "S1").share == 1.0


def test_a_student_who_is_removed_during_a_lesson_is_not_in_its_register(home: Home, frames: list[Frame]):
    register_db = open_register(home.register_db_path)
    lesson_run = _begin(home, register_db)
    for frame in frames:
        lesson_run.take(frame)
    assert "S1" in lesson_run.provisional()
    assert run(["--home", str(home.state_dir), "enrol", "remove", "S1", "--yes"]) == 0
    register, sightings = lesson_run.finalise()
    assert "S1" not in {v.tally.student_id for v in register.verdicts}
    assert "S1" not in register.guests
    assert "S1" not in {s.student_id for s in sightings}
    assert register.unknown_faces >= 1
    stored = {student_id for (student_id,) in register_db.execute("SELECT DISTINCT student_id FROM sightings")}
    assert stored == {s.student_id for s in sightings} - {""}


def test_a_register_is_there_with_its_way_to_the_office(home: Home, frames: list[Frame]):
    db = open_register(home.register_db_path)
    lesson_run = _begin(home, db)
    for frame in frames[:2]:
        lesson_run.take(frame)
    assert outbox.listed(db) == []
    lesson_run.finalise()
    assert [(one.destination, one.kind, one.ref) for one in outbox.listed(db)] == [
        ("upstream", "register", "11111111-1111-5111-8111-111111111111/1")
    ]


@pytest.mark.parametrize(
    ("begins_on", "ends_before", "expected"),
    [("2026-12-01", None, False), (None, "2026-11-20", False), ("2026-11-01", "2026-11-21", True)],
)
def test_a_student_who_is_enrolled_on_another_day_is_a_guest_and_not_absent(
    home, frames, begins_on, ends_before, expected
):
    gallery = open_gallery_store(home)
    with gallery.db.conn:
        gallery.db.execute("UPDATE students SET courses = '[\"Art\"]' WHERE student_id = 'S1'")
        gallery.db.execute(
            "INSERT INTO enrolment_periods (student_id, course, begins_on, ends_before) VALUES ('S1', 'Art', ?, ?)",
            (begins_on, ends_before),
        )
    lesson = _begin(home, open_register(home.register_db_path))
    for frame in frames[:2]:
        lesson.take(frame)
    register, _ = lesson.finalise()
    assert ("S1" in {v.tally.student_id for v in register.verdicts}) is expected
    assert ("S1" in register.guests) is not expected


def test_masks_are_counted_for_the_room_also_over_a_cut(home: Home, frames: list[Frame]):
    home.config_path.write_text("[mask]\nenabled = true\n", "utf-8")
    home = Home(home.state_dir)
    first = _begin(home, open_register(home.register_db_path))
    for frame in frames[:2]:
        first.take(frame)
    second = _begin(home, open_register(home.register_db_path))  # what was measured before the cut counts too
    for frame in frames[2:4]:
        second.take(frame)
    register, sightings = second.finalise()
    assert register.mask is not None
    everybody = {s.student_id for s in sightings} - {""}
    assert register.mask.none >= len(everybody) - 1  # bare faces all; one may stay undecided
    assert (register.mask.right, register.mask.wrong) == (0, 0)
    assert register.models["mask"] == load_models(home.config).card("mask").sha256


def test_the_register_has_the_times_of_check_ins_and_nobody_is_absent_who_checked_in_and_is_not_found(home, frames):
    db = open_register(home.register_db_path)
    run_of_lesson = _begin(home, db)
    for frame in frames[3:]:  # S3 has left
        run_of_lesson.take(frame)
    early, late = START - timedelta(minutes=4), START + timedelta(minutes=2)
    for student_id, at in (("S3", early), ("S1", late), ("S2", START - timedelta(hours=2))):  # an earlier lesson
        note_check_in(db, student_id, at)
    register, _ = run_of_lesson.finalise()
    found = {one.tally.student_id: one for one in register.verdicts}
    assert {i: one.checked_in_at for i, one in found.items()} == {"S1": late, "S2": None, "S3": early, "S4": None}
    assert (found["S3"].tally.captures_seen, found["S3"].verdict) == (0, "inconclusive")
    document = json.loads(latest_registers(db)[0].document)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(document)
