from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.vision.gate import MIN_PROBABILITY, Hit, probability

_SHARES = st.floats(0, 1)


def _hit(score: float, look: float, votes: float = 3, agreement: float = 0.85, side: float = 40) -> Hit:
    box = np.array([0, 0, side, side], np.float32)
    return Hit(box, np.zeros((6, 2), np.float32), score, votes, look, agreement)


@given(_SHARES, _SHARES, _SHARES, st.floats(1, 50), _SHARES, st.floats(0, 5000))
def test_it_is_a_probability_whatever_comes(score, look, presence, votes, agreement, side):
    assert 0 <= probability(_hit(score, look, votes, agreement, side), presence) <= 1


@given(_SHARES, _SHARES, _SHARES, _SHARES)
def test_more_evidence_never_makes_a_face_less_probable(score, look, presence, more):
    little = probability(_hit(score, look), presence)

    assert probability(_hit(max(score, more), look), presence) >= little
    assert probability(_hit(score, max(look, more)), presence) >= little
    assert probability(_hit(score, look), max(presence, more)) >= little


@pytest.mark.parametrize("side", [30, 50, 120])
def test_a_clear_face_passes_and_a_pattern_does_not(side):
    assert probability(_hit(0.75, 0.75, side=side), 1.0) > MIN_PROBABILITY
    assert probability(_hit(0.3, 0.3, votes=8, agreement=0.4, side=side), 0.001) < MIN_PROBABILITY


def test_the_mesh_decides_about_doubtful_large_faces_more_than_about_small_ones():
    def spread(side):
        doubtful = _hit(0.4, 0.4, side=side)
        return probability(doubtful, 1.0) - probability(doubtful, 0.001)

    assert spread(80) > 0.2
    assert spread(80) != spread(16)
