"""What to do about a camera that gives no picture: reopen it, restart its process, report it, and never give up."""

from __future__ import annotations

from typing import Literal

Step = Literal["reopen", "restart"]

REPORT_AT = 3
"""Failures in a row after which a person should hear of it: reopening and restarting did not help."""
FIRST_GAP_S = 15.0
MAX_GAP_S = 120.0
"""Starting a process and waiting in vain costs up to a deadline; a tenth of the lesson is the most to spend on it."""


class CameraRecovery:
    """The failures in a row of one camera, and the steps that follow from them. Times are of a monotonic clock.

    The gap is between starts of the process. A process that still answers is asked at every capture, so that a
    cable that is put back costs no further picture.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._gap_s = 0.0
        self._next_start_s = float("-inf")

    @property
    def reports(self) -> bool:
        """Whether this very failure is the one to report."""
        return self.failures == REPORT_AT

    def failed(self, now_s: float) -> Step:
        """Count a failure and return what to do before the next picture."""
        self.failures += 1
        return "restart" if self.failures > 1 and not self.rest_s(now_s) else "reopen"

    def started(self, now_s: float) -> None:
        """The process was started: should this not help either, the next start comes later."""
        if self.failures >= REPORT_AT - 1:
            self._gap_s = min(2 * self._gap_s, MAX_GAP_S) if self._gap_s else FIRST_GAP_S
            self._next_start_s = now_s + self._gap_s

    def succeeded(self) -> None:
        """A picture came: begin at the lowest rung again."""
        self.failures, self._gap_s, self._next_start_s = 0, 0.0, float("-inf")

    def rest_s(self, now_s: float) -> float:
        """Return for how long a process that ended is not to be started again; 0: start it."""
        return max(0.0, self._next_start_s - now_s)
