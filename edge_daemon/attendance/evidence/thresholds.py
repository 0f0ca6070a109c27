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
    every student reached it as the right student (benchmarks/thresholds.py, on the half of the people used for tuning).
    In a real lesson most students are in the room, in the same captures as the stranger, so the stranger can't get
    their names.
    """
    single_extra: float = 0.09
    """Addition to the threshold for a single face; for more faces it is divided by their number."""
    between_threshold: float = 0.12
    """Threshold for a track at whose seat the same student sits before and after."""
    beside_threshold: float = 0.27
    """Threshold for a track at whose seat the student sits right before or right after."""
    margin: float = 0.04
    """Least lead over another student who is not seen elsewhere in the same captures."""
    look_alike_margin: float = 0.10
    """Least lead over another student with similar templates who is not seen elsewhere in the same captures."""
    contradiction: float = 0.40
    """Two tracks with less familiarity than this do not belong to one student."""
    large_faces: int = LARGE_FACES
    """Number of faces from which `large_contradiction` applies."""
    large_contradiction: float = 0.75
    """Replaces `contradiction` if both tracks have `large_faces`: neither pose nor blur then explains a difference."""

    def threshold(self, width_px: float, count: int) -> float:
        """Return the least score from which `count` faces of a mean width are taken for a student."""
        return float(np.interp(width_px, self.widths_px, self.thresholds)) + self.single_extra / count
