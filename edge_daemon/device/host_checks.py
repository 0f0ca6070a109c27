"""Rates the computer: disk space, memory, heat, power, clock, folders. Every threshold has its source."""

from __future__ import annotations

import os
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_daemon.device.check import Check
from edge_daemon.device.host import Host, existing
from edge_daemon.types import ClockState

LEAST_FREE_MB = 500
"""Free disk space that is enough for a term, in MB. The service stops capturing at a much lower limit."""
LEAST_AVAILABLE_MB = 300
"""Available memory that a lesson needs, in MB: the largest use of all its processes together."""
WARM_C = 75.0
"""Temperature in °C from which the computer counts as warm."""
HOT_C = 85.0
"""Temperature in °C from which the computer counts as hot.

A Raspberry Pi slows down from 80 °C, and strongly at 85 °C; a Jetson slows down at about 95 °C.
"""
BACKUP_AGE = timedelta(days=3)
FIRST_BACKUP = timedelta(days=1, hours=3)
"""Time after the first record within which the nightly backup must have run (systemd/edge-daemon-backup.timer)."""
BUILT = datetime(2026, 1, 1, tzinfo=timezone.utc)
"""Approximate date of this program; a correct clock never shows an earlier time."""

_POWER = {0: "the power supply is too weak now", 16: "the power supply was too weak since the start"}
_HEAT = {
    1: "the processor's clock is capped now",
    2: "the processor is slowed down now",
    3: "the processor is hot and slowed down now",
    17: "the processor's clock was capped since the start",
    18: "the processor was slowed down since the start",
    19: "the processor was hot and slowed down since the start",
}
"""Meaning of the bits of `vcgencmd get_throttled` (raspberrypi.com, documentation of vcgencmd)."""


def disk(folder: Path, host: Host, stop_bytes: int = 0) -> Check:
    """Check whether a folder's disk is writable and has space.

    Args:
        folder: the state folder; it need not exist yet.
        host: state of the computer, with the free space of this disk.
        stop_bytes: free space below which the service takes no captures.
    """
    free_mb = host.disk_free_bytes // 2**20
    place = existing(folder)
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        advice = "a worn-out SD card does that: look at `dmesg`, and replace the card"
        return Check("disk", "bad", f"{place} is on a read-only disk", advice)
    if host.disk_free_bytes < stop_bytes:
        return Check("disk", "bad", f"{free_mb} MB free: no captures are taken", "make room, or use a larger card")
    if free_mb < LEAST_FREE_MB:
        return Check("disk", "warning", f"{free_mb} MB free", f"make room: {LEAST_FREE_MB} MB at least")
    return Check("disk", "good", f"{free_mb} MB free")


