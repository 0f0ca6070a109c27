"""Measures how many faces in photographs are found, by height, and how often something else counts as a face.

    python -m benchmarks.wider --data DIR --json OUT [--peer YUNET.onnx] [--part held-back]

DIR has images/ and boxes.csv, from WIDER FACE (Yang et al., 2016). Every label counts, including blurred, turned and
half hidden faces. A label marked invalid does not count, and neither does a box found on it.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import command, folder, machine
from benchmarks.matching import MIN_IOU, false_boxes, match
from benchmarks.rates import Rate
from benchmarks.yunet import YuNet
from edge_daemon.device import journal
from edge_daemon.types import Box, Picture
from edge_daemon.vision.face_reader import hits, rectangle
from edge_daemon.vision.pipeline import Detector

Array = NDArray[np.float64]
Found = Mapping[str, Array]

HEIGHTS_PX = {
    "16-24": (16, 24),
    "24-32": (24, 32),
    "32-48": (32, 48),
    "48-64": (48, 64),
    "64-128": (64, 128),
    "128+": (128, np.inf),
    "32+": (32, np.inf),
}
_OTHER_IOUS = (0.3, 0.5)
_COLUMNS = ("file", "x", "y", "w", "h", "invalid")


def main() -> int:
    """Run the command."""
    parser = command.parser("benchmarks.wider", "Faces found by height, and false boxes.", "boxes.csv, images/")
    parser.add_argument("--part", choices=("all", "held-back"), default="all", help=in_part.__doc__)
    parser.add_argument("--peer", type=Path, metavar="ONNX", help="also measure YuNet, from this file")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the results, with those of the peer if its model is given."""
    models = command.models(arguments)
    every = read_labels(arguments.data / "boxes.csv")
    labels = {name: rows for name, rows in every.items() if in_part(name, arguments.part)}
    images = arguments.data / "images"
    peer = {"yunet": scored(labels, find(images, list(labels), _by(YuNet(arguments.peer))))} if arguments.peer else {}
    both = _both(images, list(labels), Detector(models, threads=1, embed=False))
    found = {name: faces for name, (_, faces) in both.items()}
    candidates = scored(labels, {name: boxes for name, (boxes, _) in both.items()})
    return {
        **scored(labels, found),
        "candidates": candidates["recall"],
        "candidates_a_picture": round(sum(len(boxes) for boxes, _ in both.values()) / len(labels), 1),
        "part": arguments.part,
        "at_other_ious": {str(iou): scored(labels, found, iou) for iou in _OTHER_IOUS},
        "min_iou": MIN_IOU,
        **peer,
        "measured": machine.described(models),
    }


def read_labels(path: Path) -> dict[str, Array]:
    """Return a mapping of each picture to its labels (n, 5): x, y, w, h, invalid."""
    labels = defaultdict(list)
    for row in folder.rows(path, _COLUMNS):
        labels[row["file"]].append([folder.number(row, column, path) for column in _COLUMNS[1:]])
    return {name: np.array(found) for name, found in sorted(labels.items())}


def find(images: Path, names: list[str], detect: Callable[[Picture], Array]) -> dict[str, Array]:
    """Return a mapping of each picture to the boxes (n, 4) that a detector finds in it: x, y, w, h."""
    found = {}
    for done, name in enumerate(names, 1):
        found[name] = detect(folder.picture(images / name))
        command.progress(done, len(names), "pictures")
    return found


def in_part(name: str, part: str) -> bool:
    """Return whether a picture is in a part: `all` has every picture, any other part a third, chosen by their names."""
    return part == "all" or zlib.crc32(name.encode()) % 3 == 0


def candidates_and_faces(detector: Detector, picture: Picture) -> tuple[Array, Array]:
    """Return boxes (n, 4) and (m, 4), each x, y, w, h: those found by the sweep, and those of faces."""
    swept = detector.sweep(picture)
    faces = detector.read(picture, hits(swept))
    return _rows([rectangle(box) for box in swept.boxes]), _rows([face.box for face in faces])


def _both(images: Path, names: list[str], detector: Detector) -> dict[str, tuple[Array, Array]]:
    found = {}
    for done, name in enumerate(names, 1):
        found[name] = candidates_and_faces(detector, folder.picture(images / name))
        command.progress(done, len(names), "pictures")
    return found


def _rows(boxes: list[Box]) -> Array:
    return np.array([(b.x, b.y, b.w, b.h) for b in boxes], np.float64).reshape(-1, 4)


def _by(yunet: YuNet) -> Callable[[Picture], Array]:
    return lambda picture: yunet(picture)[0]


def scored(labels: Mapping[str, Array], found: Found, min_iou: float = MIN_IOU) -> dict[str, object]:
    """Return the recall by height, and the false boxes for each picture."""
    recall = dict.fromkeys(HEIGHTS_PX, Rate(0, 0))
    wrong = 0
    for name, rows in labels.items():
        faces, ignored = rows[rows[:, 4] == 0, :4], rows[rows[:, 4] != 0, :4]
        pairs = match(faces, found[name], min_iou)
        wrong += len(false_boxes(ignored, found[name], pairs, min_iou))
        for key, (low, high) in HEIGHTS_PX.items():
            inside = np.flatnonzero((faces[:, 3] >= low) & (faces[:, 3] < high))
            recall[key] += Rate(sum(int(i) in pairs for i in inside), len(inside))
    return {
        "recall": {key: rate.json() for key, rate in recall.items()},
        "false_boxes": wrong,
        "pictures": len(labels),
        "false_boxes_a_picture": round(wrong / len(labels), 4),
    }


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
