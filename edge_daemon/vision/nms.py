"""Non-maximum suppression: reduces many overlapping boxes of one face to one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

MAX_IOU = 0.3
"""Boxes with a larger intersection over union are the same face (MediaPipe's value for BlazeFace)."""
MAX_COVER = 0.6
"""Two boxes are also the same face if the larger covers more than this share of the smaller.

Tiles of two sizes may give such boxes.
"""
FACES_IOU, FACES_COVER = 0.2, 0.5
"""Replace `MAX_IOU` and `MAX_COVER` in the last comparison, that of finished faces.

They are lower, because two finished boxes on one face overlap less than two detections of it.
"""
SAME_BOX_IOU = 0.5
"""Boxes with a larger intersection over union are the same candidate; the verifier checks only the best of them.

With the limits `MAX_IOU` and `MAX_COVER` instead, large false boxes hid 3 of 100 faces from 32 px on in WIDER's
pictures, and 6 of 100 masked ones.
"""


def overlaps(box: Array, boxes: Array) -> tuple[Array, Array]:
    """Compare one box with many.

    Args:
        box: (4,) left, top, right, bottom.
        boxes: (n, 4).

    Returns:
        Intersection over union (n,), and intersection over the smaller of the two (n,).
    """
    sides = np.maximum(np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0)
    common = sides[:, 0] * sides[:, 1]
    area = (box[2] - box[0]) * (box[3] - box[1])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    tiny = np.float32(1e-9)
    iou: Array = common / np.maximum(area + areas - common, tiny)
    cover: Array = common / np.maximum(np.minimum(area, areas), tiny)
    return iou, cover


def groups(
    boxes: Array, priority: Array, most_iou: float = MAX_IOU, most_cover: float = MAX_COVER
) -> list[NDArray[np.intp]]:
    """Split boxes into groups, one for each face.

    Args:
        boxes: (n, 4) left, top, right, bottom.
        priority: (n,), higher first; ties keep their order.
        most_iou: boxes with a larger intersection over union are the same face.
        most_cover: two boxes are the same face, too, if more than this share of the smaller one lies in the other.

    Returns:
        The indices of each group, best box first; the best group first.
    """
    left = np.argsort(-priority, kind="stable")
    found = []
    while len(left):
        iou, cover = overlaps(boxes[left[0]], boxes[left])
        same = (iou > most_iou) | (cover > most_cover)
        same[0] = True
        found.append(left[same])
        left = left[~same]
    return found


def thinned(boxes: Array, priority: Array) -> NDArray[np.intp]:
    """Return the indices of the boxes without those that are nearly the same as a better box."""
    left = np.argsort(-priority, kind="stable")
    kept = []
    while len(left):
        kept.append(left[0])
        iou, _ = overlaps(boxes[left[0]], boxes[left])
        iou[0] = 1
        left = left[iou <= SAME_BOX_IOU]
    return np.array(kept, np.intp)
