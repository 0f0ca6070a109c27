"""Measures the accuracy to expect for a face by its width, sharpness and light, and checks it on other lessons.

    python -m benchmarks.audit --data DIR --check DIR --json OUT

Both are folders of lessons as a lesson maker writes them. The table and the effect of blur and light are derived from
--data alone. In --check the audit reads a few captures of each lesson, and its result for each seat is compared with
the other captures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks import audit_curves, command, machine
from benchmarks.audit_captures import Capture, captures
from benchmarks.audit_seats import Outcome, outcomes
from benchmarks.lesson import lessons
from benchmarks.rates import Rate
from edge_daemon.app.audit.expected_accuracy import expected
from edge_daemon.device import journal
from edge_daemon.vision.pipeline import Detector

_BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.01)
_ENOUGH = 10
"""A seat with fewer faces than this is left out of `mean_error_of_a_seat`."""


def main() -> int:
    """Run the command."""
    parser = command.parser(
        "benchmarks.audit", "What accuracy the audit expects, and what lessons show.", "lessons to derive from"
    )
    parser.add_argument("--check", type=Path, required=True, metavar="DIR", help="other lessons")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the table, the effect of blur and light, and the calibration."""
    models = command.models(arguments)
    detector = Detector(models, threads=1)
    sets: list[list[Capture]] = []
    for data in (arguments.data, arguments.check):
        paths = lessons(data)
        sets.append([])
        for number, path in enumerate(paths):
            sets[-1] += captures(path, number, models, detector)
            command.progress(number + 1, len(paths), "lessons")
    return {**scored(*sets), "measured": machine.described(models)}


def scored(derived: Sequence[Capture], checked: Sequence[Capture]) -> dict[str, object]:
    """Return the tables, the effect of blur and light, and the calibration, as the JSON file has them."""
    rows = audit_curves.table(derived)
    seats = outcomes(checked)
    variants = sorted({seat.variant for seat in seats})
    return {
        "derived_from": _counts(derived),
        "table": rows,
        "worth": audit_curves.fit_worth(outcomes(derived), rows),
        "checked_on": _counts(checked),
        "calibration": calibration(seats),
        "calibration_by_variant": {v: calibration([s for s in seats if s.variant == v]) for v in variants},
        "table_of_the_checked": audit_curves.table(checked),
    }


def calibration(seats: Sequence[Outcome]) -> dict[str, object]:
    """Return the hit rate that the audit expects and the one observed, in bins of the expected rate."""
    predicted = [expected(seat.seat).hit for seat in seats]
    pairs = list(zip(seats, predicted, strict=True))
    bins = [[(s, p) for s, p in pairs if low <= p < high] for low, high in pairwise(_BINS)]
    often = [abs(s.hits / s.faces - p) for s, p in pairs if s.faces >= _ENOUGH]
    return {
        "seats": len(seats),
        **_agreement(pairs),
        "mean_error_of_a_seat": round(float(np.mean(often)), 4) if often else None,
        "log_loss_a_face": round(audit_curves.log_loss(seats, _prediction), 4),
        "bins": [{"seats": len(own), **_agreement(own)} for own in bins if own],
    }


_prediction: Callable[[Outcome], float] = lambda outcome: expected(outcome.seat).hit  # noqa: E731


def _agreement(pairs: Sequence[tuple[Outcome, float]]) -> dict[str, object]:
    faces = sum(s.faces for s, _ in pairs)
    mean = sum(p * s.faces for s, p in pairs) / max(faces, 1)
    return {"expected": round(mean, 4), "observed": Rate(sum(s.hits for s, _ in pairs), faces).json()}


def _counts(made: Sequence[Capture]) -> dict[str, object]:
    captures_of = {v: sum(c.variant == v for c in made) for v in sorted({c.variant for c in made})}
    return {"lessons": sorted({c.lesson for c in made}), "captures": captures_of}


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
