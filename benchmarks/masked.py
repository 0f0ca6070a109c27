"""Measures how many masked and bare faces in photographs are found, by width, and how many the sweep detected.

    python -m benchmarks.masked --data DIR --json OUT [--part held-back]

DIR has images/ and boxes.csv (file, label, xmin, ymin, xmax, ymax), as in mask_voc. Not every face is labelled: a found
face without a label counts as a false box.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import command, folder, machine
from benchmarks.matching import false_boxes, match
from benchmarks.rates import Rate
from benchmarks.wider import candidates_and_faces, in_part
from edge_daemon.device import journal
from edge_daemon.vision.pipeline import Detector

Array = NDArray[np.float64]

WIDTHS_PX = {"24-32": (24, 32), "32-48": (32, 48), "48-80": (48, 80), "80+": (80, np.inf), "32+": (32, np.inf)}
_COLUMNS = ("xmin", "ymin", "xmax", "ymax")


def main() -> int:
    """Run the command."""
    parser = command.parser("benchmarks.masked", "Masked faces found by width, and false boxes.", "boxes.csv, images/")
    parser.add_argument("--part", choices=("all", "held-back"), default="all", help=in_part.__doc__)
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the rates by label and width."""
    models = command.models(arguments)
    detector = Detector(models, threads=1, embed=False)
    labels = read_labels(arguments.data / "boxes.csv")
    names = [name for name in labels if in_part(name, arguments.part)]
    found: dict[tuple[str, str, str], Rate] = defaultdict(lambda: Rate(0, 0))
    wrong = 0
    for done, name in enumerate(names, 1):
        own = labels[name]
        candidates, faces = candidates_and_faces(detector, folder.picture(arguments.data / "images" / name))
        boxes = np.array([box for _, box in own], np.float64).reshape(-1, 4)
        for what, some in (("found", faces), ("candidates", candidates)):
            pairs = match(boxes, some)
            for index, (label, box) in enumerate(own):
                for width, (low, high) in WIDTHS_PX.items():
                    if low <= box[2] < high:
                        found[what, label, width] += Rate(int(index in pairs), 1)
        wrong += len(false_boxes(np.zeros((0, 4)), faces, match(boxes, faces)))
        command.progress(done, len(names), "pictures")
    kinds = sorted({label for own in labels.values() for label, _ in own})
    rates = {
        what: {kind: {width: found[what, kind, width].json() for width in WIDTHS_PX} for kind in kinds}
        for what in ("found", "candidates")
    }
    return {
        **rates,
        "false_boxes_a_picture": round(wrong / max(len(names), 1), 4),
        "pictures": len(names),
        "part": arguments.part,
        "measured": machine.described(models),
    }


def read_labels(path: Path) -> dict[str, list[tuple[str, tuple[float, ...]]]]:
    """Return a mapping of each picture to its labels: the word, and x, y, w, h."""
    labels = defaultdict(list)
    for row in folder.rows(path, ("file", "label", *_COLUMNS)):
        x, y, right, bottom = (folder.number(row, column, path) for column in _COLUMNS)
        labels[row["file"]].append((row["label"], (x, y, right - x, bottom - y)))
    return dict(sorted(labels.items()))


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
