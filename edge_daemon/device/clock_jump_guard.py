"""A clock that is not believed at once when it jumps."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from edge_daemon.device.clock import Clock, Reading

logger = logging.getLogger(__name__)

JUMP_S = 60.0
"""Servers keep a clock right to milliseconds; what moves it by more is a fault, a person, or the first server heard."""
HOLD_S = 600.0
"""A jump that stands this long is believed."""


class ClockJumpGuard:
    """Gives another clock's readings, as `unsynchronised` for some minutes after a jump that nothing explains.

    A year ahead for a moment would else skip a year of lessons. While in doubt no lesson begins, pictures are taken
    without a time (`app/capture/untimed_sessions.py`), and a lesson that runs goes on by the time since boot. The first
    news of a time server is believed at once: that is how a wrong clock becomes right.

    Args:
        clock: the clock that may jump.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._trusted: Reading | None = None
        self._jumped: Reading | None = None

    def reading(self) -> Reading:
        """Return the time now."""
        reading = self._clock.reading()
        if reading.state == "unsynchronised" or not self._is_odd(reading):
            self._trusted = reading if reading.state != "unsynchronised" else self._trusted
            self._jumped = None
            return reading
        if self._jumped is None or _apart_s(self._jumped, reading) > JUMP_S:
            logger.warning("clock changed", extra={"moved_s": round(_apart_s(self._trusted, reading))})
            self._jumped = reading
        if reading.boottime_s - self._jumped.boottime_s < HOLD_S:
            return replace(reading, state="unsynchronised")
        self._trusted, self._jumped = reading, None
        return reading

    def wait(self, seconds: float, wake: Sequence[int] = ()) -> bool:
        """Wait as the other clock does."""
        return self._clock.wait(seconds, wake)

    def _is_odd(self, reading: Reading) -> bool:
        if self._trusted is None or (self._trusted.state == "rtc" and reading.state == "synchronised"):
            return False
        return _apart_s(self._trusted, reading) > JUMP_S


def _apart_s(before: Reading | None, now: Reading) -> float:
    """Return by how much the clock moved against the time since boot."""
    if before is None:
        return 0.0
    return abs((now.utc - before.utc).total_seconds() - (now.boottime_s - before.boottime_s))
