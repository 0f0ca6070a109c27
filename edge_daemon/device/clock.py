"""What time it is, how far that can be trusted, and waiting that can be woken.

A Raspberry Pi 4 has no clock battery: after a power cut its clock goes on from when it was last on, which is early by
as long as the power was off. So every reading says how it came about, and intervals use CLOCK_BOOTTIME (time(7)),
which nobody sets and which also counts while the computer sleeps.
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
"""How old the answer about synchronisation may be: asking can cost a process."""
RTC_AGREES_S = 60.0
"""A clock chip that differs more from the system's clock did not set it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clock."""

    utc: datetime
    boottime_s: float
    """Seconds since this boot; compares only within one `boot_id`."""
    state: ClockState
    boot_id: str


class Clock(Protocol):
    """The time of the service and its workers; tests give another."""

    def reading(self) -> Reading:
        """Return the time now."""
        ...

    def wait(self, seconds: float, wake: Sequence[int] = ()) -> bool:
        """Return after so many seconds, or as soon as a file descriptor of `wake` can be read: then True."""
        ...


class SystemClock:
    """The computer's own clock.

    Args:
        trusted: somebody vouches for the clock where nothing on the computer does (`device.trust_clock`).
        root: where /proc, /run and /sys are.
    """

    def __init__(self, *, trusted: bool = False, root: Path = Path("/")) -> None:
        self._trusted, self._root = trusted, root
        self._asked_s = float("-inf")
        self._state: ClockState = "unsynchronised"

    def reading(self) -> Reading:
        """Return the time now; the state is at most ASK_AGAIN_S old."""
        boottime_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        if boottime_s - self._asked_s >= ASK_AGAIN_S[self._state]:
            self._asked_s, self._state = boottime_s, clock_state(self._root)
            if self._trusted and self._state == "unsynchronised":
                self._state = "rtc"
        return Reading(datetime.now(timezone.utc), boottime_s, self._state, self._boot_id)

    def wait(self, seconds: float, wake: Sequence[int] = ()) -> bool:
        """Wait on the monotonic clock, so that setting the clock changes nothing."""
        return bool(select.select(list(wake), [], [], max(0.0, seconds))[0])

    @functools.cached_property
    def _boot_id(self) -> str:
        return read_uptime(self._root)[0]


def read_uptime(root: Path = Path("/")) -> tuple[str, float]:
    """Return the id of this boot, empty where the kernel does not give it, and the seconds since it began."""
    try:
        boot_id = (root / "proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot_id = ""
    return boot_id, time.clock_gettime(time.CLOCK_BOOTTIME)


def clock_state(root: Path = Path("/")) -> ClockState:
    """Return how far the computer's clock can be trusted.

    `synchronised` once systemd-timesyncd has heard from a server in this boot (its file), or where timedated says that
    the kernel's clock is disciplined (chrony, ntpd). Else `rtc` where a clock chip keeps the time that we have.
    """
    if (root / "run/systemd/timesync/synchronized").exists():
        return "synchronised"
    if root == Path("/") and _disciplined():
        return "synchronised"
    return "rtc" if _has_rtc(root) else "unsynchronised"


def _disciplined() -> bool:
    # Through D-Bus: adjtimex(2) itself is forbidden by the unit's ProtectClock=.
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
