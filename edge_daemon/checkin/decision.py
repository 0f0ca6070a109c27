"""Decides whether a clip checks a student in: face and movement each have a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_daemon.checkin.mouth_features import MouthMovement
from edge_daemon.checkin.phrase_codec import EnrolledPhrase
from edge_daemon.checkin.phrase_model import phrase_model
from edge_daemon.checkin.phrase_score import PhraseScores
from edge_daemon.types import Vector

_ENROLLED: Final = (5.0, 7.0, 9.0)
_THRESHOLDS: Final = (-0.19, -0.12, -0.02)
"""Thresholds of the total score for `_ENROLLED` repetitions: 97.5 % of the right clips of five speakers passed them.

They come from MIRACL-VC1, phrases p01 to p05 (benchmarks.phrase). Only these three numbers come from research clips.
"""
SAME_FACE: Final = 0.50
"""Least cosine of the face in the clip and the enrolled face, both near a camera.

The 99.9th percentile of the cosines between photographs of different people is .50 to .58.
"""


@dataclass(frozen=True, slots=True)
class CheckinScores:
    """The scores of a clip; they are never shown to the person at the camera."""

    face: float
    movement: float
    picture: float
    energy: float
    total: float
    threshold: float

    @property
    def accepted(self) -> bool:
        """Whether face and movement both pass."""
        return self.face >= SAME_FACE and self.total >= self.threshold


def threshold_for(repetitions: int) -> float:
    """Return the threshold of the total score for this number of enrolled repetitions."""
    return float(np.interp(repetitions, _ENROLLED, _THRESHOLDS))


def checkin_scores(enrolled: EnrolledPhrase, clip: MouthMovement, face: Vector) -> CheckinScores:
    """Compare a clip with the enrolled clips, and its face (a vector of length 1) with the enrolled face."""
    scores: PhraseScores = phrase_model(enrolled.movements).scores([clip])
    return CheckinScores(
        face=float(enrolled.face @ face),
        movement=float(scores.movement[0]),
        picture=float(scores.picture[0]),
        energy=float(scores.energy[0]),
        total=float(scores.total()[0]),
        threshold=threshold_for(len(enrolled.movements)),
    )
