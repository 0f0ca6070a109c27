from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.__main__ import run as program
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.device.signing import Signer, is_signed_by
from edge_daemon.errors import KeyFileError
from edge_daemon.gallery.data_keys import plain_fingerprint
from edge_daemon.home import Home
from edge_daemon.store import gallery as tables
from edge_daemon.store import lessons, retention
from edge_daemon.store import registers as ledger
from edge_daemon.store.database import open_gallery, open_register
from edge_daemon.store.gallery import Tombstone
from edge_daemon.timestamps import stored
from edge_daemon.traits import MaskCounts
from edge_daemon.types import MissedCapture, Register, Resemblance, RoomSeat, Sighting
from tests.cli.running import run
from tests.registers import START, a_home, a_lesson, a_register

FIRST, SECOND = a_lesson(), a_lesson(START + timedelta(days=1), "chess club")


@pytest.fixture
def home(tmp_path):
    (tmp_path / "config.toml").write_text('[device]\ntime_zone = "Europe/Berlin"\n', "utf-8")
    missed = [MissedCapture(3, "unreadable: 4.jpg")]
    first = a_register(FIRST, {"a": 1.0, "b": 0.4, "c": 0.0}, missed=missed, not_assessed=["c"], visitors={"v": 0.2})
    second = a_register(SECOND, {"a": 0.0, "b": 0.9}, strangers=0.5)
    return a_home(tmp_path, [first, second])


def without_maps(register: Register, sightings: list[Sighting]) -> tuple[Register, list[Sighting]]:
    """Return a register of the earlier release, in which only the sightings have the captures of each student."""
    return replace(register, rule=None, verdicts=tuple(replace(v, captures=None) for v in register.verdicts)), sightings


