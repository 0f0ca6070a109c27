from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from benchmarks import match_cache, match_confidence, match_faces
from benchmarks.covers import COVERS
from benchmarks.match_faces import CONDITIONS, WIDTHS_PX, Photograph, Probe, names_held_back
from benchmarks.match_trials import STRANGER, trials
from benchmarks.rates import Rate
from edge_daemon.vision.models import ModelSet, default_models_dir
from tests.benchmarks import folders
from tests.benchmarks.running import run

MODELS = ModelSet.load(default_models_dir())


def unit(vector):
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def made_people(count: int, photographs: int = 5, noise: float = 0.7) -> dict[str, list[Photograph]]:
    """People as directions in space; a covered face is mostly noise."""
    random = np.random.default_rng(4)

    def near(person, length):
        return unit(person + length * unit(random.normal(size=192)))

    def photograph(person):
        probes = tuple(
            Probe(c, w, near(person, noise if c in ("bare", "motion") else 2.2), 0.45, 0.9, 0.0)
            for c in CONDITIONS
            for w in WIDTHS_PX
        )
        return Photograph(np.stack([near(person, 0.4)] * 6), np.array([120, *WIDTHS_PX], np.float32), probes)

    people = {f"person {i}": unit(random.normal(size=192)) for i in range(count)}
    return {name: [photograph(person) for _ in range(photographs)] for name, person in people.items()}


def test_as_many_strangers_as_students_stand_before_a_class_and_none_is_enrolled_from_what_is_seen():
    all_trials = list(trials(made_people(40), 3, np.random.default_rng(0)))
    assert sum(t.student == STRANGER for t in all_trials) == len(all_trials) / 2
    assert {len(t.photographs_each) for t in all_trials} <= set(range(12, 21))
    bare = [t for t in all_trials if t.condition == "bare" and t.student != STRANGER]
    assert np.mean([t.evidence.scores.argmax() == t.student for t in bare]) > 0.95
    assert max(t.evidence.similarities.max() for t in all_trials) < 0.999


def test_the_command_measures_made_people(tmp_path, monkeypatch):
    monkeypatch.setattr(match_cache, "read", lambda *_: made_people(40))
    out = tmp_path / "out.json"
    assert run(monkeypatch, match_confidence, "--data", tmp_path, "--json", out, "--classes", 12) == 0
    found = json.loads(out.read_text())
    assert set(found["right"]) == set(found["strangers_named"]) == {"26", "32", "40", "56", "80", "mixed", "32+"}
    for way in match_confidence.WAYS:
        hits = [found["strangers_named"][b][way]["hits"] for b in match_confidence.BINS]
        assert sum(hits) == sum(found["strangers_named"][b]["threshold"]["hits"] for b in match_confidence.BINS)
    students = sum(found["right"][b]["network"]["n"] for b in match_confidence.BINS)
    assert students == found["trials"] / 2
    assert found["right_by_condition"]["bare"]["network"]["rate"] > 0.9
    assert sum(one["n"] for one in found["reliability_face"]) < found["trials"]
    assert 0 <= found["mcnemar_p"] <= 1
    assert found["people"] == 40
    for condition in CONDITIONS:
        room = found["resembles"][condition]
        assert room["false_absences_doubted"]["hits"] <= room["false_absences_doubted"]["n"]
        assert room["true_absences_doubted"]["n"] > 12
    assert found["resembles"]["bare"]["true_absences_doubted"]["rate"] < 0.05


def test_held_back_people_alone_are_examined_and_too_few_are_refused(tmp_path, monkeypatch, capsys):
    people = made_people(60)
    monkeypatch.setattr(match_cache, "read", lambda *_: people)
    out = tmp_path / "out.json"
    code = run(monkeypatch, match_confidence, "--data", tmp_path, "--json", out, "--held-back", "--classes", 2)
    held_back = names_held_back(sorted(people))
    assert 15 <= len(held_back) <= 25
    if len(held_back) < match_confidence.LEAST_PEOPLE:
        assert code == 2
        assert f"has {len(held_back)} people with 4 photographs; 24 are needed" in capsys.readouterr().err
    else:
        assert json.loads(out.read_text())["people"] == len(held_back)


