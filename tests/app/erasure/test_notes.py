"""Notes about a correction: only on the device, under the student's key, and erased with the student."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta

import pytest

from edge_daemon.app.registers.correct_register import correct_by_hand
from edge_daemon.attendance import register as registers_of
from edge_daemon.attendance.document import from_json, sign
from edge_daemon.device.secrets import device_key
from edge_daemon.device.signing import Signer
from edge_daemon.store.backup import backups
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.registers import append, latest
from edge_daemon.types import Correction
from tests.app.erasure.room import NOW, Room
from tests.cli.running import run
from tests.registers import a_lesson, a_register, keep

WORDS = "was at the psychologist's"
LESSON = a_lesson(NOW)


@pytest.fixture
def room(tmp_path) -> Room:
    room = Room(tmp_path / "home", tmp_path / "office")
    room.enrol(sighted=False)
    db = open_register(room.home.register_db_path)
    with closing(db.conn):
        keep(db, *a_register(LESSON, {"S1": 0.1, "S2": 0.9}), Signer(device_key(room.home.key_path)))
    return room


def correct(room: Room, reason: str, student_id: str = "S1"):
    arguments = ("--student", student_id, "--verdict", "present", "--by", "Ms Weber", "--reason", reason)
    result = run(room.home.state_dir, "register", "correct", LESSON.lesson_id, *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result


def register_shown(room: Room) -> dict[str, object]:
    return json.loads(run(room.home.state_dir, "register", "show", LESSON.lesson_id, "--json").stdout)


def holders(room: Room, words: str) -> set[str]:
    files = [path for path in room.home.state_dir.rglob("*") if path.is_file()]
    return {path.name for path in files if words.encode() in path.read_bytes()}


def test_words_become_a_code_in_the_register_and_a_sealed_note_beside_it(room):
    output = correct(room, WORDS).stdout
    assert output.endswith("your words are kept as a note on this device; the register has the code `other`\n")
    (correction,) = register_shown(room)["corrections"]
    assert (correction["reason"], correction["reason_code"]) == ("other", "other")
    assert [note["note"] for note in register_shown(room)["notes"]] == [WORDS]
    text = run(room.home.state_dir, "register", "show", LESSON.lesson_id).stdout
    assert f"because: for another reason (note: {WORDS})" in text
    assert holders(room, "psychologist") == set()


def test_a_code_needs_no_note_however_it_is_written(room):
    correct(room, "Came late")
    (correction,) = register_shown(room)["corrections"]
    assert (correction["reason"], correction["reason_code"], register_shown(room)["notes"]) == (
        "came_late",
        "came_late",
        [],
    )


def test_other_words_for_the_same_decision_take_the_place_of_the_note(room):
    correct(room, WORDS)
    assert "no new revision" in correct(room, "was in the library").stdout
    assert [note["note"] for note in register_shown(room)["notes"]] == ["was in the library"]


def test_other_words_for_the_last_decision_leave_the_note_of_the_first(room):
    decisions = (("present", WORDS), ("absent", "went home"), ("absent", "went to the nurse"))
    for hour, (verdict, reason) in enumerate(decisions, 1):
        wanted = Correction("S1", verdict, "Ms Weber", reason, NOW + timedelta(hours=hour))
        correct_by_hand(room.home, LESSON.lesson_id, wanted)
    assert [note["note"] for note in register_shown(room)["notes"]] == [WORDS, "went to the nurse"]


def test_the_note_goes_with_the_student_and_the_signed_register_stays(room):
    correct(room, WORDS)
    correct(room, "was there", "S2")
    run(room.home.state_dir, "maintain", "backup")
    assert run(room.home.state_dir, "enrol", "remove", "S1", "--yes").exit_code == 0
    assert [note["note"] for note in register_shown(room)["notes"]] == ["was there"]
    assert [one["reason"] for one in register_shown(room)["corrections"]] == ["other", "other"]
    assert len(backups(room.home.backup_dir, "gallery")) == 1


def test_the_note_goes_when_consent_is_taken_back(room):
    correct(room, WORDS)
    room.school.write_roster(S1="no", S2="yes", S3="no")
    store = room.gallery()
    with closing(store.db.conn):
        room.school.enrol(store, photos=False)
        assert store.db.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    assert register_shown(room)["notes"] == []


def test_words_that_an_earlier_release_signed_stay_and_the_removal_prints_them(room):
    db = open_register(room.home.register_db_path)
    with closing(db.conn):
        last = latest(db, LESSON.lesson_id)
        old = from_json(last.document).register
        new = registers_of.correct(old, "S1", "present", by="T", reason=WORDS, at=NOW)
        with transaction(db):
            append(db, last.lesson_id, 2, sign(new, last.sha256, Signer(device_key(room.home.key_path))), NOW)
    result = run(room.home.state_dir, "enrol", "remove", "S1", "--yes").stdout
    assert f"stays: words of an earlier release, signed: register {LESSON.lesson_id}, 2026-11-21: {WORDS}" in result
