from __future__ import annotations

import json
import sys

import cv2
import numpy as np
import pytest

from benchmarks import lesson_scenarios
from benchmarks.lesson_truth import Outcome, TrueStudent, Truth, Verdict, read_truth
from benchmarks.scenarios import make
from benchmarks.scenarios.cast import cast, read_people
from benchmarks.scenarios.plan import SCENARIOS
from tests.benchmarks import folders

SMALL = ("--captures", "5", "--rows", "2", "--columns", "5", "--size", "320", "160", "--lessons", "1")
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Grey squares of 40 people in place of faces, ten of each."""
    found = tmp_path_factory.mktemp("faces")
    (found / "images").mkdir()
    rows = [(f"P{p:02d}_{k}.png", f"P{p:02d}") for p in range(40) for k in range(10)]
    for number, (file, _) in enumerate(rows):
        cv2.imwrite(str(found / "images" / file), np.full((32, 32), number % 256, np.uint8))
    folders.table(found / "images.csv", "file,identity", *rows)
    return found


def make_lessons(monkeypatch, faces, out, *arguments):
    monkeypatch.setattr(sys, "argv", ["make", "--faces", str(faces), "--out", str(out), *SMALL, *arguments])
    return make.main()


def test_a_lesson_is_complete_and_says_its_condition(monkeypatch, faces, tmp_path):
    assert make_lessons(monkeypatch, faces, tmp_path, "--half", "all", "--only", "mixed_50") == 0
    truth = read_truth(tmp_path / "mixed_50-01")
    assert truth.scenario == "mixed_50"
    assert truth.expected_register_flags == {"unusual_class"}
    kinds = [face.kind for face in truth.faces["0001"]]
    assert 3 <= kinds.count("stranger") <= 4  # four of the eight seats that are taken, seen in nearly all captures
    assert [s.verdict for s in truth.students].count("absent") == 4
    assert len(list((tmp_path / "mixed_50-01" / "photos").rglob("*.jpg"))) == 3 * len(truth.students)


def test_the_same_lesson_is_made_again_and_one_that_is_there_is_left_alone(monkeypatch, faces, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for out in (one, two):
        assert make_lessons(monkeypatch, faces, out, "--half", "all", "--only", "base") == 0
    name = "base-01/frames/0003.jpg"
    assert (one / name).read_bytes() == (two / name).read_bytes()
    (one / name).write_bytes(b"mine")
    assert make_lessons(monkeypatch, faces, one, "--half", "all", "--only", "base") == 0
    assert (one / name).read_bytes() == b"mine"


def test_the_two_halves_share_no_person(faces):
    tune, report = read_people(faces, "tune"), read_people(faces, "report")
    assert not set(tune) & set(report)
    assert set(tune) | set(report) == set(read_people(faces, "all"))


@pytest.mark.parametrize("name", BY_NAME)
def test_photographs_of_enrolment_are_never_shown_in_captures(faces, name):
    members = cast(read_people(faces, "all"), BY_NAME[name], 16, 10, np.random.default_rng(1))
    students = [m for m in members if m.student_id]
    assert len({m.seat for m in members if m.in_room}) == sum(m.in_room for m in members)
    for student in students:
        assert len(student.photographs) == BY_NAME[name].photographs
        others = [file for m in members if m.who.split("#")[0] == student.who.split("#")[0] for file in m.seen]
        assert not set(student.photographs) & set(others)


def test_twins_are_both_there_and_two_ids_share_one_seat_holder(faces):
    rng = np.random.default_rng(1)
    twins = [m for m in cast(read_people(faces, "all"), BY_NAME["twins"], 16, 10, rng) if m.pair]
    doubled = [m for m in cast(read_people(faces, "all"), BY_NAME["two_ids"], 16, 10, rng) if m.pair]
    assert all(m.in_room for m in twins)
    assert [m.in_room for m in doubled] == [True, False] * 2


def test_prints_of_absent_students_are_held_up_at_their_seats(monkeypatch, faces, tmp_path):
    assert make_lessons(monkeypatch, faces, tmp_path, "--half", "all", "--only", "prints") == 0
    truth = read_truth(tmp_path / "prints-01")
    prints = [s for s in truth.students if s.print_held_up]
    assert prints
    assert {(s.verdict, s.expected, s.medium) for s in prints} == {("absent", "inconclusive", "print")}
    assert {(s.expected, s.medium) for s in truth.students if s.verdict == "present"} == {("present", "living")}
    for faces_there in truth.faces.values():
        assert [face.kind for face in faces_there].count("photo") == len(prints)


def test_an_unknown_scenario_is_one_line(monkeypatch, faces, tmp_path, capsys):
    assert make_lessons(monkeypatch, faces, tmp_path, "--only", "rain") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_too_few_people_are_one_line(monkeypatch, faces, tmp_path, capsys):
    assert make_lessons(monkeypatch, faces, tmp_path, "--half", "report", "--rows", "9") == 2
    assert "--faces" in capsys.readouterr().err


# --- scores -----------------------------------------------------------------------------------------------------------


def student(student_id, verdict, visible=9, **more):
    return TrueStudent(student_id, verdict, visible, False, False, False, frames=10, **more)


def found_of(students, verdicts, *, scenario="mask", wanted=(), flags=()):
    truth = Truth("one", tuple(students), {}, scenario, frozenset(wanted))
    return lesson_scenarios.scored([(truth, Outcome(verdicts, {}, frozenset(flags)))])


def test_mistakes_with_a_doubt_are_counted_apart_from_those_without():
    students = [student("a", "present"), student("b", "present"), student("c", "absent", 0), student("d", "absent", 0)]
    verdicts = {
        "a": Verdict("absent", (), 0),
        "b": Verdict("absent", ("resembles",), 0),
        "c": Verdict("present", ("late",), 9),
        "d": Verdict("absent", ("look_alike",), 0),
    }
    found = found_of(students, verdicts)["mask"]
    assert (found["false_absent"]["hits"], found["false_absent_unflagged"]["hits"]) == (2, 1)
    assert (found["false_present"]["hits"], found["false_present_unflagged"]["hits"]) == (1, 1)  # late is no doubt
    assert (found["absent_doubted"]["hits"], found["absent_doubted"]["n"]) == (1, 1)
    assert (found["right_or_doubted"]["hits"], found["right_or_doubted"]["n"]) == (2, 4)


def test_doubts_about_who_a_rightly_present_student_is_are_counted_apart():
    students = [student(one, "present") for one in "abcd"] + [student("e", "present", pair="1"), student("f", "absent")]
    flags = {"a": ("resembles",), "b": ("borderline",), "c": ("late",), "e": ("look_alike",), "f": ("resembles",)}
    verdicts = {one: Verdict("present", flags.get(one, ()), 9) for one in "abcdef"}
    found = found_of(students, verdicts)["mask"]["present_doubted"]
    assert (found["hits"], found["n"]) == (1, 4)


def test_inconclusive_is_not_right_unless_it_is_expected():
    verdicts = {"a": Verdict("inconclusive", (), 0), "b": Verdict("inconclusive", (), 0)}
    students = [student("a", "absent", 0, expected="inconclusive"), student("b", "absent", 0)]
    found = found_of(students, verdicts)["mask"]
    assert (found["verdicts_right"]["hits"], found["verdicts_right"]["n"]) == (1, 2)
    assert found["right_or_doubted"]["hits"] == 2


def test_a_register_is_flagged_as_it_should_be():
    assert found_of([], {}, wanted=["unusual_class"], flags=["too_dark"])["mask"]["register_flagged"]["hits"] == 0
    assert found_of([], {}, wanted=["unusual_class"], flags=["unusual_class"])["mask"]["register_flagged"]["hits"] == 1
    assert found_of([], {}, flags=["too_dark"])["mask"]["register_flagged"]["hits"] == 1


def test_a_pair_of_whom_both_are_absent_is_counted_once():
    students = [student(i, "present", pair=p) for i, p in (("a", "1"), ("b", "1"), ("c", "2"), ("d", "2"))]
    verdicts = {i: Verdict("absent", (), 0) for i in "abc"} | {"d": Verdict("present", (), 9)}
    found = found_of(students, verdicts)["mask"]["pairs_both_absent"]
    assert (found["hits"], found["n"]) == (1, 2)


def test_a_lesson_without_a_scenario_is_in_no_table():
    assert found_of([], {}, scenario="") == {}


def test_a_scenario_that_is_not_json_is_one_line(tmp_path):
    lesson = folders.lesson(tmp_path / "one", captures=1)
    (lesson / "scenario.json").write_text(json.dumps(["base"]))
    with pytest.raises(make.EdgeError, match="is not a valid scenario"):
        read_truth(lesson)
