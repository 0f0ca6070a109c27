"""Masks and glasses hide what they hide on a face, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.vision.painted_covers import COVERS

# The right eye, the left eye, nose, mouth, ears; the right eye of somebody who looks at us is on the left.
UPRIGHT = np.array([(40, 40), (80, 40), (60, 62), (60, 84), (22, 48), (98, 48)], np.float32)
TILTED = np.array([(36, 50), (74, 36), (63, 66), (70, 88), (22, 64), (94, 38)], np.float32)
MASKS = [("mask", paint) for paint in COVERS["mask"]]
GLASSES = [("glasses", paint) for paint in COVERS["glasses"]]


def hidden(paint, points):
    """Return which of eyes, nose and mouth are painted over, and the share of the picture that is."""
    picture = np.full((140, 140, 3), 137, np.uint8)
    painted = (paint(picture, points) != picture).any(axis=2)
    assert (picture == 137).all()  # what it was given stays
    places = [painted[round(float(y)), round(float(x))] for x, y in points[:4]]
    return places, painted.mean()


@pytest.mark.parametrize("points", [UPRIGHT, TILTED])
@pytest.mark.parametrize(("kind", "paint"), [*MASKS, *GLASSES])
def test_a_mask_hides_mouth_and_glasses_the_eyes(points, kind, paint):
    places, share = hidden(paint, points)
    assert [places[0], places[1], places[3]] == ([False, False, True] if kind == "mask" else [True, True, False])
    assert 0.03 < share < 0.3


@pytest.mark.parametrize("kind", COVERS)
def test_each_cover_is_painted_in_two_ways(kind):
    first, second = (paint(np.zeros((140, 140, 3), np.uint8), UPRIGHT) for paint in COVERS[kind])
    assert (first != second).mean() > 0.01
