"""The state of the computer from /proc and /sys: disk, memory, heat, power. `host_checks.py` rates it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

_MILLI = 1000.0
_PLAUSIBLE_C = (-40.0, 150.0)
"""Lowest and highest plausible temperature in °C. A sensor that is off reports another value (Jetson: -256)."""
_RPI_VOLT_STICKY = 0x10000


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory and swap in bytes."""

    size: int
    available: int
    swap_size: int
    swap_free: int


@dataclass(frozen=True, slots=True)
class Host:
    """The state of the computer at one moment. A value that the system does not report is None."""

    disk_size_bytes: int
    disk_free_bytes: int
    memory: Memory | None
    temperature_c: float | None
    """Temperature of the hottest sensor."""
    throttled: int | None
    """Bits of `vcgencmd get_throttled`, for under-voltage, capped clock, throttling and heat.

    Bits 0 to 3 concern this moment, bits 16 to 19 the time since the start. None on other computers.
    """
    last_backup: datetime | None


def read_host(state_dir: Path, root: Path = Path("/")) -> Host:
    """Read the state of the computer once.

    Args:
        state_dir: folder whose disk and backups are read; it need not exist yet.
        root: folder that has /proc and /sys. Only with the root of the system are commands run.
    """
    usage = shutil.disk_usage(existing(state_dir))
    return Host(
        usage.total,
        usage.free,
        memory(root),
        temperature_c(root),
        throttled(root),
        last_backup(state_dir / "backups"),
    )


def existing(path: Path) -> Path:
    """Return the path, or its nearest existing parent folder."""
    # Not Path.exists, which raises an error without permission for a parent folder.
    return next(p for p in (path.absolute(), *path.absolute().parents) if os.path.exists(p))  # noqa: PTH110


def memory(root: Path = Path("/")) -> Memory | None:
    """Return the memory and swap from /proc/meminfo (proc_meminfo(5)); None if it can't be read."""
    fields = {}
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        number, _, unit = value.strip().partition(" ")
        if unit == "kB" and number.isdecimal():
            fields[name] = int(number) * 1024
    try:
        return Memory(fields["MemTotal"], fields["MemAvailable"], fields["SwapTotal"], fields["SwapFree"])
    except KeyError:
        return None


def memory_limit(pid: int | str, root: Path = Path("/")) -> tuple[int, int] | None:
    """Return (used, limit) in bytes of the control group (v2) that limits a process most; None if none limits it."""
    place = next((x[3:] for x in _text(root / f"proc/{pid}/cgroup").splitlines() if x.startswith("0::/")), None)
    if place is None:
        return None
    top = root / "sys/fs/cgroup"
    folder, found = top / place.lstrip("/"), []
    while folder != top and top in folder.parents:
        used, limit = (_text(folder / f"memory.{name}") for name in ("current", "max"))
        if used.isdecimal() and limit.isdecimal():
            found.append((int(used), int(limit)))
        folder = folder.parent
    return min(found, key=lambda pair: pair[1] - pair[0]) if found else None


def temperature_c(root: Path = Path("/")) -> float | None:
    """Return the highest temperature in /sys/class/thermal."""
    found = []
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        text = _text(zone / "temp")
        if text.lstrip("-").isdecimal():
            found.append(int(text) / _MILLI)
    return max((c for c in found if _PLAUSIBLE_C[0] <= c <= _PLAUSIBLE_C[1]), default=None)


def throttled(root: Path = Path("/")) -> int | None:
    """Return the bits by which a Raspberry Pi reports under-voltage and heat; None on other computers."""
    for file in sorted((root / "sys/devices/platform").glob("soc*/*firmware/get_throttled")):
        return _hexadecimal(_text(file))
    if root == Path("/") and (flags := _vcgencmd()) is not None:
        return flags
    for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _text(chip / "name") == "rpi_volt":
            return _RPI_VOLT_STICKY if _text(chip / "in0_lcrit_alarm") == "1" else 0
    return None


def last_backup(folder: Path) -> datetime | None:
    """Return the time of the newest file in the folder of backups."""
    try:
        times = [path.stat().st_mtime for path in folder.rglob("*") if path.is_file()]
    except OSError:
        return None
    return datetime.fromtimestamp(max(times), timezone.utc) if times else None


def _vcgencmd() -> int | None:
    try:
        done = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=3, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _hexadecimal(done.stdout.strip().partition("=")[2])


def _hexadecimal(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None


def _text(path: Path) -> str:
    """Return the text of a small file; empty if it can't be read, for example because a sensor does not answer."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
