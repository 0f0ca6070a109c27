from __future__ import annotations

import numpy as np
import pytest

from benchmarks.audit import scored
from benchmarks.audit_captures import AS_IS, SHRUNK, WORSE, Capture, Seen, worse
from benchmarks.audit_curves import WIDTHS_PX, nearest, table
from benchmarks.audit_seats import outcomes
from benchmarks.lesson_truth import TrueFace
from edge_daemon.app.audit.face_light import FaceLight
from edge_daemon.types import Box, Face, Quality

SEATS = ((300.0, 300.0, 20.0), (900.0, 300.0, 20.0), (300.0, 900.0, 60.0), (900.0, 900.0, 60.0))


def face(x: float, y: float, width: float) -> Face:
    none = np.zeros(0, np.float32)
    return Face(Box(x, y, width, 1.25 * width), 0.99, none, Quality(width, 0.45, 1.0), None, None, none)


def lesson(name: str, hits: tuple[float, ...], captures: int = 20, variant: str = AS_IS.name) -> list[Capture]:
    """Each student is named rightly in a share of the captures, and found in all but the first one."""
    observations = []
    for number in range(captures):
        true = tuple(TrueFace((x, y, w, 1.25 * w), "student", f"S{i}", w) for i, (x, y, w) in enumerate(SEATS))
        seen = tuple(
            Seen(face(*seat), FaceLight(120.0, 0.0, 100.0), i, f"S{i}" if number % 20 < 20 * hits[i] else "", f"S{i}")
            for i, seat in enumerate(SEATS)
            if number
        )
        observations.append(Capture(name, variant, f"{number:04d}", 1200, 1200, true, seen))
    return observations


def test_faces_count_for_the_width_that_is_nearest_by_ratio():
    assert nearest(21.1) == 22
    assert nearest(20.9) == 20
    assert nearest(500) == WIDTHS_PX[-1]


def test_the_table_has_the_shares_of_the_faces_and_never_falls():
    rows = {row["width_px"]: row for row in table(lesson("a", (0.5, 0.5, 0.8, 1.0)))}
    assert rows[20.0]["found_measured"]["rate"] == pytest.approx(0.95)
    assert rows[20.0]["hit_measured"]["hits"] == 2 * 9
    assert rows[60.0]["hit_measured"]["hits"] == 15 + 19
    assert rows[60.0]["register_measured"]["rate"] == 1.0
    shares = [row["hit"] for row in rows.values()]
    assert shares == sorted(shares)


def test_a_width_that_measured_worse_than_a_smaller_one_is_pooled_with_it():
    rows = {row["width_px"]: row for row in table(lesson("a", (0.9, 0.9, 0.5, 0.5)))}
    assert rows[20.0]["hit"] == rows[60.0]["hit"] == pytest.approx((2 * 17 + 2 * 9 + 0.5) / 81, abs=0.001)


def test_a_seat_is_held_against_captures_that_the_audit_did_not_see():
    found = outcomes(lesson("a", (0.5, 0.5, 1.0, 1.0)))
    assert len(found) == 4
    assert {o.faces for o in found} == {15}
    assert all(o.found >= 14 for o in found)
    small, large = (next(o for o in found if o.seat.width_px == w) for w in (20.0, 60.0))
    assert small.hits < large.hits


def test_the_loss_by_blur_is_learned_from_blurred_captures_and_checked_on_other_lessons():
    clear = [*lesson("a", (0.5, 0.5, 1.0, 1.0)), *lesson("a", (0.5, 0.5, 1.0, 1.0), 4, WORSE[0].name)]
    result = scored(clear, lesson("b", (0.4, 0.6, 1.0, 0.9)))
    assert result["worth"]["log_loss_a_face"] <= result["worth"]["log_loss_by_width_alone"]
    assert result["calibration"]["seats"] == 4
    assert sum(own["seats"] for own in result["calibration"]["bins"]) == 4
    assert set(result["calibration_by_variant"]) == {AS_IS.name}


def test_captures_are_made_worse_as_their_name_says():
    picture = np.random.default_rng(0).integers(60, 200, (400, 600, 3), np.uint8)
    random = np.random.default_rng(1)
    assert worse(picture, AS_IS, random) is picture
    half = worse(picture, SHRUNK[0], random)
    assert half.shape == picture.shape
    assert half[300:, 400:].mean() == pytest.approx(110, abs=2)
    by_name = {variant.name: worse(picture, variant, random) for variant in WORSE}
    assert by_name["light x .15"].mean() == pytest.approx(0.15 * picture.mean(), abs=2)
    assert by_name["light x 2.2"].mean() > 1.5 * picture.mean()
    assert np.abs(np.diff(by_name["blur 4 px"].astype(int), axis=1)).mean() < 10
