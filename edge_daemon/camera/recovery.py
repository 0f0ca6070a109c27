"""Recovery from failures of a camera: reopen it, restart its process, report it, and try again without end."""

from __future__ import annotations

from typing import Literal

Step = Literal["reopen", "restart"]

REPORT_AT = 3
"""Number of failures in a row that is reported, after reopening and restarting did not help."""
FIRST_GAP_S = 15.0
MAX_GAP_S = 120.0
"""Gaps between starts. A start that fails may cost a whole deadline, at most a tenth of the lesson's time."""


class CameraRecovery:
    """The failures in a row of one camera, and the steps that follow. Times are from a monotonic clock.

    The gap applies only to starts of the process. A process that still answers gets a request at every capture, so that
    a reconnected cable costs no further picture.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._gap_s = 0.0
        self._next_start_s = float("-inf")

    @property
    def reports(self) -> bool:
        """Whether the latest failure is the one to report."""
        return self.failures == REPORT_AT

    def failed(self, now_s: float) -> Step:
        """Count a failure and return the step before the next picture."""
        self.failures += 1
        return "restart" if self.failures > 1 and not self.rest_s(now_s) else "reopen"

    def started(self, now_s: float) -> None:
        """Record a start of the process. If failures continue, the next start waits longer."""
        if self.failures >= REPORT_AT - 1:
            self._gap_s = min(2 * self._gap_s, MAX_GAP_S) if self._gap_s else FIRST_GAP_S
            self._next_start_s = now_s + self._gap_s

    def succeeded(self) -> None:
        """Record a picture, and begin again at the first step."""
        self.failures, self._gap_s, self._next_start_s = 0, 0.0, float("-inf")

    def rest_s(self, now_s: float) -> float:
        """Return how long to wait before an ended process is started again; 0: start it now."""
        return max(0.0, self._next_start_s - now_s)
