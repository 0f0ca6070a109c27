"""The prototype of a room that learns: disjoint photographs, and nothing learned of strangers who are far apart."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from benchmarks import table_term, term, term_lessons
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


def test_too_few_people_are_one_line(monkeypatch, tmp_path, capsys):
    folders.table(tmp_path / "images.csv", "file,identity", ("a.png", "a"))
    monkeypatch.setattr(sys, "argv", ["term", "--data", str(tmp_path), "--json", str(tmp_path / "out.json")])
    assert term.main() == 2
    assert "has 0 people with 15 photographs" in capsys.readouterr().err


@pytest.mark.parametrize(("hits", "wanted"), [(6, "| ≤ half – **missed** |"), (5, "| ≤ half |")])
def test_the_page_says_whether_absences_fell_to_half(hits, wanted):
    def found(hits: int) -> dict[str, object]:
        return {"rate": hits / 100, "hits": hits, "n": 100, "low": 0.0, "high": 1.0}

    rates = {
        "false_absent": {"without": found(10), "with": found(hits)},
        "false_present": dict.fromkeys(("without", "with"), found(0)),
    }
    numbers = {"templates_learned": 9, "templates_of_others": 0, "pictures_shared": 0, "people": 21, "repetitions": 8}
    page = table_term.term({**rates, **numbers, "by_condition": {}, "lessons_each": 3, "strangers_learned": found(0)})
    assert wanted in page
