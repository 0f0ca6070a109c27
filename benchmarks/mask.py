"""Measures how masks are classified on labelled faces, by width, and on faces that the program finds itself.

    python -m benchmarks.mask --data DIR --json OUT [--held-back]

DIR has images/ and boxes.csv (file, label, xmin, ymin, xmax, ymax), as Kaggle's "Face Mask Detection" has. The
benchmark measures every picture, or with --held-back only those not used to train the shipped network, by the hash of
the file's name. It cuts the network's crop around the labelled box. End to end, it uses the box and points that the
program finds, and a face that is not found counts as wrong. Faces narrower than 24 px count only at "16-24".
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from benchmarks import command, folder, machine
from benchmarks.mask_faces import CLASSES, LABELLED_SHAPE, LARGE_PX, LabelledFace, held_back, read_faces
from benchmarks.matching import match
from benchmarks.rates import Rate
from edge_daemon.device import journal
from edge_daemon.traits import MaskProbabilities
from edge_daemon.types import Face, Picture
from edge_daemon.vision.analysers.aligned_face import aligned_face
from edge_daemon.vision.analysers.mask import MaskAnalyser, open_analyser
from edge_daemon.vision.pipeline import Detector

WIDTHS_PX = {"16-24": (16, 24), "24-32": (24, 32), "32-48": (32, 48), "48-80": (48, 80), "80+": (80, np.inf)}
NOT_FOUND = -1
_RIGHT = CLASSES.index("right")
_TIMED = 200

Picked = NDArray[np.int64]


def main() -> int:
    """Run the command."""
    parser = command.parser("benchmarks.mask", "Mask classes by width and end to end.", "boxes.csv, images/")
    parser.add_argument("--held-back", action="store_true", help="only pictures not used to train the network")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure, and return the results for the JSON file."""
    models = command.models(arguments)
    faces = read_faces(arguments.data / "boxes.csv")
    if arguments.held_back:
        faces = held_back(faces)
    if not faces:
        raise folder.DataError("has no face of a picture that was held back", str(arguments.data))
    analyser = open_analyser(models)
    detect = Detector(models, threads=1, embed=False, traits=("mask",))
    by_picture = [(name, list(own)) for name, own in groupby(faces, lambda face: face.file)]
    labels, picked, through = [], [], []
    for done, (name, own) in enumerate(by_picture, 1):
        picture = folder.picture(arguments.data / "images" / name)
        labels += [face.label for face in own]
        picked += [_picked(analyser(aligned_face(picture, face.box, None, LABELLED_SHAPE))) for face in own]
        through += _end_to_end(own, detect(picture))
        command.progress(done, len(by_picture), "pictures")
    widths = np.array([face.width_px for face in faces])
    card = models.card("mask")
    return {
        "classes": list(CLASSES),
        **scored(np.array(labels), np.array(picked), widths),
        "end_to_end": found_and_scored(np.array(labels), np.array(through), widths),
        "ms_a_face": round(_milliseconds(analyser, arguments, faces), 3),
        "bytes": card.path.stat().st_size,
        "pictures": len(by_picture),
        "held_back_only": bool(arguments.held_back),
        "measured": machine.described(models),
    }


def scored(labels: Picked, picked: Picked, widths: NDArray[np.float64]) -> dict[str, object]:
    """Return the `figures` for faces of 24 px and more, and under `by_width` those for each range of widths."""
    large = widths >= LARGE_PX
    by_width = {
        key: figures(labels[inside], picked[inside])
        for key, (low, high) in WIDTHS_PX.items()
        for inside in [(widths >= low) & (widths < high)]
    }
    return {**figures(labels[large], picked[large]), "by_width": by_width}


def found_and_scored(labels: Picked, through: Picked, widths: NDArray[np.float64]) -> dict[str, object]:
    """Return how many labelled faces are found, and how many are found and classified correctly."""
    large = widths >= LARGE_PX
    labels, through = labels[large], through[large]
    found = through != NOT_FOUND
    return {
        "found": {name: _rate(found[labels == k]) for k, name in enumerate(CLASSES)},
        "found_and_right": {name: _rate(through[labels == k] == k) for k, name in enumerate(CLASSES)},
        "of_those_found": figures(labels[found], through[found]),
    }


def figures(labels: Picked, picked: Picked) -> dict[str, object]:
    """Return the confusion table (rows are labels), the recall of each class, and shares of right answers.

    `accuracy` is over three classes. `effective` takes `none` and `wrong` as one class. `two_class` leaves out `wrong`.
    `balanced` is the mean recall.
    """
    confusion = np.zeros((len(CLASSES), len(CLASSES)), int)
    np.add.at(confusion, (labels, picked), 1)
    recalls = [confusion[k, k] / n for k, n in enumerate(confusion.sum(1)) if n]
    worn = labels != CLASSES.index("wrong")
    return {
        "confusion": confusion.tolist(),
        "recall": {name: _rate(picked[labels == k] == k) for k, name in enumerate(CLASSES)},
        "accuracy": _rate(picked == labels),
        "effective": _rate((picked == _RIGHT) == (labels == _RIGHT)),
        "two_class": _rate((picked[worn] == CLASSES.index("none")) == (labels[worn] == CLASSES.index("none"))),
        "balanced": round(float(np.mean(recalls)), 5) if recalls else None,
    }


def _rate(hits: NDArray[np.bool_]) -> Mapping[str, float | int | None]:
    return Rate(int(hits.sum()), len(hits)).json()


def _picked(probabilities: MaskProbabilities | None) -> int:
    if probabilities is None:
        return NOT_FOUND
    return int(np.argmax([getattr(probabilities, name) for name in CLASSES]))


def _end_to_end(labelled: Sequence[LabelledFace], found: Sequence[Face]) -> list[int]:
    """Return the program's class for each labelled face; NOT_FOUND if it finds or measures none."""
    boxes = np.array([(f.box.x, f.box.y, f.box.w, f.box.h) for f in found], np.float64).reshape(-1, 4)
    wanted = np.array([(f.box.x, f.box.y, f.box.w, f.box.h) for f in labelled], np.float64)
    pairs = match(wanted, boxes)
    return [_picked(found[pairs[i]].traits.mask) if i in pairs else NOT_FOUND for i in range(len(labelled))]


def _milliseconds(analyser: MaskAnalyser, arguments: argparse.Namespace, faces: Sequence[LabelledFace]) -> float:
    """Return the mean processor time for one face, including cutting it out."""
    picture: Picture = folder.picture(arguments.data / "images" / faces[0].file)
    begun_s = time.process_time()
    for _ in range(_TIMED):
        analyser(aligned_face(picture, faces[0].box, None, LABELLED_SHAPE))
    return 1000 * (time.process_time() - begun_s) / _TIMED


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
