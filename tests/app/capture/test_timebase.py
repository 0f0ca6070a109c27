"""A lesson's time ignores clock jumps, except for the first answer of a time server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from edge_daemon.app.capture.timebase import Timebase
from edge_daemon.device.clock import Reading

START = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)


def reading(boottime_s: float, *, off_s: float = 0.0, state="rtc") -> Reading:
    return Reading(START + timedelta(seconds=boottime_s + off_s), boottime_s, state, "boot")


def test_times_follow_the_time_since_boot_both_ways():
    base = Timebase(reading(100.0))
    assert base.utc(160.0) == START + timedelta(seconds=160)
    assert base.boottime_s(START + timedelta(seconds=160)) == 160.0


def test_a_jump_of_the_same_clock_moves_nothing():
    for off_s in (-3600.0, 365 * 86400.0, 3600.0):
        base = Timebase(reading(100.0, state="synchronised"))
        assert not base.see(reading(110.0, off_s=off_s, state="synchronised"))
        assert base.utc(110.0) == START + timedelta(seconds=110)


def test_the_first_time_server_is_trusted_and_moves_the_remaining_slots():
    base = Timebase(reading(100.0))
    assert base.see(reading(110.0, off_s=-30.0, state="synchronised"))
    assert base.state == "synchronised"
    assert base.utc(120.0) == START + timedelta(seconds=90)
    assert not base.see(reading(130.0, off_s=500.0, state="synchronised"))


def test_a_correction_of_milliseconds_moves_no_capture():
    base = Timebase(reading(100.0))
    assert not base.see(reading(110.0, off_s=0.2, state="synchronised"))
    assert base.state == "synchronised"
