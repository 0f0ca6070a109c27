"""When a person is a student: constants for a stated rate of false names (benchmarks/results/thresholds.json)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_daemon.attendance.evidence.track_clustering import LARGE_FACES

NOBODY = -1
"""The student index of an unknown person."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The constants."""

    widths_px: tuple[float, ...] = (26.0, 32.0, 40.0, 56.0)
    thresholds: tuple[float, ...] = (0.47, 0.43, 0.425, 0.415)
    """Score from which many faces of these widths are the student.

    Measured with 30 students, none of whom is in the room: five to nine of 100 strangers reach it with any of them. In
    600 trials no right student fails it (benchmarks/thresholds.py, on the half of the people used for tuning). In a
    real lesson most students are in the room, in the same captures as the stranger, so the stranger can't get their
    names.
    """
    single_extra: float = 0.09
    """Addition to the threshold for a single face. It falls with the number of faces."""
    between_threshold: float = 0.12
    """The threshold if the same student has the seat before and after."""
    beside_threshold: float = 0.27
    """The threshold if the student has the seat right before or right after."""
    margin: float = 0.04
    """Least lead over a student who is not in the room by other evidence."""
    look_alike_margin: float = 0.10
    """The same lead between two students with similar templates."""
    contradiction: float = 0.40
    """Two tracks with less familiarity than this do not belong to one student."""
    large_faces: int = LARGE_FACES
    large_contradiction: float = 0.75
    """The same limit if both tracks have at least `large_faces` faces: pose and blur no longer explain a difference."""

    def threshold(self, width_px: float, count: int) -> float:
        """Return the least score at which `count` faces of a mean width are the student's, without other evidence."""
        return float(np.interp(width_px, self.widths_px, self.thresholds)) + self.single_extra / count
