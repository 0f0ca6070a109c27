from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from edge_daemon.app.audit import expected_accuracy
from edge_daemon.app.audit.expected_accuracy import WORTH, expected_of
from edge_daemon.app.audit.face_light import FaceLight

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results" / "audit.json"
GOOD = FaceLight(130.0, 0.0, 120.0)


@pytest.fixture(scope="module")
def results():
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def test_the_table_in_the_program_is_the_measured_one(results):
    for name, column in (
        ("width_px", expected_accuracy.WIDTHS_PX),
        ("found", expected_accuracy.FOUND),
        ("hit", expected_accuracy.HIT),
        ("register", expected_accuracy.REGISTER),
        ("sharpness", expected_accuracy.SHARPNESS),
    ):
        assert tuple(row[name] for row in results["table"]) == column, name
    assert {key: results["worth"][key] for key in asdict(WORTH)} == asdict(WORTH)


def test_sharpness_light_and_burning_each_predict_something_that_the_width_does_not(results):
    gain = results["worth"]
    assert all(loss > gain["log_loss_a_face"] for loss in gain["log_loss_without"].values())


def test_expected_rates_hold_in_other_lessons(results):
    assert not set(results["derived_from"]["lessons"]) & set(results["checked_on"]["lessons"])
    as_it_is = results["calibration_by_variant"]["as it is"]
    assert as_it_is["observed"]["low"] <= as_it_is["expected"] <= as_it_is["observed"]["high"]
    bins = [own["observed"]["rate"] for own in results["calibration"]["bins"]]
    assert bins == sorted(bins)


def test_rates_rise_with_the_width_and_fall_to_nothing_below_the_measured():
    hits = [expected_of(px).hit for px in (1, 8, 14, 20, 27, 33, 45, 70, 200)]
    assert hits == sorted(hits)
    assert hits[0] < 0.01
    assert hits[-1] == expected_accuracy.HIT[-1]


def test_between_two_measured_widths_the_rate_is_between_theirs():
    assert expected_accuracy.HIT[8] < expected_of(34.0).hit < expected_accuracy.HIT[9]


def test_a_sharp_and_well_lit_face_is_worth_its_width_and_others_less():
    assert WORTH.px(60, 0.4, GOOD) == 60
    assert WORTH.px(60, 0.25, GOOD) < 40
    assert WORTH.px(60, 0.4, FaceLight(25.0, 0.0, 120.0)) < 40
    assert WORTH.px(60, 0.4, FaceLight(220.0, 0.6, 120.0)) < 40
    assert WORTH.px(60, 0.0, FaceLight(0.0, 1.0, 0.0)) > 0


def test_a_small_face_has_to_be_sharper_than_a_large_one():
    assert WORTH.in_focus(60, 0.38) == 1
    assert WORTH.in_focus(20, 0.38) < 0.7
