"""The thresholds are those that were measured, and what is between them is interpolated."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from edge_daemon.attendance.evidence.thresholds import Thresholds
from edge_daemon.attendance.evidence.track_steadiness import steadiness

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results" / "thresholds.json"
ROWS = json.loads(RESULTS.read_text("utf-8"))["rows"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['width_px']:.0f}px-{row['faces']}")
def test_the_program_uses_the_thresholds_of_the_committed_measurement(row):
    assert Thresholds().threshold(row["width_px"], row["faces"]) == pytest.approx(row["threshold"], abs=6e-4)


@pytest.mark.parametrize(
    ("width_px", "count", "expected"),
    [
        *((26, 1, 0.56), (26, 9, 0.48), (32, 3, 0.46), (40, 9, 0.435), (56, 90, 0.416)),
        *((29, 9, 0.46), (36, 9, 0.4375), (48, 9, 0.43)),  # half way between two widths
        *((18, 9, 0.48), (116, 9, 0.425)),  # beyond the widths that were measured, the nearest one
    ],
)
def test_a_threshold_falls_with_width_and_number_of_faces(width_px, count, expected):
    assert Thresholds().threshold(width_px, count) == pytest.approx(expected)


def test_evidence_of_the_seat_asks_less_and_a_look_alike_more():
    constants = Thresholds()
    assert constants.threshold(40, 9) == pytest.approx(0.435)
    assert (constants.between_threshold, constants.beside_threshold) == (0.12, 0.27)
    assert (constants.margin, constants.look_alike_margin) == (0.04, 0.10)
    assert (constants.contradiction, constants.large_contradiction, constants.large_faces) == (0.40, 0.75, 6)


@pytest.mark.parametrize(
    ("count", "similarity", "squared"),
    [
        (1, math.nan, 0.6),  # no pair: what is typical
        (2, 0.5, 2.3 / 4),  # one pair beside three that are typical
        (3, 0.9, 4.5 / 6),
        (5, 0.2, 3.8 / 13),
        (6, 0.8, 13.8 / 18),
        (40, 0.6, 0.6),
        (10, -1.0, 0.3),  # never below
    ],
)
def test_a_short_track_borrows_from_what_is_typical(count, similarity, squared):
    assert steadiness(count, similarity) == pytest.approx(math.sqrt(max(squared, 0.3)))
