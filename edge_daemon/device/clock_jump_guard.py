"""A clock that trusts a jumped time only after some minutes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from edge_daemon.device.clock import Clock, Reading

logger = logging.getLogger(__name__)

JUMP_S = 60.0
"""Smallest jump in seconds that is not trusted. A time server keeps a clock right to milliseconds.

A larger jump is a fault, a person's change, or the first contact with a time server.
"""
HOLD_S = 600.0
"""Seconds after which a jumped time is trusted."""


class ClockJumpGuard:
    """Returns another clock's readings, with the state `unsynchronised` for some minutes after an unexplained jump.

    Without this guard, the service would skip a year of lessons if the clock were a year ahead for a moment. In these
    minutes no lesson begins, pictures are taken without a time (`app/capture/untimed_sessions.py`), and a running
    lesson continues by the time since boot. The first synchronisation is trusted at once, because it corrects a wrong
    clock.

    Args:
        clock: the clock that may jump.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._trusted: Reading | None = None
        self._jumped: Reading | None = None

    def reading(self) -> Reading:
        """Return the other clock's reading, with its state changed after a jump."""
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
        """Wait by the other clock; see `Clock.wait`."""
        return self._clock.wait(seconds, wake)

    def _is_odd(self, reading: Reading) -> bool:
        if self._trusted is None or (self._trusted.state == "rtc" and reading.state == "synchronised"):
            return False
        return _apart_s(self._trusted, reading) > JUMP_S


def _apart_s(before: Reading | None, now: Reading) -> float:
    """Return by how many seconds the clock jumped between two readings, compared with the time since boot."""
    if before is None:
        return 0.0
    return abs((now.utc - before.utc).total_seconds() - (now.boottime_s - before.boottime_s))