def memory(host: Host, limit: tuple[int, int] | None) -> Check:
    """Check whether there is enough memory for a lesson.

    Args:
        host: state of the computer, with its memory.
        limit: (used, limit) in bytes of the service's control group; None: no limit, or no service.
    """
    if host.memory is None:
        return Check("memory", "not checked", "this system does not report its memory")
    available_mb, swap_mb = (x // 2**20 for x in (host.memory.available, host.memory.swap_size - host.memory.swap_free))
    found = f"{available_mb} of {host.memory.size // 2**20} MB available, {swap_mb} MB in swap"
    if limit is not None:
        found += f", the service uses {limit[0] // 2**20} of its {limit[1] // 2**20} MB"
        if limit[0] > 0.9 * limit[1]:
            return Check("memory", "warning", found, "the service is near its limit: raise MemoryMax= of its unit")
    if available_mb < LEAST_AVAILABLE_MB:
        advice = f"a lesson takes up to {LEAST_AVAILABLE_MB} MB: stop other programs, or vision.threads = 1"
        return Check("memory", "warning", found, advice)
    return Check("memory", "good", found)


def temperature(host: Host) -> Check:
    """Check whether the computer is too hot."""
    if host.temperature_c is None:
        return Check("temperature", "not checked", "this computer has no sensor")
    found = f"{host.temperature_c:.0f} °C"
    if host.temperature_c < WARM_C:
        return Check("temperature", "good", found)
    return Check(
        "temperature",
        "bad" if host.temperature_c >= HOT_C else "warning",
        found,
        "let air reach the device, keep it out of the sun, fit a heat sink or a fan",
    )


def power(host: Host) -> Check:
    """Check whether a Raspberry Pi reports under-voltage or a processor that is slowed down."""
    if host.throttled is None:
        return Check("power", "not checked", "this computer does not report its power supply")
    weak = [words for bit, words in _POWER.items() if host.throttled >> bit & 1]
    slow = [words for bit, words in _HEAT.items() if host.throttled >> bit & 1]
    if not weak and not slow:
        return Check("power", "good", "no under-voltage and no throttling since the start")
    advice = "let air reach the device, fit a heat sink or a fan"
    if weak:
        advice = "use the power supply that is made for this board, and a short cable; bad power also ruins SD cards"
    return Check("power", "bad" if host.throttled & 0x1 else "warning", ", ".join([*weak, *slow]), advice)


def clock(state: ClockState, now: datetime, *, trusted: bool) -> Check:
    """Check how far the clock can be trusted.

    Args:
        state: how the clock was set.
        now: the clock's time.
        trusted: the setting device.trust_clock.
    """
    found = f"{now.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC, "
    rtc = "connect it to a network with a time server, or fit a clock chip (RTC) with a battery"
    if now < BUILT:
        return Check("clock", "bad", f"{found}which is in the past", rtc)
    if state == "synchronised":
        return Check("clock", "good", f"{found}set by a time server")
    if state == "rtc":
        return Check("clock", "good", f"{found}set by a clock chip; no time server was heard")
    if trusted:
        return Check("clock", "good", f"{found}trusted because the settings say so (device.trust_clock)")
    return Check("clock", "warning", f"{found}not set by any source: registers would be inconclusive", rtc)


def folder(path: Path, *, expected: bool) -> Check:
    """Check whether the state folder belongs to this user and is closed to others.

    Args:
        path: the folder.
        expected: True: the folder must exist, as in an installation. False: it is created when it is needed.
    """
    if not path.exists():
        advice = "run `systemctl start edge-daemon`, which makes it" if expected else ""
        return Check("state folder", "bad" if expected else "good", f"{path} is not there yet", advice)
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    found = f"{path}, mode {mode:03o}, owner {status.st_uid}"
    if mode & 0o077:
        return Check("state folder", "bad", f"{found}: others can look into it", f"chmod 700 {path}")
    strangers = sorted(p.name for p in path.glob("*.sqlite*") if p.stat().st_uid != status.st_uid)
    if strangers:
        what = f"{found}: {', '.join(strangers)} belongs to another user"
        return Check("state folder", "bad", what, f"chown --reference={path} {path}/*.sqlite*")
    if os.geteuid() not in (0, status.st_uid):
        return Check("state folder", "bad", f"{found}: you are another user", "run it as root or as the owner")
    return Check("state folder", "good", found)


def backup(host: Host, now: datetime, first_record: datetime | None) -> Check:
    """Check the age of the last backup.

    Args:
        host: state of the computer, with the time of the last backup.
        now: the current time.
        first_record: time at which the first data was written; None: there is none, or no backup is expected.
    """
    advice = "run `edge-daemon maintain backup`, and look why the daily job did not"
    if host.last_backup is None:
        if first_record is None:
            return Check("backup", "not checked", "there is nothing to copy yet")
        if now - first_record < FIRST_BACKUP:
            return Check("backup", "not checked", "none yet: the first is made in the night")
        return Check("backup", "warning", "none was made yet", advice)
    age = now - host.last_backup
    found = f"the last one is of {host.last_backup:%Y-%m-%d %H:%M} UTC"
    return Check("backup", "warning", found, advice) if age > BACKUP_AGE else Check("backup", "good", found)
