"""The prototype of a room that learns: disjoint photographs, and nothing learned of strangers who are far apart."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import table_term, term, term_folders, term_lessons
from benchmarks.match_faces import CONDITIONS, WIDTHS_PX, Photograph, Probe
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.vision.models import ModelSet, default_models_dir
from tests.benchmarks import folders


def person(number: int, *, noise: float) -> dict[str, Photograph]:
    """Return 15 photographs of a direction in space."""
    rng = np.random.default_rng(number)
    own = rng.normal(size=192)

    def photograph(file: str) -> Photograph:
        vector = own / np.linalg.norm(own) + noise * rng.normal(size=192) / np.sqrt(192)
        unit = np.asarray(vector / np.linalg.norm(vector), np.float32)
        probes = tuple(Probe(kind, width, unit, 0.6, 1.0, 0.0) for kind in CONDITIONS for width in WIDTHS_PX)
        widths = np.array(WIDTHS_PX, np.float32)
        return Photograph(np.tile(unit, (len(widths), 1)), widths, probes)

    return {f"{number}-{k}.png": photograph(f"{number}-{k}.png") for k in range(15)}


def test_of_people_who_are_far_apart_only_they_themselves_are_learned():
    people = {f"P{number:02d}": person(number, noise=0.6) for number in range(15)}
    match = MatchProbability(ModelSet.load(default_models_dir()).weights("match_probability").path)
    count = term_lessons.term(people, term.CONDITIONS["3 photographs, 28 to 90 px"], match, np.random.default_rng(1))
    assert count["present"] + count["absent"] == 2 * term_lessons.CLASS
    assert count["templates"] > 30
    assert (count["templates of others"], count["strangers learned"], count["stranger trials"]) == (0, 0, 1)
    assert (count["false_absent", "without"], count["false_absent", "with"], count["pictures shared"]) == (0, 0, 0)


def run(monkeypatch: pytest.MonkeyPatch, data: Path, out: Path) -> int:
    monkeypatch.setattr(sys, "argv", ["term", "--data", str(data), "--json", str(out)])
    return term.main()


def test_a_term_of_composed_lessons_has_the_same_keys(monkeypatch, tmp_path):
    for name in term_folders.LESSONS:
        folders.lesson(tmp_path / "data" / "5b" / name, captures=2)
    frames = tmp_path / "data" / "5b" / "03" / "frames"
    shutil.copy(tmp_path / "data" / "5b" / "01" / "photos" / "S001" / "1.jpg", frames / "0003.jpg")
    assert run(monkeypatch, tmp_path / "data", tmp_path / "out.json") == 0
    found = json.loads((tmp_path / "out.json").read_text("utf-8"))
    for how in ("without", "with"):
        assert (found["false_absent"][how]["hits"], found["false_absent"][how]["n"]) == (0, 2)
        assert (found["false_present"][how]["hits"], found["false_present"][how]["n"]) == (0, 2)
    assert (found["strangers_learned"]["hits"], found["strangers_learned"]["n"]) == (0, 3)
    assert found["templates_learned"] == 0  # two sightings are too few to learn from
    assert found["pictures_shared"] == 3  # the frames repeat in the lessons, and one is a photograph of the enrolment
    assert found["by_term"]["5b"]["pictures_shared"] == 3


def test_a_term_without_its_third_lesson_is_one_line(monkeypatch, tmp_path, capsys):
    for name in ("01", "02"):
        (tmp_path / "5b" / name).mkdir(parents=True)
        (tmp_path / "5b" / name / "truth.csv").touch()
    assert run(monkeypatch, tmp_path, tmp_path / "out.json") == 2
    assert capsys.readouterr().err.rstrip().endswith("5b/03: no such lesson: truth.csv is missing")


def test_a_folder_of_neither_form_is_one_line(monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, tmp_path, tmp_path / "out.json") == 2
    assert "has neither images.csv nor TERM/01/truth.csv" in capsys.readouterr().err


def test_too_few_people_are_one_line(monkeypatch, tmp_path, capsys):
    folders.table(tmp_path / "images.csv", "file,identity", ("a.png", "a"))
    assert run(monkeypatch, tmp_path, tmp_path / "out.json") == 2
    assert "has 0 people with 15 photographs" in capsys.readouterr().err


@pytest.mark.parametrize(("hits", "wanted"), [(6, "| ≤ half – **missed** |"), (5, "| ≤ half |")])
def test_the_page_says_whether_absences_fell_to_half(hits, wanted):
    def rate(hits: int) -> dict[str, object]:
        return {"rate": hits / 100, "hits": hits, "n": 100, "low": 0.0, "high": 1.0}

    rates = {
        "false_absent": {"without": rate(10), "with": rate(hits)},
        "false_present": dict.fromkeys(("without", "with"), rate(0)),
    }
    numbers = {"templates_learned": 9, "templates_of_others": 0, "pictures_shared": 0, "people": 21, "repetitions": 8}
    page = table_term.term({**rates, **numbers, "by_condition": {}, "lessons_each": 3, "strangers_learned": rate(0)})
    assert wanted in page
