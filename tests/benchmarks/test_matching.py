from __future__ import annotations

import numpy as np
import pytest

from benchmarks.matching import false_boxes, ious, match

NONE = np.zeros((0, 4))


def boxes(*rows):
    return np.array(rows, float)


def test_the_overlap_is_intersection_over_union():
    a = boxes((0, 0, 10, 10))
    b = boxes((0, 0, 10, 10), (5, 0, 10, 10), (20, 20, 5, 5))
    assert ious(a, b)[0] == pytest.approx([1, 1 / 3, 0])


def test_each_label_and_each_box_is_used_once_and_the_best_overlap_wins():
    labels = boxes((0, 0, 10, 10), (4, 0, 10, 10))
    found = boxes((3, 0, 10, 10))
    assert match(labels, found) == {1: 0}


def test_two_boxes_on_one_face_are_one_hit_and_one_false_box():
    found = boxes((0, 0, 10, 10), (1, 0, 10, 10))
    pairs = match(boxes((0, 0, 10, 10)), found)
    assert pairs == {0: 0}
    assert false_boxes(NONE, found, pairs) == [1]


def test_too_little_overlap_is_a_miss_and_a_false_box():
    found = boxes((6, 0, 10, 10))
    pairs = match(boxes((0, 0, 10, 10)), found)
    assert pairs == {}
    assert false_boxes(NONE, found, pairs) == [0]


def test_a_box_on_a_label_to_be_ignored_is_not_false():
    found = boxes((0, 0, 10, 10), (100, 100, 10, 10))
    assert false_boxes(boxes((0, 0, 10, 10)), found, {}) == [1]
    assert false_boxes(boxes((0, 0, 60, 60)), found, {}) == [1]  # it lies inside a large one


def test_nothing_found_or_nothing_labelled_is_no_error():
    assert match(NONE, boxes((0, 0, 1, 1))) == {}
    assert match(boxes((0, 0, 1, 1)), NONE) == {}
    assert false_boxes(NONE, NONE, {}) == []
