"""Match found boxes to labelled boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MIN_IOU = 0.4
"""Least overlap at which a label counts as found.

Labels and the program draw a face's rectangle slightly differently, and at 24 px one pixel on each side costs 0.15. The
report also has the results at 0.3 and 0.5.
"""
IGNORED_COVER = 0.5
"""A found box covered by an ignored label by more than this share is neither right nor wrong."""


def intersections(a: Array, b: Array) -> Array:
    """Return the common areas (n, m) for boxes (n, 4) and (m, 4), each x, y, w, h."""
    left_top = np.maximum(a[:, None, :2], b[None, :, :2])
    right_bottom = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common: Array = np.prod(np.maximum(right_bottom - left_top, 0), axis=2)
    return common


def ious(a: Array, b: Array) -> Array:
    """Return intersection over union (n, m) for boxes (n, 4) and (m, 4), each x, y, w, h."""
    common = intersections(a, b)
    union = np.prod(a[:, 2:], axis=1)[:, None] + np.prod(b[:, 2:], axis=1)[None] - common
    return common / np.maximum(union, 1e-9)


def match(labels: Array, found: Array, min_iou: float = MIN_IOU) -> dict[int, int]:
    """Pair labels with found boxes, each at most once, with the best overlaps first.

    Returns:
        A mapping of the index of the label to the index of the found box.
    """
    overlap = ious(labels, found)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for flat in np.argsort(-overlap, axis=None, kind="stable"):
        label, box = divmod(int(flat), overlap.shape[1])
        if overlap[label, box] < min_iou:
            break
        if label not in pairs and box not in taken:
            pairs[label] = box
            taken.add(box)
    return pairs


def false_boxes(ignored: Array, found: Array, pairs: dict[int, int], min_iou: float = MIN_IOU) -> list[int]:
    """Return the found boxes that are not faces: not paired, and not at an ignored label.

    Args:
        ignored: (m, 4) labels that do not count.
        found: (k, 4).
        pairs: the result of `match` for the labels that count.
        min_iou: the least overlap used for `pairs`.
    """
    left = [i for i in range(len(found)) if i not in set(pairs.values())]
    if not left or not len(ignored):
        return left
    part = found[left]
    cover = intersections(part, ignored) / np.maximum(np.prod(part[:, 2:], axis=1), 1e-9)[:, None]
    excused = (ious(part, ignored) >= min_iou).any(axis=1) | (cover > IGNORED_COVER).any(axis=1)
    return [i for i, ok in zip(left, excused, strict=True) if not ok]
