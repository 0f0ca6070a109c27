"""Bad days: how they are made of good lessons, and how they are scored."""

from __future__ import annotations

import csv
import itertools
import json
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import bad_lessons, degrade
from benchmarks.bad_days import BadDay, classes, scored
from tests.benchmarks import folders

RNG = np.random.default_rng(1)


def student(student_id: str, verdict: str, usable: str = "1", borderline: str = "0") -> dict[str, str]:
    return {"student_id": student_id, "verdict": verdict, "borderline": borderline, "seat_usable": usable}


def day(scenario: str, expected: set[str], flags: set[str], *students, known=("a", "b")) -> BadDay:
    missed = Counter({"too_dark": 2}) if scenario == "dark" else Counter()
    sets = frozenset(expected), frozenset(flags)
    return BadDay(f"lesson-{scenario}", scenario, *sets, students, missed, frozenset(known), True)


def test_a_student_who_could_not_be_seen_is_never_called_absent_and_one_who_could_stays_absent():
    dark = day("dark", {"too_dark"}, {"too_dark"}, (student("a", "present", "0"), "inconclusive"))
    missed = day("dark", {"too_dark"}, set(), (student("a", "absent", "0"), "absent"))
    usual = day(
        "usual",
        set(),
        set(),
        (student("a", "present"), "present"),
        (student("b", "absent"), "absent"),
        (student("c", "absent"), "inconclusive"),
        (student("b", "present", borderline="1"), "absent"),
    )
    found = scored([dark, missed, usual])
    assert (found["absent_unseeable"]["hits"], found["absent_unseeable"]["n"]) == (1, 2)
    assert (found["absent_kept"]["hits"], found["absent_kept"]["n"]) == (1, 1), "the seat of c is not known"
    assert (found["present_kept"]["hits"], found["present_kept"]["n"]) == (1, 1)
    assert (found["register_flagged"]["dark"]["hits"], found["register_flagged"]["dark"]["n"]) == (1, 2)
    assert (found["usual_flagged"]["hits"], found["usual_flagged"]["n"]) == (0, 1)
    assert found["missed"] == {"too_dark": 4}
    assert found["mistakes"] == [
        {"lesson": "lesson-dark", "student_id": "a", "what": "absent, was absent in a seat that nobody could see"},
        {"lesson": "lesson-dark", "student_id": "", "what": "no flag, not too_dark"},
    ]


def test_a_lesson_without_the_columns_of_bad_days_is_scored_by_what_is_expected():
    row = {"student_id": "a", "verdict": "absent", "borderline": "0", "expected": "inconclusive"}
    found = scored([day("odd", {"covered"}, {"covered"}, (row, "absent"))])
    assert found["absent_unseeable"]["hits"] == 1
    assert found["absent_kept"]["n"] == 0


def test_of_a_good_lesson_every_scenario_is_made_with_its_truth(tmp_path, monkeypatch):
    good = tmp_path / "good"
    folders.lesson(good / "one", captures=4)
    of_other_people(folders.lesson(good / "two", captures=4))
    out = tmp_path / "bad"
    arguments = ["bad_lessons", "--data", str(good), "--out", str(out), "--captures", "2"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert bad_lessons.main() == 0
    scenarios = {path.name: json.loads((path / "scenario.json").read_text()) for path in out.glob("one-*")}
    assert {one["name"] for one in scenarios.values()} == {
        *("usual", "room_empty", "unusual_class", "dark", "backlight", "motion", "defocus", "turned"),
        *("half_covered", "excursion"),
    }
    for name, about in scenarios.items():
        assert len(list((out / name / "frames").iterdir())) == 2
        rows = list(csv.DictReader((out / name / "truth.csv").open(encoding="utf-8")))
        usable = {row["seat_usable"] for row in rows}
        if about["name"] in ("room_empty", "dark", "turned"):
            assert usable == {"0"}
        if about["name"] in ("usual", "excursion"):
            assert (usable, about["expected_register_flags"]) == ({"1"}, [])
    empty = next(name for name, about in scenarios.items() if about["name"] == "room_empty")
    assert {row["verdict"] for row in csv.DictReader((out / empty / "truth.csv").open())} == {"absent"}


def of_other_people(lesson: Path) -> None:
    """Give the people of a lesson other names."""
    for name in ("truth.csv", "boxes.csv"):
        text = (lesson / name).read_text("utf-8")
        for one in ("Eileen", "Grace", "Joe"):
            text = text.replace(one, f"Other {one}")
        (lesson / name).write_text(text, "utf-8")


def test_another_class_with_a_person_of_this_one_is_no_other_class(tmp_path, monkeypatch, capsys):
    for name in ("one", "two"):
        folders.lesson(tmp_path / name, captures=1)
    monkeypatch.setattr(sys, "argv", ["bad_lessons", "--data", str(tmp_path), "--out", str(tmp_path / "bad")])
    assert bad_lessons.main() == 2
    assert "has no lesson without its people" in capsys.readouterr().err
    assert not (tmp_path / "bad").exists()


def test_two_classes_with_the_same_ids_and_other_photographs_are_two_rooms(tmp_path):
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, photograph in zip(paths, (b"one", b"two", b"one"), strict=True):
        (path / "photos" / "S001").mkdir(parents=True)
        (path / "photos" / "S001" / "1.jpg").write_bytes(photograph)
        (path / "roster.csv").write_text("student_id\nS001\n")
    assert classes(paths) == [[paths[0], paths[2]], [paths[1]]]


@pytest.mark.parametrize("name", list(degrade.STEPS))
def test_each_step_is_worse_than_the_one_before(name):
    picture = np.asarray(cv2.resize(RNG.integers(30, 200, (30, 40, 3), np.uint8), (160, 120)), np.uint8)
    spoil, steps = degrade.STEPS[name]
    away = [np.abs(spoil(picture, step, RNG).astype(float) - picture).mean() for step in steps]
    assert all(later > earlier for earlier, later in itertools.pairwise(away))
