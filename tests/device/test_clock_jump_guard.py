"""A clock jump is not trusted for some minutes; the first answer of a time server is trusted at once."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.device.clock import Reading
from edge_daemon.device.clock_jump_guard import HOLD_S, ClockJumpGuard

START = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)


class ReportedClock:
    """A clock that returns what a test sets."""

    def __init__(self) -> None:
        self.boottime_s, self.off_s, self.state = 100.0, 0.0, "synchronised"

    def reading(self) -> Reading:
        return Reading(START + timedelta(seconds=self.boottime_s + self.off_s), self.boottime_s, self.state, "boot")

    def wait(self, seconds, wake=()):
        self.boottime_s += seconds
        return False


@pytest.fixture
def reported() -> ReportedClock:
    return ReportedClock()


@pytest.mark.parametrize("off_s", [365 * 86400.0, -7200.0, 61.0])
def test_a_clock_jump_is_doubted_until_it_lasts(reported, off_s):
    clock = ClockJumpGuard(reported)
    assert clock.reading().state == "synchronised"
    reported.off_s = off_s
    assert clock.reading().state == "unsynchronised"
    clock.wait(HOLD_S - 1)
    assert clock.reading().state == "unsynchronised"
    clock.wait(2)
    assert clock.reading().state == "synchronised"
    clock.wait(1)
    assert clock.reading().state == "synchronised"


def test_a_jump_that_is_taken_back_is_forgotten(reported):
    clock = ClockJumpGuard(reported)
    clock.reading()
    reported.off_s = 86400.0
    assert clock.reading().state == "unsynchronised"
    reported.off_s = 0.0
    assert clock.reading().state == "synchronised"
    reported.off_s = 86400.0
    clock.wait(HOLD_S)
    assert clock.reading().state == "unsynchronised", "the minutes are counted anew"


def test_the_first_time_server_is_trusted_at_once(reported):
    for state in ("unsynchronised", "rtc"):
        reported.state, reported.off_s = state, -40000.0
        clock = ClockJumpGuard(reported)
        clock.reading()
        reported.state, reported.off_s = "synchronised", 0.0
        assert clock.reading().state == "synchronised"


def test_slow_corrections_are_followed_for_ever(reported):
    clock = ClockJumpGuard(reported)
    for _ in range(100):
        reported.off_s += 5.0
        assert clock.reading().state == "synchronised"
        clock.wait(60)
