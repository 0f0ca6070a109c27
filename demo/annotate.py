"""Draws the faces of one capture, with their names and the 68 standard points of large ones, into a picture.

    python demo/annotate.py FRAMES_FOLDER SIGHTINGS.csv ROSTER.csv OUT.jpg [LINE]

Takes the capture in which most names were found; LINE is written beneath it: how masks were worn, for the whole room.
The program itself never writes a picture: this one is made only because the demo's pictures are public.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a checkout need not be installed
from edge_daemon.types import Box
from edge_daemon.vision import drawing
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.pipeline import Detector

KNOWN, UNKNOWN, POINTS = (60, 150, 40), (40, 90, 220), (240, 220, 60)


def main() -> None:
    """Draw the capture that the arguments ask for."""
    frames, sightings, roster, out = map(Path, sys.argv[1:5])
    names = {row["student_id"]: row["name"] for row in _rows(roster)}
    by_frame = defaultdict(list)
    for row in _rows(sightings):
        by_frame[row["frame"]].append(row)
    if not by_frame:
        sys.exit(f"{sightings}: no faces")
    frame = max(by_frame, key=lambda name: sum(bool(row["student_id"]) for row in by_frame[name]))
    picture = cv2.imread(str(frames / frame))
    for face in Detector(ModelSet.load(default_models_dir()), embed=False)(picture):
        if face.landmarks is not None:
            drawing.points(picture, face.landmarks, POINTS, max(round(face.box.w / 90), 1))
    for row in by_frame[frame]:
        box = Box(*(float(row[key]) for key in "xywh"))
        student = row["student_id"]
        text = f"{names[student]} {float(row['similarity']):.2f}" if student else "unknown"
        _draw(picture, box, text, KNOWN if student else UNKNOWN)
    if any(sys.argv[5:]):
        picture = _with_line(picture, sys.argv[5])
    if not cv2.imwrite(str(out), picture, [cv2.IMWRITE_JPEG_QUALITY, 92]):
        sys.exit(f"{out}: can't be written")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _with_line(picture: cv2.typing.MatLike, line: str) -> cv2.typing.MatLike:
    text = drawing.Text((line,), 22)
    panel = np.full((text.size[1] + 16, picture.shape[1], 3), 250, np.uint8)
    drawing.write(panel, text, 8, 8, (30, 30, 30))
    return np.vstack([picture, panel])


def _draw(picture: cv2.typing.MatLike, box: Box, text: str, colour: drawing.Colour) -> None:
    drawing.frame(picture, box, colour, 3)
    words = drawing.Text((text,), 18)
    drawing.label(picture, words, box.x - 2, box.y - words.size[1], colour)


if __name__ == "__main__":
    main()
