"""Recovery after failures of a camera: reopen it, restart its process, report the failure, and go on trying."""

from __future__ import annotations

from typing import Literal

Step = Literal["reopen", "restart"]

REPORT_AT = 3
"""Number of failures in a row after which the camera is reported as failing: reopening and restarting did not help."""
FIRST_GAP_S = 15.0
MAX_GAP_S = 120.0
"""Longest time in seconds between two starts of the process.

A start that fails may take a whole deadline, and all failed starts together should take at most a tenth of a lesson.
"""


class CameraRecovery:
    """Counts the failures in a row of one camera, and chooses the next step. Times are of a monotonic clock.

    Only starts of the process have to wait. A process that still answers gets a request at every capture, so that no
    further picture is missed once a loose cable is connected again.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._gap_s = 0.0
        self._next_start_s = float("-inf")

    @property
    def reports(self) -> bool:
        """Whether the latest failure must be reported."""
        return self.failures == REPORT_AT

    def failed(self, now_s: float) -> Step:
        """Count a failure, and return what to do before the next picture."""
        self.failures += 1
        return "restart" if self.failures > 1 and not self.rest_s(now_s) else "reopen"

    def started(self, now_s: float) -> None:
        """Record a start of the process. If failures continue, the next start waits longer."""
        if self.failures >= REPORT_AT - 1:
            self._gap_s = min(2 * self._gap_s, MAX_GAP_S) if self._gap_s else FIRST_GAP_S
            self._next_start_s = now_s + self._gap_s

    def succeeded(self) -> None:
        """Record that a picture was taken, and count failures from zero again."""
        self.failures, self._gap_s, self._next_start_s = 0, 0.0, float("-inf")

    def rest_s(self, now_s: float) -> float:
        """Return the seconds to wait before a process that ended is started again; 0: start it now."""
        return max(0.0, self._next_start_s - now_s)
