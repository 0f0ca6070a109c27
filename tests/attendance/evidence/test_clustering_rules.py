"""Average linkage at its threshold, and the successor of a seat."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.attendance.evidence.track_clustering import average_linkage
from tests.attendance.evidence.made_faces import blocks


def _groups(cosines: np.ndarray, slots: list[int] | None = None) -> list[list[int]]:
    return sorted(sorted(group) for group in average_linkage(cosines, slots or list(range(len(cosines)))))


@pytest.mark.parametrize(("cosine", "groups"), [(0.36, 1), (0.3599, 2), (0.9, 1), (-0.5, 2)])
def test_two_faces_are_one_group_from_a_cosine_of_36_percent_on(cosine, groups):
    assert len(_groups(blocks([2], cosine, 0))) == groups


def _three(to_first: float, to_second: float) -> np.ndarray:
    return np.array([[1, 0.9, to_first], [0.9, 1, to_second], [to_first, to_second, 1]])


def test_the_mean_over_all_pairs_decides_and_neither_the_best_nor_the_worst_pair():
    assert _groups(_three(0.62, 0.11)) == [[0, 1, 2]]  # 0.365
    assert _groups(_three(0.62, 0.09)) == [[0, 1], [2]]  # 0.355


def test_the_most_alike_are_merged_first():
    """1 is like 0 and 2; with 2 it is more so, and then 0 is too far from the two."""
    cosines = np.array([[1, 0.5, 0.1], [0.5, 1, 0.7], [0.1, 0.7, 1]])
    assert _groups(cosines) == [[0], [1, 2]]


def test_the_sizes_of_merged_groups_weigh_in_the_mean():
    """One group has three faces, the other one. Three pairs of 0.37, 0.37 and 0.35 have a mean of 0.3633."""
    cosines = blocks([3, 1], 0.9, 0.37)
    cosines[2, 3] = cosines[3, 2] = 0.35
    assert _groups(cosines) == [[0, 1, 2, 3]]
    cosines[2, 3] = cosines[3, 2] = 0.33
    assert _groups(cosines) == [[0, 1, 2], [3]]


def test_no_faces_give_no_groups_and_a_single_face_gives_one():
    assert _groups(np.zeros((0, 0))) == []
    assert _groups(np.ones((1, 1))) == [[0]]


# Two groups of six faces have a mean cosine of 0.8 within each group. Their noise leaves 13.8 / 18 of a similarity, so
# the familiarity is 18 / 13.8 of the cosine between them. A familiarity of 0.70 is a cosine of 0.5367.


@pytest.mark.parametrize(("between", "groups"), [(0.530, 2), (0.543, 1), (0.40, 2), (0.36, 2)])
def test_two_large_groups_that_follow_each_other_are_one_only_above_a_familiarity_of_70_percent(between, groups):
    assert len(_groups(blocks([6, 6], 0.8, between))) == groups


@pytest.mark.parametrize(("sizes", "groups"), [([5, 7], 1), ([7, 5], 1), ([6, 6], 2), ([6, 7], 2), ([5, 5], 1)])
def test_only_with_six_faces_each_does_one_of_two_take_the_others_seat(sizes, groups):
    assert len(_groups(blocks(sizes, 0.8, 0.45))) == groups


def test_the_noise_is_that_of_each_group():
    """Ten faces are clear (0.9) and six are blurred (0.6). A familiarity of 0.70 is a cosine of 0.4995."""
    noise = ((45 * 0.9 + 1.8) / 48 * 0.6) ** 0.5
    for between, groups in ((0.70 * noise - 0.005, 2), (0.70 * noise + 0.005, 1)):
        cosines = blocks([10, 6], 0.9, between)
        cosines[10:, 10:] = blocks([6], 0.6, 0)
        assert len(_groups(cosines)) == groups


@pytest.mark.parametrize(
    ("order", "groups"),
    [
        ("AAAAAABBBBBB", 2),
        ("AAABBBBBBAAA", 2),
        ("AAABBBAAABBB", 2),  # three changes
        ("AABBBAABBBAA", 1),  # four: nobody shares a chair like this
    ],
)
def test_two_looks_in_turns_are_one_person(order, groups):
    slots = [n for n, look in enumerate(order) if look == "A"] + [n for n, look in enumerate(order) if look == "B"]
    assert len(_groups(blocks([6, 6], 0.8, 0.45), slots)) == groups


def test_a_group_that_is_kept_apart_still_takes_its_own_faces():
    """The two groups stay apart. Then a face that resembles the second one a little is merged with it."""
    cosines = blocks([6, 6, 1], 0.8, 0.45)
    cosines[12, :6] = cosines[:6, 12] = 0.1
    cosines[12, 6:12] = cosines[6:12, 12] = 0.4
    assert _groups(cosines) == [list(range(6)), list(range(6, 13))]
