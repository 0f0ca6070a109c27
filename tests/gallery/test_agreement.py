"""Photographs of somebody else are refused; students who share a face are reported."""

from __future__ import annotations

import numpy as np

from edge_daemon.gallery.agreement import Exemplar, find_look_alikes, find_twins, keep_agreeing

_AXES = np.eye(192, dtype=np.float32)


def exemplar(
    student_id: str, name: str, *parts: tuple[int, float], sha256: bytes | None = None, yaw_deg: float | None = None
) -> Exemplar:
    """An exemplar that is a mixture of people: (person, share)."""
    vector = np.sum([share * _AXES[person] for person, share in parts], axis=0)
    vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    photograph = f"{student_id}/{name}"
    return Exemplar(
        student_id, photograph, sha256 or photograph.encode(), vector[None], np.ones(1, np.float32), yaw_deg
    )


def check_agreement(**students: list[Exemplar]) -> tuple[dict[str, list[str]], dict[str, str]]:
    kept, refused = keep_agreeing(students)
    return {i: [e.photograph for e in own] for i, own in kept.items()}, {r.photograph: r.reason for r in refused}


def test_photographs_that_agree_are_kept():
    own = [exemplar("S1", f"{n}", (0, 1), (n, 0.7)) for n in (1, 2, 3)]
    kept, refused = check_agreement(S1=own)
    assert sorted(kept["S1"]) == ["S1/1", "S1/2", "S1/3"]
    assert refused == {}


def test_the_one_that_disagrees_with_the_others_is_refused():
    kept, refused = check_agreement(
        S1=[exemplar("S1", "1", (0, 1)), exemplar("S1", "2", (5, 1)), exemplar("S1", "3", (0, 1), (7, 0.5))]
    )
    assert sorted(kept["S1"]) == ["S1/1", "S1/3"]
    assert list(refused) == ["S1/2"]
    assert "different person" in refused["S1/2"]


def test_photographs_hang_together_by_way_of_a_third():
    own = [exemplar("S1", "left", (1, 1)), exemplar("S1", "front", (1, 1), (2, 1)), exemplar("S1", "right", (2, 1))]
    assert check_agreement(S1=own)[1] == {}


def test_a_single_photograph_is_accepted():
    assert check_agreement(S1=[exemplar("S1", "1", (0, 1))]) == ({"S1": ["S1/1"]}, {})


def test_of_two_that_disagree_the_one_like_another_student_is_refused():
    kept, refused = check_agreement(
        S1=[exemplar("S1", "own", (0, 1)), exemplar("S1", "wrong", (5, 1), (8, 0.2))],
        S2=[exemplar("S2", "1", (5, 1)), exemplar("S2", "2", (5, 1), (9, 0.3))],
    )
    assert kept["S1"] == ["S1/own"]
    assert list(refused) == ["S1/wrong"]


def test_of_two_that_disagree_for_no_visible_reason_both_are_refused():
    kept, refused = check_agreement(S1=[exemplar("S1", "1", (0, 1)), exemplar("S1", "2", (5, 1))])
    assert kept == {"S1": []}
    assert set(refused) == {"S1/1", "S1/2"}
    assert "add one that settles it" in refused["S1/1"]


def test_a_wrong_photograph_copied_does_not_outvote_a_right_one():
    wrong = [exemplar("S1", name, (5, 1), sha256=b"same") for name in ("2", "3")]
    kept, refused = check_agreement(S1=[exemplar("S1", "1", (0, 1)), *wrong], S2=[exemplar("S2", "1", (5, 1))])
    assert kept["S1"] == ["S1/1"]
    assert refused["S1/3"] == "the same photograph as S1/2"


