"""The section about very large captures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import table, target

_BASE_MIB = 180
_COPIES = 2


def section(result: Mapping[str, Any]) -> str:
    """Return the section about very large captures."""
    hall, large, growth = result["hall"], result["large"], result["growth"]
    most_mib = _BASE_MIB + _COPIES * large["picture_mib"]
    most_growth = max(growth["tiles"], growth["faces_a_capture"])
    is_linear = growth["cpu_seconds_a_capture"] <= most_growth
    rows = [
        (
            "megapixels",
            *(f"{one['picture_pixels'] / 1e6:.0f}" for one in (hall, large)),
            _times(growth, "picture_pixels"),
            "",
        ),
        ("tiles of a full sweep", hall["tiles"], large["tiles"], _times(growth, "tiles"), ""),
        ("faces a capture", hall["faces_a_capture"], large["faces_a_capture"], _times(growth, "faces_a_capture"), ""),
        (
            "processor s a capture",
            *(f"{one['cpu_seconds_a_capture']:.2f}" for one in (hall, large)),
            _times(growth, "cpu_seconds_a_capture"),
            target(f"growth ≤ {most_growth:.2f}", reached=is_linear),
        ),
        (
            "peak PSS of `rehearse`, MiB",
            hall["peak_pss_mib"],
            large["peak_pss_mib"],
            "",
            target(f"≤ {_BASE_MIB} + {_COPIES} × {large['picture_mib']:g}", reached=large["peak_pss_mib"] <= most_mib),
        ),
    ]
    head = (
        f"## Very large captures (`benchmarks.large_frames`)\n\n{large['captures']} captures of a hall, and as many "
        "mosaics of them, rehearsed with one thread. A mosaic has more tiles and more faces, and its time must not "
        "grow by more than they do. The times include the register.\n"
    )
    return f"{head}\n" + table(("", "a hall", "mosaics", "growth", "target"), rows)


def _times(growth: Mapping[str, float], key: str) -> str:
    return f"× {growth[key]:.2f}"
