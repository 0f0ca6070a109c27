from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.rates import Rate, interval


# Clopper and Pearson's intervals as R's binom.test and published tables have them.
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (10, 10, 0.6915, 1.0),
        (5, 10, 0.1871, 0.8129),
        (1, 20, 0.0013, 0.2487),
        (19, 20, 0.7513, 0.9987),
        (98, 100, 0.9296, 0.9976),
        (0, 300, 0.0, 0.0122),
    ],
)
def test_the_interval_is_the_exact_one(hits, n, low, high):
    assert interval(hits, n) == pytest.approx((low, high), abs=6e-5)


def test_the_bounds_have_closed_forms_where_all_or_none_are_hits():
    for n in (1, 7, 1000, 40_000):
        assert interval(0, n)[1] == pytest.approx(1 - 0.025 ** (1 / n), abs=1e-9)
        assert interval(n, n)[0] == pytest.approx(0.025 ** (1 / n), abs=1e-9)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_mirrors(share):
    hits, n = share
    low, high = interval(hits, n)
    assert 0 <= low <= hits / n <= high <= 1
    assert interval(n - hits, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_nothing_counted_says_nothing():
    assert Rate(0, 0).json() == {"rate": None, "hits": 0, "n": 0, "low": 0.0, "high": 1.0}


def test_more_hits_than_trials_are_refused():
    with pytest.raises(ValueError, match="3 of 2"):
        interval(3, 2)


def test_rates_add_up_to_the_pooled_rate():
    assert Rate(1, 2) + Rate(3, 8) == Rate(4, 10)