def test_two_pairs_that_disagree_are_all_refused():
    own = [exemplar("S1", f"{n}", (n // 2, 1), (10 + n, 0.3)) for n in range(4)]
    assert check_agreement(S1=own)[0] == {"S1": []}


def test_a_profile_does_not_cost_the_frontal_one():
    own = [exemplar("S1", "front", (0, 1), yaw_deg=4.0), exemplar("S1", "left", (1, 1), yaw_deg=-48.0)]
    kept, refused = check_agreement(S1=own)
    assert kept["S1"] == ["S1/front"]
    assert refused == {"S1/left": "the head is turned, and the student's other photographs can't confirm who it is"}


def test_two_profiles_that_agree_do_not_outvote_one_face_from_the_front():
    own = [
        exemplar("S1", "left", (1, 1), yaw_deg=-40.0),
        exemplar("S1", "right", (1, 1), (4, 0.2), yaw_deg=41.0),
        exemplar("S1", "front", (0, 1), yaw_deg=10.0),
    ]
    kept, refused = check_agreement(S1=own)
    assert kept["S1"] == ["S1/front"]
    assert set(refused) == {"S1/left", "S1/right"}


def test_profiles_that_hang_together_with_the_front_are_kept():
    own = [
        exemplar("S1", "left", (0, 1), (1, 0.9), yaw_deg=-40.0),
        exemplar("S1", "front", (0, 1), yaw_deg=10.0),
        exemplar("S1", "other", (5, 1), yaw_deg=2.0),
        exemplar("S1", "again", (0, 1), (3, 0.4), yaw_deg=0.0),
    ]
    kept, refused = check_agreement(S1=own)
    assert sorted(kept["S1"]) == ["S1/again", "S1/front", "S1/left"]
    assert "different person" in refused["S1/other"]


def test_only_profiles_are_judged_by_their_number():
    own = [exemplar("S1", f"{n}", (0, 1), (n, 0.3), yaw_deg=40.0) for n in (1, 2)]
    assert sorted(check_agreement(S1=own)[0]["S1"]) == ["S1/1", "S1/2"]


def test_a_refused_photograph_says_whom_it_resembles():
    """Two of three are swapped. It is unknown which pair is right, so the odd one has to be named."""
    own = [exemplar("S1", "1", (0, 1)), *(exemplar("S1", f"{n}", (5, 1), (n, 0.4)) for n in (2, 3))]
    other = [exemplar("S2", "1", (5, 1)), *(exemplar("S2", f"{n}", (0, 1), (n, 0.4)) for n in (2, 3))]
    refused = check_agreement(S1=own, S2=other)[1]
    assert set(refused) == {"S1/1", "S2/1"}
    assert "resembles student S2 (0.9" in refused["S1/1"]
    assert "are photographs of the two swapped?" in refused["S1/1"]
    assert "resembles student S1 (0.9" in refused["S2/1"]


def test_a_photograph_of_a_stranger_names_no_student():
    own = [exemplar("S1", "1", (0, 1)), exemplar("S1", "2", (0, 1), (1, 0.3)), exemplar("S1", "3", (9, 1))]
    refused = check_agreement(S1=own, S2=[exemplar("S2", "1", (5, 1))])[1]
    assert refused == {"S1/3": "shows a different person than the student's other photographs"}


def test_the_same_photograph_under_two_students_is_reported_once():
    twins = find_twins({i: [exemplar(i, "1", (0, 1), sha256=b"same")] for i in ("S2", "S1")})
    assert [(t.a, t.b, t.reason) for t in twins] == [("S1", "S2", "the same photograph")]


def test_a_very_similar_face_under_two_students_is_reported():
    twins = find_twins({"S1": [exemplar("S1", "1", (0, 1))], "S2": [exemplar("S2", "1", (0, 1), (1, 0.5))]})
    assert "as alike as of one person" in twins[0].reason


def test_look_alikes_are_pairs_of_different_students_above_the_threshold():
    students = {
        "S1": [exemplar("S1", "1", (0, 1))],
        "S2": [exemplar("S2", "1", (0, 1), (1, 1.3))],
        "S3": [exemplar("S3", "1", (2, 1))],
        "S4": [],
    }
    assert [(p.a, p.b) for p in find_look_alikes(students)] == [("S1", "S2")]
    assert find_twins(students) == []


def test_a_whole_school_is_compared():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(1300, 192)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[1299] = vectors[3]
    school = {f"S{n:04}": [Exemplar(f"S{n:04}", "", b"%d" % n, v[None], np.ones(1))] for n, v in enumerate(vectors)}
    assert [(p.a, p.b) for p in find_look_alikes(school)] == [("S0003", "S1299")]


def test_no_students_no_pairs():
    assert find_twins({}) == []
    assert find_look_alikes({"S1": []}) == []
