"""The time of one lesson: fixed when it begins, so that a clock jump moves no capture."""

from __future__ import annotations

from datetime import datetime, timedelta

from edge_daemon.device.clock import Reading
from edge_daemon.types import ClockState

SETTLED_S = 1.0
"""Least correction of the clock, in seconds, that moves captures."""


class Timebase:
    """Wall time as a function of the time since boot.

    Args:
        reading: the clock when the lesson began.
    """

    def __init__(self, reading: Reading) -> None:
        self._anchor = reading

    @property
    def state(self) -> ClockState:
        """How far this time can be trusted."""
        return self._anchor.state

    def see(self, reading: Reading) -> bool:
        """Take over the time of the first reading that is synchronised; return True if it moves the coming captures.

        Other jumps of the clock do not affect the lesson, because it counts the time since boot.
        """
        if reading.state != "synchronised" or self._anchor.state == "synchronised":
            return False
        moved_s = (reading.utc - self.utc(reading.boottime_s)).total_seconds()
        self._anchor = reading
        return abs(moved_s) > SETTLED_S

    def utc(self, boottime_s: float) -> datetime:
        """Return the wall time for a number of seconds since boot."""
        return self._anchor.utc + timedelta(seconds=boottime_s - self._anchor.boottime_s)

    def boottime_s(self, utc: datetime) -> float:
        """Return the seconds since boot for a wall time; negative if it was before the boot."""
        return self._anchor.boottime_s + (utc - self._anchor.utc).total_seconds()
