from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.traits import VisibleParts
from edge_daemon.vision.face_odds import (
    LEAST_ALONE,
    MIN_PROBABILITY,
    SMALL_PX,
    SMALLEST_PX,
    Hit,
    accepted,
    among_others,
    probability,
)
from edge_daemon.vision.face_verifier import FaceCheck

_SHARES = st.floats(0, 1)


def _hit(
    score: float, look: float, logit: float = 4, votes: float = 3, agreement: float = 0.85, side: float = 40
) -> Hit:
    box = np.array([0, 0, side, side], np.float32)
    check = FaceCheck(logit, VisibleParts(1, 0, 0, 0), box, np.zeros((5, 2), np.float32))
    return Hit(box, np.zeros((6, 2), np.float32), score, votes, look, agreement, (check,))


@given(_SHARES, _SHARES, st.floats(-50, 50), _SHARES, st.floats(1, 50), _SHARES, st.floats(0, 5000))
def test_the_result_is_a_probability_for_any_input(score, look, logit, presence, votes, agreement, side):
    assert 0 <= probability(_hit(score, look, logit, votes, agreement, side), presence) <= 1


@given(_SHARES, _SHARES, st.floats(-9, 9), _SHARES, _SHARES, st.floats(0, 9))
def test_more_evidence_never_makes_a_face_less_probable(score, look, logit, presence, more, stronger):
    little = probability(_hit(score, look, logit), presence)

    assert probability(_hit(max(score, more), look, logit), presence) >= little
    assert probability(_hit(score, max(look, more), logit), presence) >= little
    assert probability(_hit(score, look, logit), max(presence, more)) >= little
    assert probability(_hit(score, look, logit + stronger), presence) >= little


@pytest.mark.parametrize("side", [30, 50, 120])
def test_a_clear_face_passes_and_a_pattern_does_not(side):
    assert probability(_hit(0.75, 0.75, side=side), 1.0) > MIN_PROBABILITY
    assert probability(_hit(0.3, 0.3, -4, votes=8, agreement=0.4, side=side), 0.001) < MIN_PROBABILITY


@pytest.mark.parametrize("side", [30, 50, 120])
def test_a_face_that_the_mesh_does_not_know_passes_where_the_verifier_is_sure(side):
    assert probability(_hit(0.7, 0.7, 6, side=side), 0.1) > LEAST_ALONE
    assert probability(_hit(0.7, 0.7, 6, side=side), 0.1) > probability(_hit(0.7, 0.7, 0, side=side), 0.1)


def test_the_verifiers_values_of_both_boxes_count_as_their_mean():
    first, second = (_hit(0.6, 0.6, logit).checks[0] for logit in (1.0, 4.0))

    assert replace(_hit(0.6, 0.6), checks=(first, second)).logit == pytest.approx(2.5)
    assert replace(_hit(0.6, 0.6), checks=()).logit == 0


def _row(count: int, side: float, left: float = 0) -> list[np.ndarray]:
    """A row of squares; each gap is as wide as a square."""
    return [np.array([x, 0, x + side, side], np.float32) for x in left + 2 * side * np.arange(count)]


@given(st.lists(st.tuples(st.floats(0, 3000), st.floats(SMALLEST_PX + 0.1, 300), _SHARES), max_size=20))
def test_company_makes_a_face_more_probable_or_changes_nothing(seen):
    boxes = [np.array([x, 0, x + side, side], np.float32) for x, side, _ in seen]
    own = [p for _, _, p in seen]

    together = among_others(boxes, own)

    assert together.shape == (len(seen),)
    believable = np.array(own) >= LEAST_ALONE
    assert (together >= np.array(own) - 1e-6)[believable].all()
    assert not together[~believable].any()
    assert (together <= 1).all()


def test_odds_grow_with_the_number_of_like_sized_faces():
    together = among_others(_row(10, 40), [1.0] * 9 + [0.8])

    assert together[-1] == pytest.approx(0.8 * 10 / (0.8 * 10 + 0.2))


def test_a_blurred_picture_does_not_make_its_own_faces():
    alike = among_others(_row(34, 40), [LEAST_ALONE - 0.01] * 34)

    assert not alike.any()


def test_a_doubtful_face_passes_in_a_class_and_not_alone():
    unconfirmed = 0.8

    assert among_others(_row(1, 30), [unconfirmed])[0] < MIN_PROBABILITY
    assert among_others(_row(13, 30), [0.99] * 12 + [unconfirmed])[-1] > MIN_PROBABILITY


def test_faces_of_another_size_are_no_company():
    boxes = _row(12, 90) + _row(1, 30, left=3000)

    assert among_others(boxes, [0.99] * 12 + [0.8])[-1] == pytest.approx(0.8)


def test_many_boxes_of_one_thing_are_no_company():
    boxes = [np.array([x, 0, x + 40, 40], np.float32) for x in range(5)]

    assert among_others(boxes, [0.8] * 5) == pytest.approx([0.8] * 5)


def test_a_box_too_small_to_be_judged_is_no_face_and_supports_no_other():
    together = among_others(_row(6, SMALLEST_PX - 1) + _row(1, SMALLEST_PX + 0.1, left=1000), [0.99] * 6 + [0.8])

    assert together == pytest.approx([0] * 6 + [0.8])


def test_a_face_too_small_to_be_recognised_has_to_be_surer():
    boxes = [np.array([0, 0, side, side], np.float32) for side in (SMALL_PX - 0.1, SMALL_PX - 0.1, SMALL_PX, SMALL_PX)]

    assert accepted(boxes, np.array([0.98, 0.995, 0.9, 0.8], np.float32)) == [False, True, True, False]
