"""The thresholds of similarity from which a face gets a student's name.

benchmarks/results/thresholds.json has the rates of false names that were measured with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_daemon.attendance.evidence.track_clustering import LARGE_FACES

NOBODY = -1
"""Used for an unknown person in place of a student's index."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits for scores, leads of scores, and familiarity of tracks."""

    widths_px: tuple[float, ...] = (26.0, 32.0, 40.0, 56.0)
    thresholds: tuple[float, ...] = (0.47, 0.43, 0.425, 0.415)
    """Least score at which many faces count as the student's, for each face width of `widths_px`.

    If none of 30 students is in the room, 5 to 9 of 100 strangers reach this score for one of the 30. In 600 trials
    every student in the room reached it for the right name (benchmarks/thresholds.py, on the half of the people for
    tuning). In a real lesson most students are in the room, in the same captures as the stranger, so the stranger can't
    get their names.
    """
    single_extra: float = 0.09
    """Addition to the threshold for a single face; for more faces it is divided by their number."""
    between_threshold: float = 0.12
    """Threshold for the name of a student who has the track's seat before and after the track, or in turns with it."""
    beside_threshold: float = 0.27
    """Threshold for the name of a student who has the track's seat just before or just after the track."""
    margin: float = 0.04
    """Least lead of a score over that of another student who is not seen elsewhere in the same captures."""
    look_alike_margin: float = 0.10
    """Replaces `margin` if the other student has similar templates."""
    contradiction: float = 0.40
    """Two tracks with a smaller `familiarity` do not belong to one student."""
    large_faces: int = LARGE_FACES
    """Least number of faces of each of two tracks for `large_contradiction` to apply."""
    large_contradiction: float = 0.75
    """Replaces `contradiction` for tracks of `large_faces` or more: pose and blur can't explain their difference."""

    def threshold(self, width_px: float, count: int) -> float:
        """Return the least score from which `count` faces of a mean width are taken for a student."""
        return float(np.interp(width_px, self.widths_px, self.thresholds)) + self.single_extra / count
