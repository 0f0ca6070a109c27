from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.rates import Rate
from benchmarks.verification import Pairs, accuracy, best_threshold, far_threshold, tar_at_far


def pairs(*rows: tuple[float, int, int]) -> Pairs:
    similarity, same, fold = zip(*rows, strict=True)
    return Pairs(np.array(similarity, float), np.array(same, bool), np.array(fold, np.intp))


def test_the_threshold_lies_in_the_gap_between_both_kinds():
    found = best_threshold(pairs((0.1, 0, 0), (0.2, 0, 0), (0.6, 1, 0), (0.9, 1, 0)))
    assert found == pytest.approx(0.4)


def test_no_threshold_parts_equal_similarities():
    found = best_threshold(pairs((0.5, 0, 0), (0.5, 1, 0), (0.5, 1, 0)))
    assert found < 0.5  # all accepted: two of three are right, and no place between them exists


def test_a_fold_is_judged_by_the_threshold_of_the_others():
    # Fold 0 alone would want .75, fold 1 alone .25: each is judged by the other one's.
    shifted = pairs((0.7, 0, 0), (0.8, 1, 0), (0.2, 0, 1), (0.3, 1, 1))
    assert accuracy(shifted) == Rate(2, 4)
    alike = pairs((0.2, 0, 0), (0.8, 1, 0), (0.3, 0, 1), (0.7, 1, 1))
    assert accuracy(alike) == Rate(4, 4)


def test_a_face_that_was_not_found_makes_a_wrong_pair_of_both_kinds():
    found = pairs((0.1, 0, 0), (0.9, 1, 0), (-math.inf, 1, 0), (math.inf, 0, 0), (0.1, 0, 1), (0.9, 1, 1))
    assert accuracy(found) == Rate(4, 6)
    true, false = tar_at_far(found, 0.5)
    assert true == Rate(2, 3)
    assert false.hits >= 1


def test_a_face_that_was_not_found_does_not_move_the_threshold():
    found = [(k / 100, 0, 0) for k in range(100)]
    assert far_threshold(pairs(*found, (math.inf, 0, 0)), 0.01) == far_threshold(pairs(*found), 0.01)


@pytest.mark.parametrize(("far", "threshold"), [(0.0, 0.99), (0.01, 0.98), (0.1, 0.89), (1.0, -math.inf)])
def test_the_threshold_lets_the_asked_share_of_impostors_through(far, threshold):
    hundred = pairs(*((k / 100, 0, 0) for k in range(100)))
    found = far_threshold(hundred, far)
    assert found == pytest.approx(threshold)
    assert (hundred.similarity > found).mean() == pytest.approx(far)


def test_true_accepts_are_counted_at_the_other_folds_false_accept_rate():
    genuine = [(0.3 + k / 10, 1, fold) for fold in (0, 1) for k in range(5)]  # .3 to .7
    impostors = [(k / 200, 0, fold) for fold in (0, 1) for k in range(100)]  # 0 to .495
    true, false = tar_at_far(pairs(*genuine, *impostors), 0.1)
    assert true == Rate(6, 10)  # above .445: .5, .6 and .7
    assert false == Rate(20, 200)
