"""Expressions on FER2013: the CNN alone, the BiLSTM alone, and the BiLSTM on the CNN's features.

    python -m benchmarks.expression --data DIR --model MODEL --json OUT [--split PublicTest]

DIR has the splits in the form that `edge_daemon/lab/fer_pictures.py` reads. MODEL is the output of `edge-daemon lab
train expression`. The benchmark leaves out pictures whose pixels are also in another split in DIR. This is a laboratory
figure: no lesson measures expressions.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import command, machine
from benchmarks.rates import Rate
from edge_daemon.device import journal
from edge_daemon.lab.expression_classes import CLASSES, HEADS
from edge_daemon.lab.expression_model import ExpressionModel, facts
from edge_daemon.lab.fer_pictures import SPLITS, LabelledPictures, has_split, read_split
from edge_daemon.lab.law import NOTICE


def main() -> int:
    """Run the command."""
    parser = command.parser("benchmarks.expression", "Expressions on FER2013, by head.", "FER2013's splits")
    parser.add_argument("--model", type=Path, required=True, metavar="MODEL", help="output of `lab train expression`")
    parser.add_argument("--split", choices=SPLITS, default="PublicTest", help="the split to measure on")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the results."""
    model = ExpressionModel(arguments.model)
    asked = without_doubles(arguments.data, arguments.split)
    begun_s = time.process_time()
    picked = np.array([model(picture).argmax(axis=1) for picture in asked.pictures])
    seconds = time.process_time() - begun_s
    return {
        **{head: figures(asked.labels, picked[:, k]) for k, head in enumerate(HEADS)},
        "bytes": model.size_bytes,
        "ms_a_face": round(1000 * seconds / len(picked), 3),
        "split": arguments.split,
        "pictures": len(picked),
        "doubles_left_out": asked.doubles,
        "training": {key: value for key, value in facts(arguments.model).items() if key not in ("notice", "classes")},
        "notice": NOTICE,
        "measured": machine.described(command.models(arguments)),
    }


def without_doubles(data: Path, split: str) -> LabelledPictures:
    """Return a split without the pictures that another split in the folder also has; raises LabError."""
    asked = read_split(data, split)
    for other in SPLITS:
        if other != split and has_split(data, other):
            asked = asked.without(read_split(data, other))
    return asked


def figures(labels: NDArray[np.int64], picked: NDArray[np.int64]) -> dict[str, object]:
    """Return accuracy, balanced accuracy, precision, recall, F1 and confusion (rows are labels)."""
    confusion = np.zeros((len(CLASSES), len(CLASSES)), int)
    np.add.at(confusion, (labels, picked), 1)
    hits, said, true = confusion.diagonal(), confusion.sum(0), confusion.sum(1)
    precision = [float(h / n) if n else 0.0 for h, n in zip(hits, said, strict=True)]
    recall = [float(h / n) if n else 0.0 for h, n in zip(hits, true, strict=True)]
    f1 = [2 * p * r / (p + r) if p + r else 0.0 for p, r in zip(precision, recall, strict=True)]
    present = [r for r, n in zip(recall, true, strict=True) if n]
    return {
        "accuracy": Rate(int(hits.sum()), len(labels)).json(),
        "balanced": round(float(np.mean(present)), 5),
        **{
            name: {label: round(value, 5) for label, value in zip(CLASSES, values, strict=True)}
            for name, values in (("precision", precision), ("recall", recall), ("f1", f1))
        },
        "confusion": confusion.tolist(),
    }


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
