from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_daemon.vision.quality import sharpness
from tests.vision import pictures


def test_blur_lowers_sharpness_step_by_step():
    face = pictures.portrait()[20:220, 130:310]

    blurred = [sharpness(cv2.GaussianBlur(face, (0, 0), s)) for s in (1.5, 4, 8, 16)]

    assert sharpness(face) > blurred[0]
    assert blurred == sorted(blurred, reverse=True)


def test_the_same_face_farther_away_is_about_as_sharp():
    face = pictures.portrait()[20:220, 130:310]
    smaller = cv2.resize(face, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)

    assert sharpness(smaller) == pytest.approx(sharpness(face), abs=0.12)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (80, 80)])
def test_an_even_or_tiny_crop_is_not_sharp(shape):
    assert sharpness(np.full((*shape, 3), 120, np.uint8)) == 0.0
