"""Whether a detection is a face: everything that is known about it, weighed into one probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

MIN_PROBABILITY = 0.95
"""For a picture: about .2 false boxes a WIDER picture. In 48 captures of two composed lessons .85 let 6 false boxes
pass, the best at .93; of 1,070 true faces 99.9 % have .967."""
PORTRAIT_PROBABILITY = 0.85
"""For an enrolment photograph, which shows somebody's face for sure."""

# Logistic regression, ridge .5, on the detections (threshold .25, float16 networks) in 66 pictures of WIDER FACE and
# 12 captures of composed lessons. Trained on either half of the pictures it finds, in the other half and at .18 false
# boxes, .88 and .91 of the faces from 32 px of height; a fixed limit of .5 on presence finds .81. Looks at other sizes
# and at the mirror image were tried as further terms and added nothing.
_WEIGHTS = {
    "score": 1.866,
    "look": 0.78,
    "presence": 0.302,
    "votes": -0.902,
    "agreement": 2.455,
    "size": -1.127,
    "presence_small": -0.397,
    "constant": 1.567,
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
        "constant": 1.567,
    }
    return 1 / (1 + math.exp(-sum(_WEIGHTS[name] * value for name, value in terms.items())))


def _logit(p: float, rim: float) -> float:
    p = min(max(p, rim), 1 - rim)
    return math.log(p / (1 - p))
