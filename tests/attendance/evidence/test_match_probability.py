from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.match_features import (
    FEATURES,
    UNKNOWN_COVER_GAIN,
    PersonEvidence,
    features,
    person_evidence,
)
from edge_daemon.attendance.evidence.match_probability import HIDDEN, MatchProbability, new_network
from edge_daemon.attendance.evidence.tracks import make_track, track_seat
from edge_daemon.vision.models import ModelSet, default_models_dir
from tests.attendance.evidence.room import Room

WEIGHTS = ModelSet.load(default_models_dir()).weights("match_probability").path
LIKE_THE_FIRST = np.array([0.45, 0.1, 0.08, 0.02, 0.0, -0.05])
LIKE_NOBODY = np.array([0.16, 0.15, 0.14, 0.1, 0.05, 0.0])
THREE = np.full(6, 3.0)


def evidence(scores: np.ndarray, **changes: object) -> PersonEvidence:
    typical = PersonEvidence(scores, scores + 0.08, 30, 40.0, 0.6, 0.42, 0.95, np.zeros(len(scores)))
    return replace(typical, **changes)


@pytest.fixture(scope="module")
def match() -> MatchProbability:
    return MatchProbability(WEIGHTS)


def test_the_features_of_known_evidence():
    rows = features(evidence(LIKE_THE_FIRST, faces=4, width_px=20.0), np.array([1.0, 2.0, 3.0, 4.0, 6.0, 9.0]))
    named = {name: rows[:, column] for column, name in enumerate(FEATURES)}
    assert named["score"] == pytest.approx(4 * LIKE_THE_FIRST)
    assert named["lead"][:3] == pytest.approx([5 * 0.35, 5 * -0.35, 5 * -0.37])
    assert named["gap_behind"][:3] == pytest.approx([5 * 0.02, 5 * 0.37, 5 * 0.35])
    assert named["faces"] == pytest.approx(np.zeros(6))
    assert named["width"] == pytest.approx(-np.ones(6))
    assert named["agreement"] == pytest.approx(np.zeros(6))
    assert named["photographs"] == pytest.approx(np.log2([1, 2, 3, 4, 6, 6]) - 1)


def test_each_column_of_the_features_has_its_name_and_its_scale():
    """The network was trained on these columns, in this order."""
    assert new_network(np.random.default_rng(0)).parameters[0].value.size == len(FEATURES) * HIDDEN[0]
    known = PersonEvidence(LIKE_THE_FIRST, LIKE_THE_FIRST / 2, 40, 80.0, 0.7, 0.75, 0.75, LIKE_THE_FIRST / 3)
    rows = features(known, np.array([0.0, 1, 2, 4, 6, 7]))
    assert dict(zip(FEATURES, rows[0].tolist(), strict=True)) == pytest.approx(
        {
            "score": 4 * 0.45,
            "similarity": 3 * 0.225,
            "lead": 5 * 0.35,
            "gap_behind": 5 * 0.02,
            "faces": 1.0,
            "width": 1.0,
            "agreement": 0.3,
            "sharpness": 1.0,
            "presence": 0.5,
            "photographs": -1.0,
            "cover_gain": 4 * 0.15,
        }
    )
    assert features(replace(known, faces=16), THREE)[0] == pytest.approx(features(known, THREE)[0])


@pytest.mark.parametrize(
    ("alike", "lead", "gap_behind"),
    [
        ({}, 0.4 - 0.3, 0.3 - 0.1),
        ({0: {1}}, 0.4 - 0.1, 0.1),  # behind the only other one is nobody
        ({0: {1, 2}}, 0.4, 0.0),
        ({1: {0}}, 0.4 - 0.3, 0.3 - 0.1),
    ],
)
def test_a_look_alike_does_not_stand_between_a_student_and_the_others(alike, lead, gap_behind):
    rows = features(evidence(np.array([0.4, 0.3, 0.1])), np.full(3, 3.0), alike)
    assert rows[0, FEATURES.index("lead")] == pytest.approx(5 * lead)
    assert rows[0, FEATURES.index("gap_behind")] == pytest.approx(5 * gap_behind)


@pytest.mark.parametrize("students", [1, 2, 3])
def test_a_class_of_one_two_or_three_has_finite_features(students):
    rows = features(evidence(np.linspace(0.4, 0.1, students)), np.full(students, 3.0))
    assert rows.shape == (students, len(FEATURES))
    assert np.isfinite(rows).all()


def test_a_student_who_leads_by_far_is_probable_and_one_who_does_not_is_improbable(match):
    far, close = match.each(evidence(LIKE_THE_FIRST), THREE), match.each(evidence(LIKE_NOBODY), THREE)
    assert far[0] > 0.6
    assert far[1:].max() < 0.01
    assert close.max() < 0.1


