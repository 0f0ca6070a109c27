"""When somebody is a student: constants for a stated rate of false names (benchmarks/results/thresholds.json)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_daemon.attendance.evidence.track_clustering import LARGE_FACES

NOBODY = -1
"""In the seat of a student's index: somebody unknown."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The constants."""

    widths_px: tuple[float, ...] = (26.0, 32.0, 40.0, 56.0)
    thresholds: tuple[float, ...] = (0.47, 0.43, 0.425, 0.415)
    """Score from which many faces of these widths are the student. Chosen so that five to nine strangers in a hundred
    reach it with any of 30 students when none of these is in the room, and no right student in 600 trials fails it
    (benchmarks/thresholds.py, the half of the people that was tuned on). In a lesson most students are in the room, in
    the same captures as the stranger, and so can't be him."""
    single_extra: float = 0.09
    """Added to the threshold for a single face; falls with the number of faces."""
    between_threshold: float = 0.12
    """The threshold where the same student has the seat before and after."""
    beside_threshold: float = 0.27
    """The threshold where the student has the seat right before or right after."""
    margin: float = 0.04
    """Least lead over a student who is not in the room by other evidence."""
    look_alike_margin: float = 0.10
    """The same between two students whose templates are alike."""
    contradiction: float = 0.40
    """Less familiar to each other than this, two tracks are not of one student."""
    large_faces: int = LARGE_FACES
    large_contradiction: float = 0.75
    """The same where both tracks have so many faces: then no pose or blur explains why they differ."""

    def threshold(self, width_px: float, count: int) -> float:
        """Return the least score of `count` faces of a mean width that are the student's by themselves."""
        return float(np.interp(width_px, self.widths_px, self.thresholds)) + self.single_extra / count
