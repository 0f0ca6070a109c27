"""Combines all evidence about a detection into one probability that it is a face."""

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
"""Least logit of the verifier. A detection below it is not a face, whatever the other evidence."""
MIN_PROBABILITY = 0.85
"""Least probability, as `among_others` returns it, for a detection in a picture to count as a face.

It was chosen on the pictures used for fitting. On held-back pictures of WIDER FACE there are then 0.07 false boxes a
picture.
"""
SMALL_PX = np.float32(21.8)
"""A face is small if the side of its BlazeFace square is below this; the face is then under about 19 px wide."""
SMALL_MIN_PROBABILITY = 0.99
"""Replaces `MIN_PROBABILITY` for small faces.

Such a face is rarely recognised, and most false boxes are as small: hands, letters, parts of clothes.
"""
LEAST_ALONE = 0.75
"""Least probability that a detection is a face, judged without the other detections in the picture.

A detection below it is not a face, however many similar detections there are: blurred pictures contain many of them.
"""
PORTRAIT_PROBABILITY = 0.65
"""Least probability at which a detection in an enrolment photograph counts as a face.

In tight crops the detector's square is too large, and the verifier is less sure. In each of 3,606 photographs of LFW
the face has at least 0.70; 0.85 would lose three.
"""

SMALLEST_PX = 13.6
"""Least side of a BlazeFace square, about 12 px of face.

Smaller faces cannot be recognised, and half of the false detections in WIDER's pictures were smaller, mostly letters.
"""
_ALIKE = 1.4
"""Faces whose widths differ by a smaller factor are similar in size. Values from 1.2 to 2 work nearly as well."""
_ELSEWHERE = 0.05
"""Boxes with a smaller intersection over union show different objects."""

LEAST_EARLY = 0.02
"""Detections with a smaller `early_probability` get neither a second look (another run of the detector) nor a mesh.

This limit loses 3 of 600 faces, and removes a third of 1,186 detections that are not faces.
"""
LEAST_EARLY_SMALL = 0.4
"""Replaces `LEAST_EARLY` for squares below `SMALL_PX`.

Without it, a quarter of all second looks were at small detections with a smaller probability. Only 51 of these 3,751
detections became faces.
"""
BEYOND_DOUBT = 0.98
"""Detections with at least this `early_probability` need no second look.

55 % of 600 faces reach it, and none of 1,186 detections that are not faces.
"""

_LOGIT_RANGE = 8.0
"""Largest absolute value of a verifier logit in the odds; logits beyond it are cut to it."""
# Logistic regression (ridge 1) with the verifier of 0.2.0, on 122 pictures of WIDER FACE and 68 with masks. The final
# evaluation uses none of them. For today's verifier models_tflite/build/verifier/fit.py finds no better weights on the
# 85 pictures that it never saw: the cross-validated log loss is .111 with its weights, and .110 with these. A former
# term measured how much a detection's two boxes agree. Beside the verifier its weight became negative, and without it
# the same faces are found.
WEIGHTS = {
    "verifier": 0.22,
    "verifier_last": 0.57,
    "score": 1.34,
    "look": 0.94,
    "presence": 0.21,
    "presence_small": -0.04,
    "votes": -0.76,
    "size": 0.34,
    "constant": 2.44,
}
EARLY_WEIGHTS = {
    "verifier": 0.992,
    "score": 1.125,
    "votes": -0.723,
    "size": 0.672,
    "constant": 0.376,
}
"""Weights of the evidence in `early_terms`. It is known before the slower steps: second look and face mesh."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A detection that has not yet been made into a `Face`."""

    box: Array
    """(4,) BlazeFace's square: left, top, right, bottom."""
    points: Array
    """(6, 2) BlazeFace's keypoints."""
    score: float
    """The detector's score before the second look."""
    votes: float
    """Number of anchors that fired for the detection. A large number indicates a pattern rather than a face."""
    look_score: float = 0.0
    """Score of the second look (another run of the detector around the detection); 0 if it detected no face or was left
    out.
    """
    agreement: float = 0.0
    """Intersection over union of the box of the first detection and the box of the second look."""
    checks: tuple[FaceCheck, ...] = ()
    """The verifier's results, one for each square on which it has run."""

    @property
    def logit(self) -> float:
        """Mean logit of the verifier; 0 before it runs."""
        return float(np.mean([check.logit for check in self.checks])) if self.checks else 0.0

    @property
    def last_logit(self) -> float:
        """The verifier's logit for the last and best placed square; 0 before it runs."""
        return self.checks[-1].logit if self.checks else 0.0


