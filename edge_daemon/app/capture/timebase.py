"""The time of one lesson: fixed when it begins, so that a clock that jumps moves no capture."""

from __future__ import annotations

from datetime import datetime, timedelta

from edge_daemon.device.clock import Reading
from edge_daemon.types import ClockState

SETTLED_S = 1.0
"""A correction below this is not worth moving captures for."""


class Timebase:
    """Wall time as a function of the time since boot.

    Args:
        reading: the clock as it was trusted when the lesson began.
    """

    def __init__(self, reading: Reading) -> None:
        self._anchor = reading

    @property
    def state(self) -> ClockState:
        """How far this time can be trusted."""
        return self._anchor.state

    def see(self, reading: Reading) -> bool:
        """Take over the time of a network server that was heard for the first time; return whether captures move.

        Any other jump of the clock is none of the lesson's business: it goes on by the time since boot.
        """
        if reading.state != "synchronised" or self._anchor.state == "synchronised":
            return False
        moved_s = (reading.utc - self.utc(reading.boottime_s)).total_seconds()
        self._anchor = reading
        return abs(moved_s) > SETTLED_S

    def utc(self, boottime_s: float) -> datetime:
        """Return the wall time at some seconds after boot."""
        return self._anchor.utc + timedelta(seconds=boottime_s - self._anchor.boottime_s)

    def boottime_s(self, utc: datetime) -> float:
        """Return the seconds after boot at a wall time; negative before it."""
        return self._anchor.boottime_s + (utc - self._anchor.utc).total_seconds()
