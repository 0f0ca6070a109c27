from __future__ import annotations

from itertools import pairwise

from edge_daemon.gallery.expected_naming import WIDTHS_PX, expected_naming


def test_more_photographs_and_nearer_faces_never_promise_less():
    for fewer, more in pairwise(range(1, 6)):
        assert all(expected_naming(fewer)[width] <= expected_naming(more)[width] for width in WIDTHS_PX)
    for photographs in (1, 2, 3):
        rates = list(expected_naming(photographs).values())
        assert rates == sorted(rates)
        assert 0.9 < rates[0] < 1


def test_without_a_photograph_no_student_is_named():
    assert set(expected_naming(0).values()) == {0.0}