def test_the_list_has_a_line_a_register(home):
    result = run(home, "register", "list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert FIRST.lesson_id.startswith(lines[1].split()[0])
    assert "2026-11-16  08:00-08:45  7b" in lines[1]
    assert "19/20" in lines[1]
    assert "chess club" in lines[2]


def test_the_list_as_json_counts_the_verdicts(home):
    first, second = json.loads(run(home, "register", "list", "--json").stdout)
    assert (first["lesson_id"], first["revision"], first["course"]) == (FIRST.lesson_id, 1, "7b")
    assert (first["start"], first["end"]) == ("2026-11-16T07:00:00Z", "2026-11-16T07:45:00Z")
    assert (first["captures_planned"], first["captures_taken"]) == (20, 19)
    assert [first[v] for v in ("present", "absent", "inconclusive", "not_assessed")] == [2, 0, 0, 1]
    assert [second[v] for v in ("present", "absent", "inconclusive", "not_assessed")] == [1, 1, 0, 0]


def test_the_list_has_its_notes_in_full_unless_it_is_for_a_terminal(tmp_path, capsys, monkeypatch):
    register, sightings = a_register(FIRST, {"a": 1.0})
    home = a_home(tmp_path, [(replace(register, register_flags=("view_changed", "glare")), sightings)])
    note = f"view changed, glare: was it held? register confirm {FIRST.lesson_id[:8]} --held | --not-held"
    assert run(home, "register", "list").stdout.splitlines()[1].endswith(f"  {note}")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    assert program(["--home", str(home), "register", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith(f"  {note[:39]}…")


def test_before_the_first_register_the_list_is_empty_and_makes_no_file(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    output = run(home, "register", "list").stdout
    command = f"edge-daemon --home {home} enrol import ROSTER.csv --photos FOLDER"
    assert output == f"no registers yet: enrol first: `{command}`\n"
    assert json.loads(run(home, "register", "list", "--json").stdout) == []
    assert not list(home.iterdir())


@pytest.mark.parametrize("command", ["register list", "outbox list", "plan list", "ledger"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_home_that_is_not_there_is_an_error_for_every_list(tmp_path, command, options):
    result = run(tmp_path / "hoem", *command.split(), *options)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert (
        f"{tmp_path / 'hoem'}: there is no such folder; name the folder of an installation with --home" in result.stderr
    )
    assert not (tmp_path / "hoem").exists()


def test_a_register_is_shown_with_the_evidence_for_each_student(home):
    result = run(home, "register", "show", FIRST.lesson_id[:8])
    assert result.exit_code == 0
    text = result.stdout
    assert f"Register {FIRST.lesson_id}, revision 1" in text
    assert "Monday 2026-11-16 08:00-08:45 of 7b, room 204, timetable" in text
    assert "19 of 20 captures" in text
    assert "rule: present from 40 % of the captures on (8 of 19), head turned 50 degrees at most" in text
    assert "program 0.1.0" in text
    assert "missed capture 4: unreadable: 4.jpg" in text
    assert "guests, not of this course: v" in text
    by_student = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    strips = {s: line.split()[1] for s, line in by_student.items() if s in "abc"}
    assert strips["a"] == "▮" * 19
    assert (strips["b"].count("▮"), strips["b"].count("·")) == (8, 11)
    row = next(line for line in text.splitlines() if line.startswith("b  "))
    assert row.split()[:5] == ["b", "present", "8", "8", "42%"]
    assert "borderline" in row
    assert "23%-64%  +0 " in row  # Wilson interval of 8 in 19, and the distance to the rule
    assert "row 1 seat 2" in row
    assert next(line for line in text.splitlines() if line.startswith("c  ")).split()[1:4] == ["not", "assessed", "-"]
    assert text.splitlines()[-1] == "c  not assessed"


def test_a_correction_leaves_the_interval_and_says_no_probability(tmp_path):
    register, sightings = a_register(FIRST, {"a": 0.1, "b": 1.0})
    a, b = register.verdicts
    doubted = (replace(a, probability=0.0), replace(b, probability=1.0))
    home = a_home(tmp_path, [(replace(register, verdicts=doubted), sightings)])
    before = run(home, "register", "show", FIRST.lesson_id).stdout
    options = ("--student", "a", "--verdict", "present", "--by", "T", "--reason", "not_recognised")
    assert run(home, "register", "correct", FIRST.lesson_id, *options).exit_code == 0
    after = run(home, "register", "show", FIRST.lesson_id).stdout
    rows = [next(line for line in text.splitlines() if line.startswith("a ")) for text in (before, after)]
    assert rows[1].split()[1] == "present"
    assert re.findall(r"\d+%-\d+%", rows[1]) == re.findall(r"\d+%-\d+%", rows[0])
    assert "probability" not in after


def test_doubts_about_an_identity_are_shown_as_text(tmp_path):
    register, sightings = a_register(FIRST, {"a": 1.0, "b": 0.0, "c": 0.9, "d": 0.0})
    a, b, c, d = register.verdicts
    doubted = (
        replace(a, probability=0.91),
        replace(b, probability=0.6, resembles=Resemblance(0.6, RoomSeat(2, 1)), flags=("resembles",)),
        replace(c, probability=0.999),
        replace(d, probability=0.0, flags=("poor_photographs",)),
    )
    home = a_home(tmp_path, [(replace(register, verdicts=doubted), sightings)])
    text = run(home, "register", "show", FIRST.lesson_id).stdout
    assert "a: the probability that it was this student is 91%" in text
    assert "b: somebody without a name in row 2 seat 1 may be this student (60%)" in text
    assert "d: every enrolment photograph is out of focus" in text
    assert not any(line.startswith("c:") for line in text.splitlines())
    found = {line.split()[0]: re.findall(r"\d+%-\d+%", line) for line in text.splitlines() if "%-" in line}
    assert found["a"] == ["0%-100%"]  # it may have been somebody else all the time
    assert found["b"] == ["0%-100%"]
    assert found["c"] != ["0%-100%"]
    assert found["d"] == ["0%-16%"]


def test_after_retention_no_student_is_drawn_as_not_seen(tmp_path):
    (tmp_path / "config.toml").write_text("[storage]\nkeep_sightings_days = 3\n", "utf-8")
    lesson = a_lesson(datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=10))
    home = a_home(tmp_path, [without_maps(*a_register(lesson, {"a": 1.0, "b": 0.0}))])
    retention.erase_sightings_of_lessons_before(open_register(home / "register.sqlite"), lesson.end + timedelta(days=3))
    lines = run(home, "register", "show", lesson.lesson_id).stdout.splitlines()
    assert lines[-1] == (
        "In which pictures each student was is no longer kept: deleted 3 days after the lesson"
        " (storage.keep_sightings_days)"
    )
    assert next(line for line in lines if line.startswith("a ")).split()[1:5] == ["present", "20", "20", "100%"]
    assert "not seen" not in "".join(lines)


def test_a_removed_student_is_shown_with_the_day_of_the_removal_and_not_as_unseen(tmp_path):
    first = without_maps(*a_register(FIRST, {"a": 1.0, "b": 0.4, "c": 0.0}, captures=19, not_assessed=["c"]))
    home = a_home(tmp_path, [first, without_maps(*a_register(SECOND, {"a": 0.0, "b": 0.9}))])
    lessons.erase_sightings(open_register(home / "register.sqlite"), "b")
    gone = Tombstone(plain_fingerprint("b"), "0" * 64, "student", stored(START + timedelta(days=3)))
    tables.erase(open_gallery(home / "gallery.sqlite"), [gone], [], [])
    strips = run(home, "register", "show", FIRST.lesson_id).stdout.splitlines()[-3:]
    assert strips == ["a  " + "▮" * 19, "b  no longer kept: the student was removed on 2026-11-19", "c  not assessed"]
    strips = run(home, "register", "show", SECOND.lesson_id).stdout.splitlines()[-2:]
    assert strips == ["a  " + "·" * 20, "b  no longer kept: the student was removed on 2026-11-19"]


def test_json_of_a_register_is_its_document_with_the_sightings(home):
    document = json.loads(run(home, "register", "show", SECOND.lesson_id, "--json").stdout)
    assert (document["lesson_id"], document["unknown_faces"]) == (SECOND.lesson_id, 1)
    b = next(student for student in document["students"] if student["student_id"] == "b")
    assert (b["frames_seen"], b["frames_attentive"], b["share"], b["verdict"]) == (18, 18, 0.9, "present")
    mine = [one for one in document["sightings"] if one["student_id"] == "b"]
    assert len(mine) == 18
    assert set(mine[0]) == {"slot", "student_id", "similarity", "attentive", "x", "y", "w", "h"}
    assert {one["student_id"] for one in document["sightings"]} == {"b"}  # only the number of unknown faces
    assert len(document["captures"]) == 20


def test_a_correction_is_a_new_revision_that_says_who_and_why(home):
    arguments = ("--student", "b", "--verdict", "absent", "--by", "Ms Ünal", "--reason", "was in the library")
    result = run(home, "register", "correct", FIRST.lesson_id[:10], *arguments)
    assert (result.exit_code, result.stdout) == (0, f"register {FIRST.lesson_id}, revision 2: b is absent\n")
    document = json.loads(run(home, "register", "show", FIRST.lesson_id, "--json").stdout)
    before = json.loads(run(home, "register", "show", FIRST.lesson_id, "--json", "--revision", "1").stdout)
    assert (before["revision"], document["revision"]) == (1, 2)
    assert document["previous_sha256"] == before["sha256"]
    assert (before["students"][1]["verdict"], document["students"][1]["verdict"]) == ("present", "absent")
    assert document["students"][1]["flags"] == ["borderline", "corrected"]
    (correction,) = document["corrections"]
    assert (correction["by"], correction["reason"], correction["reason_code"]) == ("Ms Ünal", "other", "other")
    assert (
        "by Ms Ünal: b is absent, because: for another reason" in run(home, "register", "show", FIRST.lesson_id).stdout
    )
    assert result.stderr == "warning: student b is not enrolled here: the text of the reason is not stored\n"
    assert b"in the library" not in (home / "register.sqlite").read_bytes()


def test_the_same_correction_twice_is_one_revision_and_another_reason_is_the_next(home):
    arguments = ("register", "correct", FIRST.lesson_id, "--student", "b", "--verdict", "absent", "--by", "me")
    run(home, *arguments, "--reason", "ill")
    before = (home / "register.sqlite").read_bytes()
    again = run(home, *arguments, "--reason", "ill ")
    assert again.exit_code == 0
    assert again.stdout == (
        f"register {FIRST.lesson_id}: b is absent already, by the same person for the same reason; no new revision\n"
    )
    assert (home / "register.sqlite").read_bytes() == before
    assert run(home, *arguments, "--reason", "ill, says the nurse").stdout == again.stdout, "other words are a note"
    assert ", revision 3: " in run(home, *arguments, "--reason", "Left early").stdout


WHY = ("--by", "me", "--reason", "because")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "ffffffff"), "no such register"),
        (("show", ""), "register"),
        (("show", FIRST.lesson_id, "--revision", "2"), "no revision 2"),
        (("show", FIRST.lesson_id, "--revision", "0"), "revision"),
        (("correct", FIRST.lesson_id, "--student", "nobody", "--verdict", "absent", *WHY), "not on this register"),
        (("correct", FIRST.lesson_id, "--student", "v", "--verdict", "absent", *WHY), "guest"),
        (("correct", FIRST.lesson_id, "--student", "a", "--verdict", "ill", *WHY), "'ill' is not one of"),
        (("correct", FIRST.lesson_id, "--student", "a", "--verdict", "absent", "--by", "me"), "--reason"),
        (("correct", FIRST.lesson_id, "--student", "a", "--verdict", "absent", "--by", " ", "--reason", "x"), "--by"),
        (("correct", "ffffffff", "--student", "a", "--verdict", "absent", *WHY), "no such register"),
    ],
)
def test_mistakes_are_refused_in_one_line_and_change_nothing(home, arguments, message):
    before = run(home, "register", "list", "--json").stdout
    result = run(home, "register", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert run(home, "register", "list", "--json").stdout == before


def test_a_corrupt_database_is_refused_in_one_line(home):
    (home / "register.sqlite").write_bytes(b"nothing of the kind" * 100)
    for arguments in (("list",), ("show", FIRST.lesson_id)):
        result = run(home, "register", *arguments)
        assert result.exit_code == 2
        assert "register.sqlite: the database is corrupt" in result.stderr
        assert result.stderr.count("\n") == 1


def test_text_of_a_register_does_not_steer_the_terminal(home):
    reason = "fine\x1b[2J\nsecond line"
    run(
        home,
        "register",
        "correct",
        FIRST.lesson_id,
        "--student",
        "a",
        "--verdict",
        "absent",
        "--by",
        reason,
        "--reason",
        "other",
    )
    assert "\x1b" not in run(home, "register", "show", FIRST.lesson_id).stdout
    db = open_register(home / "register.sqlite")
    assert json.loads(ledger.latest(db, FIRST.lesson_id).document)["corrections"][0]["by"] == reason


def test_a_correction_is_signed_by_the_same_key_as_the_register(home):
    run(home, "register", "correct", FIRST.lesson_id, "--student", "c", "--verdict", "present", *WHY)
    db = open_register(home / "register.sqlite")
    first, second = (json.loads(one.document) for one in ledger.revisions(db, FIRST.lesson_id))
    assert first["public_key"] == second["public_key"]
    assert is_signed_by(first, first["public_key"])
    assert is_signed_by(second, first["public_key"])
    assert [s["attendance_event"] for s in second["students"]] == ["In Attendance", "In Attendance", "In Attendance"]
    assert [s["attendance_event"] for s in first["students"]] == ["In Attendance", "In Attendance", None]


def test_without_the_device_key_nothing_is_corrected_and_one_line_says_why(home):
    (home / "device.key").chmod(0o644)
    result = run(home, "register", "correct", FIRST.lesson_id, "--student", "c", "--verdict", "present", *WHY)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "others may read or change it" in result.stderr
    assert len(ledger.revisions(open_register(home / "register.sqlite"), FIRST.lesson_id)) == 1


def test_on_an_installed_device_only_the_services_credential_signs(monkeypatch, tmp_path):
    with pytest.raises(KeyFileError, match="LoadCredential=device-key"):
        open_signer(Home(None))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "device-key").write_bytes(bytes(32))
    assert open_signer(Home(None)).public_key == Signer(bytes(32)).public_key


@pytest.mark.parametrize(("word", "held"), [("--held", True), ("--not-held", False)])
def test_a_lesson_is_confirmed_in_a_new_revision(home, word, held):
    result = run(home, "register", "confirm", SECOND.lesson_id[:8], word, "--by", "Office")
    what = "the lesson was held" if held else "the lesson was not held, nobody is absent"
    assert (result.exit_code, result.stdout) == (0, f"register {SECOND.lesson_id}, revision 2: {what}\n")
    document = json.loads(run(home, "register", "show", SECOND.lesson_id, "--json").stdout)
    assert (document["confirmed"]["held"], document["confirmed"]["by"]) == (held, "Office")
    assert [s["verdict"] for s in document["students"]] == ["absent" if held else "inconclusive", "present"]
    again = run(home, "register", "confirm", SECOND.lesson_id, word, "--by", "Office")
    assert again.stdout == f"register {SECOND.lesson_id}: {what} already, by the same person; no new revision\n"
    assert "revision 2" in run(home, "register", "show", SECOND.lesson_id).stdout
    line = run(home, "register", "list").stdout.splitlines()[2]
    assert ("not held" in line) is not held
    listed = json.loads(run(home, "register", "list", "--json").stdout)[1]
    assert listed["held"] is held


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((FIRST.lesson_id, "--by", "me"), "--held or --not-held"),
        ((FIRST.lesson_id, "--held"), "--by"),
        ((FIRST.lesson_id, "--held", "--by", " "), "who confirms is missing"),
        (("ffffffff", "--held", "--by", "me"), "no such register"),
    ],
)
def test_a_confirmation_that_says_too_little_is_refused_in_one_line(home, arguments, message):
    result = run(home, "register", "confirm", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_missing_values_of_a_correction_are_asked_for_and_read_from_a_pipe(home, monkeypatch):
    answers = f"{FIRST.lesson_id[:8]}\nc\npresent\nJ. Miller\nnot_recognised\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    result = run(home, "register", "correct")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"register {FIRST.lesson_id}, revision 2: c is present\n"
    document = json.loads(run(home, "register", "show", FIRST.lesson_id, "--json").stdout)
    assert [(one["student_id"], one["by"], one["reason"]) for one in document["corrections"]] == [
        ("c", "J. Miller", "not_recognised")
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("Office\n"))
    assert run(home, "register", "confirm", SECOND.lesson_id, "--held").exit_code == 0


def test_a_misspelt_code_is_refused(home):
    words = ("register", "correct", FIRST.lesson_id, "--student", "c", "--verdict", "present", "--by", "T", "--reason")
    result = run(home, *words, "not_recognized")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "not_recognized is not a reason code (did you mean not_recognised?)" in result.stderr
    assert json.loads(run(home, "register", "show", FIRST.lesson_id, "--json").stdout)["corrections"] == []


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ("", "Missing argument 'ID'"),
        ("abc\n", "Missing option '--student'"),
        ("abc\n\n", "Missing option '--student'"),
        ("abc\nc\nperhaps\n", "'perhaps' is not one of"),
        ("abc\nc\npresent\nme\n", "Missing option '--reason'"),
    ],
)
def test_answers_that_end_too_early_or_make_no_sense_are_one_line(home, monkeypatch, answers, message):
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    result = run(home, "register", "correct")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_rehearsal_has_no_clock_in_the_list_and_in_the_evidence(tmp_path):
    lesson = a_lesson(origin="rehearsal")
    register, sightings = a_register(lesson, {"a": 1.0})
    register = replace(register, clock="unsynchronised", lesson=replace(lesson, end=lesson.start))
    home = a_home(tmp_path, [(register, sightings)])
    assert "2026-11-16  no clock" in run(home, "register", "list").stdout
    text = run(home, "register", "show", lesson.lesson_id[:8]).stdout
    assert "07:00, when it was called; no clock of 7b, room 204, rehearsal" in text
    assert "20 of 20 captures, clock unsynchronised" in text
    assert not re.search(r"^a .*\d\d:\d\d:\d\d", text, re.MULTILINE), "nobody knows when its pictures were taken"


def test_masks_are_shown_as_counts_of_the_room_and_never_by_student(tmp_path):
    register, sightings = a_register(FIRST, {"a": 1.0, "b": 0.4})
    home = a_home(tmp_path, [(replace(register, mask=MaskCounts(none=1, right=22, wrong=3, undecided=4)), sightings)])
    lines = run(home, "register", "show", FIRST.lesson_id).stdout.splitlines()
    assert [line for line in lines if "mask" in line] == ["masks in the room: 1 none, 22 right, 3 wrong, 4 undecided"]
    document = json.loads(run(home, "register", "show", FIRST.lesson_id, "--json").stdout)
    assert document["mask"] == {"none": 1, "right": 22, "wrong": 3, "undecided": 4}
    assert not [key for student in document["students"] for key in student if "mask" in key]
