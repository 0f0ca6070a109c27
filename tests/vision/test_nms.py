from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_daemon.vision import nms

_CORNERS = arrays(np.float32, st.tuples(st.integers(0, 30), st.just(4)), elements=st.floats(0, 100, width=32))


def _boxes(corners):
    return np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:] + 1], axis=1)


@given(_CORNERS, st.integers(0, 2**32 - 1))
def test_every_box_is_in_exactly_one_group(corners, seed):
    boxes, priority = _boxes(corners), np.random.default_rng(seed).random(len(corners))

    found = nms.groups(boxes, priority)

    assert sorted(int(i) for group in found for i in group) == list(range(len(boxes)))


@given(_CORNERS, st.integers(0, 2**32 - 1))
def test_the_best_of_each_group_overlaps_no_other_groups_best(corners, seed):
    boxes, priority = _boxes(corners), np.random.default_rng(seed).random(len(corners))

    best = [group[0] for group in nms.groups(boxes, priority)]

    for i, a in enumerate(best):
        iou, cover = nms.overlaps(boxes[a], boxes[best[i + 1 :]])
        assert (iou <= nms.MAX_IOU).all()
        assert (cover <= nms.MAX_COVER).all()
    assert all(priority[a] >= priority[b] for a, b in pairwise(best))


@given(_CORNERS, st.integers(0, 2**32 - 1))
def test_thinning_keeps_the_best_of_what_is_nearly_the_same_and_all_else(corners, seed):
    boxes, priority = _boxes(corners), np.random.default_rng(seed).random(len(corners))

    kept = nms.thinned(boxes, priority)

    for i, a in enumerate(kept):
        assert (nms.overlaps(boxes[a], boxes[kept[i + 1 :]])[0] <= nms.SAME_BOX_IOU).all()
    for index in set(range(len(boxes))) - set(kept.tolist()):
        better = kept[priority[kept] >= priority[index]]
        assert (nms.overlaps(boxes[index], boxes[better])[0] > nms.SAME_BOX_IOU).any()


def test_thinning_keeps_a_small_box_in_a_large_one():
    boxes = np.array([[0, 0, 40, 40], [5, 5, 25, 25]], np.float32)

    assert list(nms.thinned(boxes, np.array([0.9, 0.3], np.float32))) == [0, 1]


def test_overlap_of_known_boxes():
    box = np.array([0, 0, 10, 10], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [2, 2, 4, 4]], np.float32)

    iou, cover = nms.overlaps(box, others)

    assert np.allclose(iou, [1, 1 / 3, 0, 0.04])
    assert np.allclose(cover, [1, 0.5, 0, 1])


def test_a_small_box_inside_a_large_one_is_the_same_face():
    boxes = np.array([[0, 0, 100, 100], [30, 30, 60, 60]], np.float32)

    assert len(nms.groups(boxes, np.array([0.5, 0.9], np.float32))) == 1
