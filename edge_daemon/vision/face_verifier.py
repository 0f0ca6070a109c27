"""Whether a detection is a face: everything that is known about it, weighed into one probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_daemon.vision import nms

Array = NDArray[np.float32]

MIN_PROBABILITY = 0.972
"""For a picture, of what `among_others` says: about .2 false boxes a WIDER picture."""
LEAST_ALONE = 0.25
"""What is less probable by itself is no face in any company: a blurred picture is full of such things, all alike."""
PORTRAIT_PROBABILITY = 0.85
"""For an enrolment photograph, which shows somebody's face for sure."""

SMALLEST_PX = 13.6
"""Of a BlazeFace square, 12 px of face: nobody can be told by less, and half of what was falsely taken for a face in
WIDER's pictures was smaller, letters of a text above all."""
_ALIKE = 1.4
"""Faces whose widths differ by a smaller factor are alike; 1.2 to 2 do nearly as well."""
_ELSEWHERE = 0.05
"""Boxes that overlap less show something else."""

# Logistic regression, ridge .5, on the detections (threshold .25, float16 networks) in 66 pictures of WIDER FACE and
# 12 captures of composed lessons. Trained on either half of the pictures it finds, in the other half and at .18 false
# boxes, .88 and .91 of the faces from 32 px of height; a fixed limit of .5 on presence finds .81. Of no use as further
# terms, beside the company (98 pictures, trained on a half and checked on the other): looks at other sizes, at the
# mirror image and at the upright face, also by the short-range network; presence and points of meshes of other crops,
# and how well they agree; distance to the mean mesh and to the keypoints; of the embedding its length and its likeness
# to the mean face, to the mirror image's and to a shifted crop's.
# Tried on all 195 pictures in halves, and left out: tiles for the short-range network, too, find .95 instead of .90 of
# those faces before the gate and .86 after it, as now, for twice the time; its look at each detection, and the mean of
# all looks' boxes, bring .02 more for a tenth more time a capture, and lose close portraits.
_WEIGHTS = {
    "score": 1.866,
    "look": 0.78,
    "presence": 0.302,
    "votes": -0.902,
    "agreement": 2.455,
    "size": -1.127,
    "presence_small": -0.397,
    "constant": 2.455489,
}


@dataclass(frozen=True, slots=True)
class Hit:
    """One detection on its way to a Face."""

    box: Array
    """(4,) BlazeFace's square: left, top, right, bottom."""
    points: Array
    """(6, 2)."""
    score: float
    """Of the first detection."""
    votes: float
    """Anchors that fired: many at once are rather a pattern than a face."""
    look_score: float = 0.0
    """Of the second look, 0 where that found nothing."""
    agreement: float = 0.0
    """Intersection over union of the two detections' boxes."""


def probability(hit: Hit, presence: float) -> float:
    """Return how probable it is that a detection is a face, 0 to 1.

    Args:
        hit: after its second look.
        presence: of the face mesh, 0 to 1; it doubts faces below about 30 px.
    """
    size = math.log(min(max(float(hit.box[2] - hit.box[0]), 6.0), 120.0) / 32)
    seen = _logit(presence, 0.002)
    terms = {
        "score": _logit(hit.score, 0.01),
        "look": _logit(hit.look_score, 0.05),
        "presence": seen,
        "votes": math.log(max(hit.votes, 1.0)),
        "agreement": hit.agreement,
        "size": size,
        "presence_small": min(size, 0.0) * seen,
        "constant": 1.0,
    }
    return 1 / (1 + math.exp(-sum(_WEIGHTS[name] * value for name, value in terms.items())))


def among_others(boxes: Sequence[Array], own: Sequence[float]) -> Array:
    """Return how probable detections are once it is known what else their picture shows.

    Faces come in company, and faces at one distance are alike in size: the odds are multiplied by one plus the number
    of faces of such a size that are to be expected in the picture. Nothing in this is fitted. At .2 false boxes a WIDER
    picture it finds a tenth more of the faces of 24 to 32 px; an exponent of .75 to 1.5 does the same.

    Args:
        boxes: n BlazeFace squares (4,) of one picture.
        own: n probabilities, each by what is known of that detection alone.

    Returns:
        (n,), never less than `own`; 0 for what is narrower than `SMALLEST_PX` or below `LEAST_ALONE`.
    """
    squares, alone = np.array(boxes, np.float32).reshape(-1, 4), np.array(own, np.float64)
    widths = np.maximum(squares[:, 2] - squares[:, 0], 1e-3)
    alone[(widths < SMALLEST_PX) | (alone < LEAST_ALONE)] = 0
    company = [_expected(square, squares, widths / width, alone) for square, width in zip(squares, widths, strict=True)]
    more = alone * (1 + np.array(company))
    together: Array = (more / np.maximum(more + 1 - alone, 1e-12)).astype(np.float32)
    return together


def _expected(square: Array, squares: Array, ratios: Array, alone: NDArray[np.float64]) -> float:
    alike = (ratios < _ALIKE) & (ratios > 1 / _ALIKE)
    return float(alone[alike & (nms.overlaps(square, squares)[0] < _ELSEWHERE)].sum())


def _logit(p: float, rim: float) -> float:
    p = min(max(p, rim), 1 - rim)
    return math.log(p / (1 - p))
