"""The section about instructions of an emulated processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import table

_NAMES = {
    "program": "the program, captures of a lesson",
    "sweep": "the program, full sweep",
    "yunet_and_float32": "YuNet (OpenCV, full picture, threshold .6) + the float32 embedder",
}


def section(result: Mapping[str, Any]) -> str:
    """Return the section about instructions of an emulated processor."""
    theirs = result["contenders"]["yunet_and_float32"]["mean"]
    rows = [
        (name, found["captures"], _list(found["each"]), f"{found['mean'] / theirs:.2f}")
        for name, found in ((text, result["contenders"][key]) for key, text in _NAMES.items())
    ]
    head = (
        f"## Instructions of a {result['emulated_cpu']} (`benchmarks.instructions`)\n\nPictures of "
        f"{result['picture_pixels'] / 1e6:.0f} megapixels, without decoding, emulated with one thread. A count does "
        "not say how long a board takes: instructions differ in time, and a board waits for its memory. The first "
        "capture of a lesson is a full sweep.\n"
    )
    return f"{head}\n" + table(("", "pictures", "instructions of each, 10⁹", "mean / YuNet + embedder"), rows)


def _list(counts: list[int]) -> str:
    return ", ".join(f"{count / 1e9:.1f}" for count in counts)