def test_the_exact_p_of_mcnemar():
    of_students = [one for one in trials(made_people(30), 1, np.random.default_rng(0)) if one.student != STRANGER]
    own_trials = of_students[:10]
    right = [match_confidence.Guess(t.student, 1.0) for t in own_trials]
    wrong = [match_confidence.Guess(-2, 1.0) for _ in own_trials]
    guesses = {"network": right[:8] + wrong[8:], "other": wrong[:8] + right[8:]}
    named = {way: np.ones(10, bool) for way in guesses}
    found = match_confidence.mcnemar(own_trials, guesses, named, range(10), "other")
    assert (found["network_only"], found["other_only"]) == (8, 2)
    assert found["p"] == pytest.approx(2 * (1 + 10 + 45) / 1024)


def test_bins_have_equal_mass_and_say_what_is_true():
    stated, true = np.linspace(0, 1, 100), np.linspace(0, 1, 100) > 0.495
    bins = match_confidence._bins(stated, true)
    assert [one["n"] for one in bins] == [10] * 10
    assert [one["true"] for one in bins] == [0.0] * 5 + [1.0] * 5
    assert (bins[0]["low"], bins[0]["high"]) == tuple(round(x, 5) for x in (0.0, Rate(0, 10).json()["high"]))
    assert match_confidence._ece(bins) == pytest.approx(0.25, abs=0.01)
    assert match_confidence._ece([]) == 0


def test_faces_are_read_from_pictures_and_kept(tmp_path, monkeypatch):
    folder = folders.lfw(tmp_path / "set")
    names = sorted(path.name for path in (folder / "images").iterdir())
    folders.table(folder / "images.csv", "file,identity", *[(n, n.split("-")[0].split(".")[0]) for n in names])
    people = match_cache.read(folder, MODELS, 1, tmp_path / "cache")
    assert "wall" not in people  # shows no face
    assert {len(own) for own in people.values()} == {1, 2}
    probes = people["obama"][0].probes
    assert [(p.condition, p.width_px) for p in probes] == [(c, w) for c in CONDITIONS for w in WIDTHS_PX]
    own = people["obama"][0].templates
    best = {(p.condition, p.width_px): float((own @ p.vector).max()) for p in probes}
    assert best["bare", 80.0] > 0.8
    assert best["mask", 80.0] < best["bare", 80.0]
    monkeypatch.setattr(match_faces, "read", lambda *_: pytest.fail("read again"))
    again = match_cache.read(folder, MODELS, 1, tmp_path / "cache")
    assert again.keys() == people.keys()
    assert (again["obama"][1].templates == people["obama"][1].templates).all()
    assert [(p.condition, p.width_px) for p in again["obama"][1].probes] == [
        (c, w) for c in CONDITIONS for w in WIDTHS_PX
    ]
    (folder / "images.csv").write_text("file,identity\n")
    monkeypatch.undo()
    with pytest.raises(Exception, match="has no rows"):
        match_cache.read(folder, MODELS, 1, tmp_path / "cache")


@pytest.mark.parametrize(("kind", "way"), [(kind, way) for kind, ways in COVERS.items() for way in ways])
def test_a_cover_hides_its_part_of_the_face_and_no_other(kind, way):
    points = np.array([[40, 50], [70, 50], [55, 65], [55, 80], [28, 55], [82, 55]], np.float32)
    covered = way(np.full((120, 110, 3), 120, np.uint8), points, np.random.default_rng(0))
    changed = (covered != 120).any(axis=2)
    eyes, mouth = changed[50, 40] and changed[50, 70], changed[80, 55]
    assert (eyes, mouth) == ((True, False) if kind == "glasses" else (False, True))
    assert not changed[10].any()
    turned = cv2.getRotationMatrix2D((55, 60), 20, 1)
    moved = (np.c_[points, np.ones(6)] @ turned.T).astype(np.float32)
    again = way(np.full((120, 110, 3), 120, np.uint8), moved, np.random.default_rng(0))
    x, y = (moved[3] if kind == "mask" else moved[0]).round().astype(int)
    assert (again[y, x] != 120).any()
