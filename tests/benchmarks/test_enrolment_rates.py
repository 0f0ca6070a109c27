"""The comparison of the hit rate that enrolment expects with the real one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.match_faces import Photograph
from benchmarks.scenarios.photographs import WAYS, Seen, Spoiled, _binned, _rates
from edge_daemon.gallery import focus
from edge_daemon.gallery.expected_naming import expected_naming
from tests.vision import pictures


def photograph(width_px: float = 100.0, sharpness: float = 0.35, detail: float = 0.4, luma: float = 120.0) -> Spoiled:
    return Spoiled(Photograph(np.zeros((1, 192)), np.array([width_px]), ()), width_px, sharpness, detail, luma)


def test_students_are_counted_by_the_best_of_their_photographs():
    small, large = photograph(60.0), photograph(150.0, detail=focus.LEAST_DETAIL - 0.01)
    seen = [
        Seen("as it is", [small], 28.0, is_recognised=True, is_doubted=False),
        Seen("as it is", [small, large], 90.0, is_recognised=False, is_doubted=True),
        Seen("out of focus", [large], 27.0, is_recognised=False, is_doubted=False),
    ]
    bins = _binned(seen)
    assert [len(own) for own in bins["number"].values()] == [2, 1, 0]
    assert [len(own) for own in bins["width_px"].values()] == [1, 0, 2]
    assert [len(own) for own in bins["detail"].values()] == [1, 2]
    assert len(bins["way"]["out of focus"]) == 1
    rates = _rates(seen)
    wanted = np.mean([expected_naming(1)[28], expected_naming(2)[90], expected_naming(1)[28]])
    assert rates["expected"] == pytest.approx(wanted, abs=1e-4)
    assert (rates["recognised"]["hits"], rates["absent_without_doubt"]["hits"]) == (1, 1)
    assert _rates([])["expected"] is None


def test_each_way_spoils_a_photograph_as_its_name_says():
    picture = np.asarray(cv2.resize(pictures.portrait(pictures.NAMES[0]), (224, 224)), np.uint8)
    spoilt = {name: spoil(picture) for name, spoil in WAYS.items()}
    assert np.array_equal(spoilt["as it is"], picture)
    assert spoilt[".36 of the size"].shape[0] == round(0.36 * 224)
    assert spoilt["light x .3"].mean() == pytest.approx(0.3 * picture.mean(), rel=0.02)
    assert cv2.Laplacian(spoilt["out of focus"], cv2.CV_64F).var() < 0.2 * cv2.Laplacian(picture, cv2.CV_64F).var()
