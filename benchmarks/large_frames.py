"""Measures how time and memory grow from captures of a hall to captures of many times as many pixels and faces.

    python -m benchmarks.large_frames --data LESSON --hall HALL --json OUT [--frames 10] [--size 9152x6944]

The large captures are mosaics: each shows a capture of the hall several times, side by side. So pixels, tiles and faces
grow by about the same factor, and the time must not grow by more. Both folders of captures are rehearsed with one
thread, in a home where the students of LESSON are enrolled, so nobody in the hall is.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import command, folder, lesson, machine
from benchmarks.lesson_truth import read_outcome, read_truth
from edge_daemon.device import journal
from edge_daemon.types import Picture
from edge_daemon.vision import tiles

_JPEG_QUALITY = 92
_SIZE = "9152x6944"
"""A camera of 64 megapixels."""


def main() -> int:
    """Run the command."""
    text = "Time and memory of a rehearsal with very large captures, beside one with captures of a hall."
    parser = command.parser("benchmarks.large_frames", text, "a lesson whose students are enrolled")
    parser.add_argument("--hall", type=Path, metavar="DIR", required=True, help="a lesson of a hall")
    parser.add_argument("--frames", type=int, default=10, help="number of captures of each rehearsal (default 10)")
    parser.add_argument("--size", default=_SIZE, metavar="WxH", help=f"pixels of a large capture (default {_SIZE})")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure, and return the results for the JSON file."""
    read_truth(arguments.data)  # raises DataError unless it is a lesson
    models = command.models(arguments)
    frames = sorted((arguments.hall / "frames").glob("*.jpg"))[: arguments.frames]
    if not frames:
        raise folder.DataError("no captures", str(arguments.hall / "frames"))
    with tempfile.TemporaryDirectory(prefix="edge-daemon-large-") as temporary:
        home, hall, large = (Path(temporary) / name for name in ("home", "hall", "large"))
        lesson.enrol(arguments.data, home, 1, arguments.models)
        _write(frames, hall, _size(arguments.size), large)
        side_px = models.card("detector_sweep").size_px[0]
        found = {place.name: _rehearsed(home, place, side_px) for place in (hall, large)}
    return {**found, "growth": growth(found["hall"], found["large"]), "measured": machine.described(models)}


def growth(hall: dict[str, Any], large: dict[str, Any]) -> dict[str, float]:
    """Return by which factor each figure grows."""
    keys = ("picture_pixels", "tiles", "faces_a_capture", "cpu_seconds_a_capture")
    return {key: round(large[key] / hall[key], 3) for key in keys}


def mosaic(picture: Picture, width: int, height: int) -> Picture:
    """Return a picture of another size that repeats a picture from its upper left corner on."""
    down, across = -(-height // picture.shape[0]), -(-width // picture.shape[1])
    return np.tile(picture, (down, across, 1))[:height, :width]


def _size(text: str) -> tuple[int, int]:
    if not re.fullmatch(r"[1-9]\d{2,4}x[1-9]\d{2,4}", text):
        raise folder.DataError("is no size", f"--size {text}", f"write it like {_SIZE}")
    width, height = text.split("x")
    return int(width), int(height)


def _write(frames: Sequence[Path], hall: Path, size: tuple[int, int], large: Path) -> None:
    """Put the captures of the hall into one folder, and their mosaics into another."""
    hall.mkdir()
    large.mkdir()
    for done, frame in enumerate(frames, 1):
        (hall / frame.name).symlink_to(frame.resolve())
        quality = (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY)
        cv2.imwrite(str(large / frame.name), mosaic(folder.picture(frame), *size), quality)
        command.progress(done, len(frames), "captures")


def _rehearsed(home: Path, frames: Path, side_px: int) -> dict[str, Any]:
    sightings = frames.with_suffix(".csv")
    ran = lesson.edge_daemon(home, "rehearse", "--frames", str(frames), "--json", "--sightings", str(sightings))
    document = json.loads(ran.output)
    faces = sum(len(seen) for seen in read_outcome(document, sightings).faces.values())
    height, width = folder.picture(min(frames.iterdir())).shape[:2]
    return {
        "captures": document["captures_taken"],
        "picture_pixels": height * width,
        "picture_mib": round(3 * height * width / 2**20, 1),
        "tiles": len(tiles.full_sweep(width, height, side_px)),
        "faces_a_capture": round(faces / document["captures_taken"], 1),
        "cpu_seconds_a_capture": document["cpu_seconds_per_capture"],
        "seconds_a_capture": document["seconds_per_capture"],
        "peak_pss_mib": ran.peak.pss,
    }


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
