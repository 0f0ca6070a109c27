"""Fit the odds of a face: `python -m models_tflite.build.verifier.fit`, in the program's own environment.

    python -m models_tflite.build.verifier.fit --wider DIR --masks DIR

The folders are those of `models_tflite.build.verifier.crops`. The pictures go through the program's own sweep, verifier
and second look. The command uses the eighth of the pictures that neither the training nor the evaluation uses: on the
pictures of its training the verifier errs less often than on others. A logistic regression (ridge 1) gives weights for
`edge_daemon/vision/face_odds.py`. The command prints them, with recall and false boxes by limit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import folder
from benchmarks.matching import MIN_IOU, false_boxes, ious, match
from edge_daemon.vision import face_odds, nms
from edge_daemon.vision.face_reader import MeasuredHit, hits, rectangle
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.pipeline import Detector
from models_tflite.build.verifier import labelled
from models_tflite.build.verifier.labelled import LabelledPicture
from models_tflite.build.verifier.split import for_fitting

Array = NDArray[np.float64]
RIDGE = 1.0
LIMITS = (0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)


def main() -> int:
    """Print weights and limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wider", type=Path, required=True)
    parser.add_argument("--masks", type=Path, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector = Detector(ModelSet.load(default_models_dir()), threads=1, embed=False)
    pictures = [
        p for p in labelled.wider(arguments.wider) + labelled.masks(arguments.masks) if for_fitting(p.path.name)
    ]
    face_odds.LEAST_EARLY, face_odds.LEAST_EARLY_SMALL, face_odds.BEYOND_DOUBT = (
        0.002,
        0.002,
        2.0,
    )  # everything has its second look
    looked = [(known, confirmed(detector, known)) for known in pictures]
    early = fitted(looked, list(face_odds.EARLY_WEIGHTS), lambda one: face_odds.early_terms(one.hit))
    weights = fitted(looked, list(face_odds.WEIGHTS), lambda one: face_odds.terms(one.hit, one.mesh.presence))
    for title, found in (("EARLY_WEIGHTS", early), ("WEIGHTS", weights)):
        sys.stdout.write(f"{title}\n" + "".join(f'    "{name}": {value:.3f},\n' for name, value in found.items()))
    face_odds.EARLY_WEIGHTS.update(early)
    sys.stdout.write("\n".join(curve(looked, weights)) + "\n")
    return 0


def confirmed(detector: Detector, known: LabelledPicture) -> list[MeasuredHit]:
    """Return the detections of a picture that the verifier accepts, after their second look."""
    picture = folder.picture(known.path)
    return detector.measured(picture, detector.confirmed(picture, hits(detector.sweep(picture))))


def probability(one: MeasuredHit) -> float:
    """Return the probability of a face by the current weights."""
    return face_odds.probability(one.hit, one.mesh.presence)


def rectangles(found: list[MeasuredHit]) -> Array:
    """Return boxes (n, 4): x, y, w, h."""
    boxes = [rectangle(one.hit.box) for one in found]
    return np.array([(b.x, b.y, b.w, b.h) for b in boxes], np.float64).reshape(-1, 4)


def fitted(
    looked: list[tuple[LabelledPicture, list[MeasuredHit]]],
    names: list[str],
    terms: Callable[[MeasuredHit], dict[str, float]],
) -> dict[str, float]:
    """Return the weight of each term by its name, fitted by a ridge logistic regression."""
    rows: list[list[float]] = []
    faces: list[bool] = []
    for known, found in looked:
        boxes = rectangles(found)
        overlap = ious(boxes, known.labels)
        excused = (overlap * known.ignored).max(axis=1, initial=0) > 0.1
        for one, best, out in zip(found, overlap.max(axis=1, initial=0), excused, strict=True):
            if not out and not 0.2 < best < MIN_IOU:
                own = terms(one)
                rows.append([own[name] for name in names])
                faces.append(bool(best >= MIN_IOU))
    return dict(zip(names, logistic(np.array(rows), np.array(faces, np.float64)), strict=True))


def logistic(rows: Array, faces: Array) -> Array:
    """Return the weights of the columns of `rows`. The last column is 1; its weight is not regularised."""
    weights = np.zeros(rows.shape[1])
    ridge = RIDGE * np.eye(rows.shape[1])
    ridge[-1, -1] = 1e-6
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        hessian = rows.T @ (rows * (p * (1 - p))[:, None]) + ridge
        step = np.linalg.solve(hessian, rows.T @ (faces - p) - ridge @ weights)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def curve(looked: list[tuple[LabelledPicture, list[MeasuredHit]]], weights: dict[str, float]) -> list[str]:
    """Return recall at 24-32 px and from 32 px, and false boxes for each picture, one line for each limit."""
    face_odds.WEIGHTS.update(weights)
    lines = []
    for limit in LIMITS:
        count = np.zeros((2, 2), int)
        wrong = 0
        for known, found in looked:
            p = face_odds.among_others([one.hit.box for one in found], [probability(one) for one in found])
            kept = face_odds.accepted([one.hit.box for one in found], p, limit)
            boxes = distinct_boxes([one for one, ok in zip(found, kept, strict=True) if ok])
            faces = known.labels[~known.ignored]
            pairs = match(faces, boxes)
            wrong += len(false_boxes(known.labels[known.ignored], boxes, pairs))
            for k, (low, high) in enumerate(((24, 32), (32, np.inf))):
                inside = np.flatnonzero((faces[:, 3] >= low) & (faces[:, 3] < high))
                count[k] += (sum(int(i) in pairs for i in inside), len(inside))
        shares = ", ".join(f"{hit}/{n}" for hit, n in count)
        lines.append(f"limit {limit}: 24-32 and 32+ px {shares}; {wrong / len(looked):.2f} false boxes a picture")
    return lines


def distinct_boxes(found: list[MeasuredHit]) -> Array:
    """Return the boxes of detections that do not repeat a better one."""
    boxes = rectangles(found)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1).astype(np.float32)
    scores = np.array([probability(one) for one in found], np.float32)
    return boxes[[group[0] for group in nms.groups(corners, scores, nms.FACES_IOU, nms.FACES_COVER)]]


if __name__ == "__main__":
    sys.exit(main())
