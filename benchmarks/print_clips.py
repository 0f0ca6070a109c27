"""Applies the test for prints to videos of living people, whose frames stand for the captures of a lesson.

A video lasts only seconds. A person who does not move for three seconds therefore counts as a picture. Each video also
gives a print. It is one of the frames on paper, tilted anew for every capture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks import folder
from benchmarks.match_faces import captured
from edge_daemon.attendance.evidence.static_faces import static_probability
from edge_daemon.types import Face, Picture
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import FaceReader, blazeface_square
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.portrait import PortraitReader

CAPTURES = 24
WIDTHS_PX = (32.0, 64.0)
_SUFFIXES = {".mpg", ".avi", ".mp4"}
_TILT = 0.02
"""Standard deviation of a corner's shift, as a share of the picture's side."""


def judged(path: Path, models: ModelSet) -> Iterator[dict[str, object]]:
    """Yield, for every video of a folder and for its print, the probability that it shows a picture of a face."""
    files = sorted(one for one in path.iterdir() if one.suffix in _SUFFIXES)
    if not files:
        raise folder.DataError("has no videos", str(path))
    portraits, reader = PortraitReader(models), FaceReader(models)
    for file in files:
        frames, seconds = _frames(file)
        rng = np.random.default_rng(0)
        prints = [_print(frames[len(frames) // 2], rng) for _ in frames]
        for medium, shown in (("living", frames), ("held", prints)):
            for width_px, faces in _faces(shown, portraits, reader, rng).items():
                probability = round(static_probability(faces), 4) if len(faces) >= CAPTURES // 2 else None
                fields = {"video": file.name, "seconds": round(seconds, 1), "shown": medium, "width_px": width_px}
                yield {**fields, "captures": len(faces), "picture": probability}


def _frames(file: Path) -> tuple[list[Picture], float]:
    video = cv2.VideoCapture(str(file))
    everything = []
    while True:
        is_read, frame = video.read()
        if not is_read:
            break
        everything.append(np.asarray(frame, np.uint8))
    if len(everything) < CAPTURES:
        raise folder.DataError("is no video, or has too few frames", str(file))
    seconds = len(everything) / max(video.get(cv2.CAP_PROP_FPS), 1.0)
    return [everything[int(i)] for i in np.linspace(0, len(everything) - 1, CAPTURES)], seconds


def _print(frame: Picture, rng: np.random.Generator) -> Picture:
    height, width = frame.shape[:2]
    square = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    moved = square + rng.normal(0, _TILT * min(height, width), (4, 2)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(square, moved)
    return np.asarray(cv2.warpPerspective(frame, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _faces(
    shown: Sequence[Picture], portraits: PortraitReader, reader: FaceReader, rng: np.random.Generator
) -> dict[float, list[Face]]:
    found: dict[float, list[Face]] = {width_px: [] for width_px in WIDTHS_PX}
    for frame in shown:
        faces = portraits.faces(frame)
        for width_px in WIDTHS_PX if faces else ():
            scale = width_px / faces[0].quality.width_px
            box = blazeface_square(faces[0].box) * np.float32(scale)
            small = captured(frame, scale, rng)
            looked = reader.second_look(small, Hit(box, faces[0].keypoints * np.float32(scale), 0.9, votes=1.0))
            face = reader.read(small, looked, 0.5)
            if face is not None:
                found[width_px].append(face)
    return found