def test_a_lead_that_is_too_small_for_a_name_is_neither_sure_nor_nothing(match):
    """What the false absences of masked and far students look like: .42 where .425 is asked for, .17 behind it."""
    found = match.each(evidence(np.array([0.42, 0.17, 0.1, 0.05, 0.0, 0.0])), THREE)
    assert 0.2 < found[0] < 0.98


def test_more_evidence_makes_a_probability_larger(match):
    scores = np.array([0.3, 0.12, 0.1, 0.05, 0.0, 0.0])
    assert (
        match.each(evidence(scores + np.array([0.1, 0, 0, 0, 0, 0])), THREE)[0] > match.each(evidence(scores), THREE)[0]
    )
    assert match.each(evidence(scores, faces=30), THREE)[0] != match.each(evidence(scores, faces=1), THREE)[0]


def test_the_possible_students_and_somebody_else_share_the_whole(match):
    both = evidence(np.array([0.42, 0.4, 0.1, 0.05, 0.0, 0.0]))
    everybody, second_only = match.among(both, THREE, range(6)), match.among(both, THREE, [1])
    each = match.each(both, THREE)
    odds = each / (1 - each)
    assert everybody == pytest.approx(odds / (1 + odds.sum()))
    assert everybody.sum() < 1
    assert second_only[1] == pytest.approx(6 * odds[1] / (1 + 6 * odds[1]))
    assert np.delete(second_only, 1) == pytest.approx(0)


def test_nothing_is_certain(match):
    assert match.each(evidence(np.array([3.0, -3, -3, -3, -3, -3])), THREE)[0] <= 0.9999
    assert match.each(evidence(np.full(6, -3.0)), THREE).min() >= 1e-4


@pytest.mark.parametrize(("bias", "probability"), [(50.0, 0.9999), (-50.0, 1e-4)])
def test_a_network_that_is_sure_is_believed_to_a_ten_thousandth(tmp_path, bias, probability):
    network = new_network(np.random.default_rng(0))
    network.parameters[-1].value[:] = bias
    network.save(tmp_path / "sure.npz")
    found = MatchProbability(tmp_path / "sure.npz").each(evidence(LIKE_NOBODY), THREE)
    assert found == pytest.approx(np.full(6, probability), rel=1e-9)


def test_two_faces_of_one_track_agree_as_they_do():
    room = Room()
    room.sits("S03", range(2), 0)
    vectors = np.stack([face.embedding for face in room.faces])
    track = make_track(0, [0, 1], range(2), vectors)
    assert person_evidence([track], room.faces).agreement == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-6)


def test_the_evidence_of_a_person_is_the_mean_over_all_faces():
    room = Room()
    room.sits("S03", range(9), 0, width_px=30.0)
    room.sits("S03", range(9, 12), 5, width_px=60.0)
    vectors = np.stack([face.embedding for face in room.faces])
    tracks = [t for members in (list(range(9)), [9, 10, 11]) for t in track_seat(0, members, members, vectors[members])]
    found = person_evidence(tracks, room.faces)
    assert found.faces == 12
    assert found.width_px == pytest.approx((9 * 30 + 3 * 60) / 12)
    assert found.similarities == pytest.approx(np.mean([face.similarities for face in room.faces], axis=0))
    pairs = vectors @ vectors.T
    within = [pairs[a, b] for a in range(12) for b in range(12) if a != b and (a < 9) == (b < 9)]
    assert found.agreement == pytest.approx(np.mean(within), abs=1e-5)
    assert int(found.scores.argmax()) == 3
    assert person_evidence([track_seat(0, [0], [0], vectors[:1])[0]], room.faces).agreement == 0.6


def test_the_cover_gain_is_that_of_the_faces_that_have_one():
    """Faces stored by an earlier release have none. In a lesson that goes on after an update, the others decide."""
    room = Room()
    room.sits("S03", range(4), 0)
    track = make_track(0, [0, 1, 2, 3], range(4), np.stack([face.embedding for face in room.faces]))
    students = len(room.ids)
    assert person_evidence([track], room.faces).cover_gains.tolist() == [UNKNOWN_COVER_GAIN] * students
    newer = [replace(face, cover_gains=np.full(students, 0.1 * n)) for n, face in enumerate(room.faces[2:], 1)]
    assert person_evidence([track], [*room.faces[:2], *newer]).cover_gains == pytest.approx(np.full(students, 0.15))


def test_weights_of_another_network_are_refused(tmp_path):
    with (tmp_path / "other.npz").open("wb") as file:
        np.savez(file, **{"0": np.zeros((2, 2))})
    with pytest.raises(ValueError, match="1 arrays, the network has 6"):
        MatchProbability(tmp_path / "other.npz")
