"""The state of the computer's clock, read from synthetic /sys and /run."""

from __future__ import annotations

import os
import time

import pytest

from edge_daemon.device.clock import SystemClock, clock_state


@pytest.fixture
def root(tmp_path):
    (tmp_path / "sys/class/rtc/rtc0").mkdir(parents=True)
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/random").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/random/boot_id").write_text("b-1\n")
    return tmp_path


def chip(root, seconds) -> None:
    (root / "sys/class/rtc/rtc0/since_epoch").write_text(f"{seconds}\n")


def test_nothing_vouches_for_a_clock_without_server_and_chip(root):
    assert clock_state(root) == "unsynchronised"


def test_a_clock_chip_that_agrees_is_trusted_and_one_that_does_not_is_not(root):
    chip(root, int(time.time()) - 5)
    assert clock_state(root) == "rtc"
    chip(root, int(time.time()) - 86400)
    assert clock_state(root) == "unsynchronised"
    chip(root, "nonsense")
    assert clock_state(root) == "unsynchronised"


def test_a_time_server_that_has_answered_outranks_the_chip(root):
    chip(root, int(time.time()))
    (root / "run/systemd/timesync/synchronized").touch()
    assert clock_state(root) == "synchronised"


def test_a_person_may_vouch_for_the_clock(root):
    assert SystemClock(root=root).reading().state == "unsynchronised"
    assert SystemClock(trusted=True, root=root).reading().state == "rtc"


def test_a_reading_has_both_times_and_the_boot(root):
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    utc_before = time.time()
    reading = SystemClock(root=root).reading()
    assert before <= reading.boottime_s <= time.clock_gettime(time.CLOCK_BOOTTIME)
    assert utc_before - 0.001 <= reading.utc.timestamp() <= time.time() + 0.001
    assert reading.boot_id == "b-1"


def test_waiting_ends_early_when_something_can_be_read():
    reading, writing = os.pipe()
    clock = SystemClock()
    assert not clock.wait(0.01, [reading])
    os.write(writing, b"x")
    begun = time.monotonic()
    assert clock.wait(30, [reading])
    assert time.monotonic() - begun < 20
