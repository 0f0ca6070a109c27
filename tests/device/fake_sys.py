"""Synthetic /proc and /sys trees, like those of a Raspberry Pi and a Jetson."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

MEMINFO = (
    "MemTotal:        3884436 kB\nMemFree:          512000 kB\nMemAvailable:    {available} kB\n"
    "HugePages_Total:       0\n"
    "SwapTotal:        524284 kB\nSwapFree:         {swap_free} kB\n"
)
"""Content of /proc/meminfo on a Pi 4 with 4 GB."""


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def pi4(root: Path, *, throttled: str = "0", milli_c: str = "51121", available: int = 3000000) -> Path:
    return tree(
        root,
        {
            "proc/meminfo": MEMINFO.format(available=available, swap_free=524284),
            "sys/class/thermal/thermal_zone0/temp": f"{milli_c}\n",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/devices/platform/soc/soc:firmware/get_throttled": f"{throttled}\n",
        },
    )
