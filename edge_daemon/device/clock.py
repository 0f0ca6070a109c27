"""The time, how far it can be trusted, and waits that can be interrupted.

A Raspberry Pi 4 has no clock battery. After a power cut its clock continues from the time when the computer was last
on. Every reading therefore has a state, which says how far the time can be trusted. Intervals are measured by
CLOCK_BOOTTIME (time(7)), which nobody can set and which also counts while the computer sleeps.
"""

from __future__ import annotations

import functools
import select
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

from edge_daemon.types import ClockState

ASK_AGAIN_S = {"synchronised": 300.0, "rtc": 30.0, "unsynchronised": 10.0}
"""Seconds for which a clock state is reused, by state. Determining it anew may start a process."""
RTC_AGREES_S = 60.0
"""Largest difference in seconds between a clock chip and the system's clock at which the two agree."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The time at one moment, with its state and the uptime."""

    utc: datetime
    boottime_s: float
    """Seconds since this boot; comparable only within one `boot_id`."""
    state: ClockState
    boot_id: str


class Clock(Protocol):
    """The clock of the service and its workers. Tests replace it."""

    def reading(self) -> Reading:
        """Return the current time."""
        ...

    def wait(self, seconds: float, wake: Sequence[int] = ()) -> bool:
        """Wait for a number of seconds; return True early if a file descriptor of `wake` becomes readable."""
        ...


class SystemClock:
    """The computer's own clock.

    Args:
        trusted: True: the clock is trusted even if nothing on the computer confirms it (`device.trust_clock`).
        root: folder that has /proc, /run and /sys.
    """

    def __init__(self, *, trusted: bool = False, root: Path = Path("/")) -> None:
        self._trusted, self._root = trusted, root
        self._asked_s = float("-inf")
        self._state: ClockState = "unsynchronised"

    def reading(self) -> Reading:
        """Return the current time, with a state of the clock that may be some minutes old (`ASK_AGAIN_S`)."""
        boottime_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        if boottime_s - self._asked_s >= ASK_AGAIN_S[self._state]:
            self._asked_s, self._state = boottime_s, clock_state(self._root)
            if self._trusted and self._state == "unsynchronised":
                self._state = "rtc"
        return Reading(datetime.now(timezone.utc), boottime_s, self._state, self._boot_id)

    def wait(self, seconds: float, wake: Sequence[int] = ()) -> bool:
        """Wait by the monotonic clock, so that a change of the computer's clock has no effect."""
        return bool(select.select(list(wake), [], [], max(0.0, seconds))[0])

    @functools.cached_property
    def _boot_id(self) -> str:
        return read_uptime(self._root)[0]


def read_uptime(root: Path = Path("/")) -> tuple[str, float]:
    """Return the id of this boot (empty if the kernel gives none) and the seconds since its start."""
    try:
        boot_id = (root / "proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot_id = ""
    return boot_id, time.clock_gettime(time.CLOCK_BOOTTIME)


def clock_state(root: Path = Path("/")) -> ClockState:
    """Return how far the computer's clock can be trusted.

    `synchronised`: a file of systemd-timesyncd shows that it reached a time server in this boot, or timedated reports
    that a time service (chrony, ntpd) keeps the clock right. `rtc`: a clock chip agrees with the system's clock.
    `unsynchronised`: neither.
    """
    if (root / "run/systemd/timesync/synchronized").exists():
        return "synchronised"
    if root == Path("/") and _disciplined():
        return "synchronised"
    return "rtc" if _has_rtc(root) else "unsynchronised"


def _disciplined() -> bool:
    # Through D-Bus, because the unit's ProtectClock= forbids adjtimex(2).
    try:
        done = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            timeout=3,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == b"yes"


def _has_rtc(root: Path) -> bool:
    """Return whether a clock chip runs and agrees with the system's clock."""
    for chip in sorted((root / "sys/class/rtc").glob("rtc*")):
        try:
            chip_s = int((chip / "since_epoch").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if abs(chip_s - time.time()) <= RTC_AGREES_S:
            return True
    return False
