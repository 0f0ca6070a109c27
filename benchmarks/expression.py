"""Expressions on FER2013: the CNN alone, the BiLSTM alone, and the BiLSTM on the CNN's features.

    python -m benchmarks.expression --data DIR --model MODEL --json OUT [--split PublicTest] [--confusion PICTURE.svg]

DIR has the splits in the form that `edge_daemon/lab/fer_pictures.py` reads. MODEL is the output of `edge-daemon lab
train expression`. The benchmark leaves out pictures whose pixels are also in another split in DIR. This is a laboratory
figure: no lesson measures expressions.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import command, machine
from benchmarks.rates import Rate
from edge_daemon.device import journal
from edge_daemon.lab.expression_figures import HeadFigures, examined
from edge_daemon.lab.expression_model import ExpressionModel, facts
from edge_daemon.lab.expression_plots import confusion_picture
from edge_daemon.lab.fer_pictures import SPLITS, LabelledPictures, has_split, read_split
from edge_daemon.lab.law import NOTICE


def main() -> int:
    """Run the command."""
    parser = command.parser("benchmarks.expression", "Expressions on FER2013, by head.", "FER2013's splits")
    parser.add_argument("--model", type=Path, required=True, metavar="MODEL", help="output of `lab train expression`")
    parser.add_argument("--split", choices=SPLITS, default="PublicTest", help="the split to measure on")
    parser.add_argument("--confusion", type=Path, metavar="PICTURE.svg", help="file for the confusion matrices")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure, and return the results for the JSON file."""
    model = ExpressionModel(arguments.model)
    asked = without_doubles(arguments.data, arguments.split)
    begun_s = time.process_time()
    by_head = examined(model, asked)
    seconds = time.process_time() - begun_s
    if arguments.confusion is not None:
        arguments.confusion.write_text(confusion_picture(by_head), encoding="utf-8")
    return {
        **{head: shown(found) for head, found in by_head.items()},
        "bytes": model.size_bytes,
        "ms_a_face": round(1000 * seconds / len(asked.labels), 3),
        "split": arguments.split,
        "pictures": len(asked.labels),
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


def shown(found: HeadFigures) -> dict[str, object]:
    """Return the figures of one head: accuracy, mean recall, precision, recall, F1 and confusion (rows are labels)."""
    return {
        "accuracy": Rate(found.hits, int(found.confusion.sum())).json(),
        "balanced": round(found.balanced, 5),
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "confusion": found.confusion.tolist(),
    }


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
