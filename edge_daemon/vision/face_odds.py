"""Whether a detection is a face: everything that is known about it, weighed into one probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_daemon.vision import nms
from edge_daemon.vision.face_verifier import FaceCheck

Array = NDArray[np.float32]

LEAST_LOGIT = -2.5
"""Of the verifier: what is less is no face, whatever else is known."""
MIN_PROBABILITY = 0.96
"""For a picture, of what `among_others` says: .24 false boxes a WIDER picture where the odds were fitted (17 pictures;
.90 finds two of 209 faces more, at as many), .04 on those held back."""
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

_LOGIT_RANGE = 8.0
"""Verifier's answers beyond this say no more."""
# Logistic regression (ridge 1) by models_tflite/build/verifier/fit.py, on 17 pictures of WIDER FACE and 68 with masks
# that the verifier has not learned from and the examination does not use. How much the two boxes of a detection agree
# was a term before; beside the verifier its weight became negative, and without it the same faces are found.
WEIGHTS = {
    "verifier": 0.825,
    "score": 1.457,
    "look": 1.105,
    "presence": 0.235,
    "presence_small": 0.015,
    "votes": -0.779,
    "size": 0.461,
    "constant": 2.841,
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
    checks: tuple[FaceCheck, ...] = ()
    """What the verifier said, about each of the boxes."""

    @property
    def logit(self) -> float:
        """The mean of what the verifier said; 0 before it was asked."""
        return float(np.mean([check.logit for check in self.checks])) if self.checks else 0.0


def terms(hit: Hit, presence: float) -> dict[str, float]:
    """Return what is known of a detection, as the odds weigh it.

    Args:
        hit: after the verifier and its second look.
        presence: of the face mesh, 0 to 1; it doubts faces below about 30 px, masked and turned ones.
    """
    seen = _logit(presence, 0.002)
    size = math.log(min(max(float(hit.box[2] - hit.box[0]), 6.0), 120.0) / 32)
    return {
        "verifier": min(max(hit.logit, -_LOGIT_RANGE), _LOGIT_RANGE),
        "score": _logit(hit.score, 0.01),
        "look": _logit(hit.look_score, 0.05),
        "presence": seen,
        "presence_small": min(size, 0.0) * seen,
        "votes": math.log(max(hit.votes, 1.0)),
        "size": size,
        "constant": 1.0,
    }


def probability(hit: Hit, presence: float) -> float:
    """Return how probable it is that a detection is a face, 0 to 1; arguments as of `terms`."""
    return 1 / (1 + math.exp(-sum(WEIGHTS[name] * value for name, value in terms(hit, presence).items())))


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