def terms(hit: Hit, presence: float) -> dict[str, float]:
    """Return all evidence about a detection: the terms of the log odds, without their weights (`WEIGHTS`).

    Args:
        hit: the detection, after the verifier and its second look.
        presence: probability of a face from its mesh, 0 to 1. It is unreliable for faces below about 30 px, for masked
            ones and for turned ones.
    """
    seen = _logit(presence, 0.002)
    early = early_terms(hit)
    return {
        "verifier": early["verifier"],
        "verifier_last": _cut(hit.last_logit),
        "score": early["score"],
        "look": _logit(hit.look_score, 0.05),
        "presence": seen,
        "presence_small": min(early["size"], 0.0) * seen,
        "votes": early["votes"],
        "size": early["size"],
        "constant": 1.0,
    }


def early_terms(hit: Hit) -> dict[str, float]:
    """Return the evidence of the verifier and the first detection, without weights (`EARLY_WEIGHTS`)."""
    return {
        "verifier": _cut(hit.logit),
        "score": _logit(hit.score, 0.01),
        "votes": math.log(max(hit.votes, 1.0)),
        "size": math.log(min(max(float(hit.box[2] - hit.box[0]), 6.0), 120.0) / 32),
        "constant": 1.0,
    }


def probability(hit: Hit, presence: float) -> float:
    """Return the probability that a detection is a face, 0 to 1; arguments as in `terms`."""
    known = _weighed(WEIGHTS, terms(hit, presence))
    return max(known, early_probability(hit)) if is_beyond_doubt(hit) else known


def early_probability(hit: Hit) -> float:
    """Return the probability that a detection is a face, from the verifier and the first detection alone."""
    return _weighed(EARLY_WEIGHTS, early_terms(hit))


def is_possible(hit: Hit) -> bool:
    """Return whether a verified detection may be a face, so that a second look and a mesh are worth their time."""
    is_small = hit.box[2] - hit.box[0] < SMALL_PX
    return early_probability(hit) >= (LEAST_EARLY_SMALL if is_small else LEAST_EARLY)


def is_beyond_doubt(hit: Hit) -> bool:
    """Return whether a detection needs no second look."""
    return early_probability(hit) >= BEYOND_DOUBT


def _weighed(weights: dict[str, float], terms: dict[str, float]) -> float:
    return 1 / (1 + math.exp(-sum(weights[name] * value for name, value in terms.items())))


def among_others(boxes: Sequence[Array], own: Sequence[float]) -> Array:
    """Return the probabilities of detections, given the other detections in the picture.

    Faces occur in groups, and faces at one distance have similar sizes. The function therefore multiplies the odds by
    one plus the expected number of similar-sized faces in the picture. No number in this formula is
    fitted. At 0.2 false boxes a picture of the data set WIDER FACE, the formula finds a tenth more of the faces of 24
    to 32 px. If the factor is raised to a power of 0.75 to 1.5, the result is the same.

    Args:
        boxes: n BlazeFace squares (4,) of one picture.
        own: n probabilities, each from the evidence about that detection alone.

    Returns:
        (n,) probabilities, never less than in `own`, but 0 for squares narrower than 13.6 px and for
        probabilities in `own` below 0.75.
    """
    squares, alone = np.array(boxes, np.float32).reshape(-1, 4), np.array(own, np.float64)
    widths = np.maximum(squares[:, 2] - squares[:, 0], 1e-3)
    alone[(widths < SMALLEST_PX) | (alone < LEAST_ALONE)] = 0
    company = [_expected(square, squares, widths / width, alone) for square, width in zip(squares, widths, strict=True)]
    more = alone * (1 + np.array(company))
    together: Array = (more / np.maximum(more + 1 - alone, 1e-12)).astype(np.float32)
    return together


def accepted(boxes: Sequence[Array], probabilities: Array, least: float = MIN_PROBABILITY) -> list[bool]:
    """Return which detections are faces.

    Args:
        boxes: n BlazeFace squares (4,).
        probabilities: (n,) as `among_others` returns them.
        least: least probability; for squares below `SMALL_PX`, `SMALL_MIN_PROBABILITY` if that is larger.
    """
    small = max(least, SMALL_MIN_PROBABILITY)
    return [
        bool(p >= (small if box[2] - box[0] < SMALL_PX else least)) for box, p in zip(boxes, probabilities, strict=True)
    ]


def _expected(square: Array, squares: Array, ratios: Array, alone: NDArray[np.float64]) -> float:
    alike = (ratios < _ALIKE) & (ratios > 1 / _ALIKE)
    return float(alone[alike & (nms.overlaps(square, squares)[0] < _ELSEWHERE)].sum())


def _cut(logit: float) -> float:
    return min(max(logit, -_LOGIT_RANGE), _LOGIT_RANGE)


def _logit(p: float, rim: float) -> float:
    p = min(max(p, rim), 1 - rim)
    return math.log(p / (1 - p))
