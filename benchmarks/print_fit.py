"""Fits the weights of `attendance/evidence/static_faces.py`, and measures them on people left out of the fit.

    python -m benchmarks.print_fit --data LFW --json OUT [--people 40] [--cache DIR]

It is a logistic regression with a ridge penalty, fitted by Newton's method. Prints and living people have the same
total weight. No benchmark reports results on these people. Seats that show two or three photographs in turn are left
out, because they are neither prints nor living people.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import command, folder, print_faces
from benchmarks.print_faces import SeatFaces
from benchmarks.print_media import PRINTS
from benchmarks.prints import LEAST_PHOTOGRAPHS
from benchmarks.scenarios.cast import read_people
from edge_daemon.attendance.evidence.face_motion import FEATURES
from edge_daemon.attendance.evidence.static_faces import LEAST_CAPTURES, features
from edge_daemon.device import journal

Array = NDArray[np.float64]

_RIDGE = 3.0
"""Strength of the ridge penalty. With 1 the weights are larger, but no better at separating people from prints."""
_STEPS = 60
_FOLDS = 5
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of a logistic regression, for features in their own units."""

    each: Array
    bias: float

    def logits(self, rows: Array) -> Array:
        """Return the logits (n,) of rows (n, features)."""
        return np.asarray(rows @ self.each + self.bias)


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.print_fit", "Weights of the test for prints.", "images.csv, images/")
    arguments.add_argument("--people", type=int, help="so many, chosen by a hash of their names (default: all)")
    arguments.add_argument("--cache", type=Path, help="folder for the seats that were read")
    arguments.add_argument("--most", type=int, help="read so many people anew; 0: only those in the cache")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the weights, and for each person the logits of a fit without this person."""
    models = command.models(arguments)
    known = read_people(arguments.data, "tune")
    people = print_faces.read(known, models, arguments.cache, most=arguments.most, limit=arguments.people)
    names = sorted(people)
    varied = {name for name in names if len(known[name]) - print_faces.ENROLLED >= LEAST_PHOTOGRAPHS}
    seats = [
        (name, seat)
        for name in names
        for seat in people[name].seats
        if len(seat.faces) >= LEAST_CAPTURES and (seat.medium != "living" or name in varied)
    ]
    if not seats:
        raise folder.DataError("has no person with enough photographs in the cache", str(arguments.data))
    rows = np.stack([features([face for _, face in seat.faces]) for _, seat in seats])
    printed = np.array([seat.medium in PRINTS for _, seat in seats])
    whose = np.array([names.index(name) for name, _ in seats])
    left_out = np.zeros(len(rows))
    for fold in range(_FOLDS):
        test = whose % _FOLDS == fold
        left_out[test] = fit(rows[~test], printed[~test]).logits(rows[test])
    found = fit(rows, printed)
    numbers = (*FEATURES, "log_width")
    return {
        "weights": {name: round(float(w), _DIGITS) for name, w in zip(numbers, found.each, strict=True)},
        "bias": round(found.bias, _DIGITS),
        "people": len(names),
        "left_out_logits": dict(_by_kind([seat for _, seat in seats], left_out)),
    }


def fit(rows: Array, printed: NDArray[np.bool_]) -> Weights:
    """Return the weights that separate prints from people, given rows (n, features) and which of them are prints."""
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    scaled, target = (rows - mean) / scale, printed.astype(float)
    share = np.where(printed, 0.5 / printed.mean(), 0.5 / (1 - printed.mean()))
    design = np.hstack([scaled, np.ones((len(rows), 1))])
    ridge = np.diag([*[_RIDGE] * rows.shape[1], 1e-6])
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(design @ weights, -60, 60)))
        slope = design.T @ ((fitted - target) * share) + ridge @ weights
        curve = (design * (fitted * (1 - fitted) * share)[:, None]).T @ design + ridge
        weights -= 0.5 * np.linalg.solve(curve, slope)
    each = weights[:-1] / scale
    return Weights(each, float(weights[-1] - each @ mean))


def _by_kind(seats: Sequence[SeatFaces], logits: Array) -> Iterator[tuple[str, dict[str, object]]]:
    for band in print_faces.BANDS:
        for medium in print_faces.MEDIA:
            own = np.array([v for s, v in zip(seats, logits, strict=True) if (s.band, s.medium) == (band, medium)])
            if len(own):
                cuts = np.quantile(own, (0.0, 0.01, 0.05, 0.5, 0.95, 0.99, 1.0))
                yield f"{band} {medium}", {"n": len(own), "quantiles": [round(float(v), 2) for v in cuts]}


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
