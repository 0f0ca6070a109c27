"""Compares the assignment solver with a search of every possibility."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_daemon.attendance.evidence.assignment_solver import assign


def _best(gains: np.ndarray) -> float:
    """Return the largest sum by trying all assignments; a row may also take no column."""
    rows, columns = gains.shape
    padded = np.hstack([np.maximum(gains, 0), np.zeros((rows, rows))])
    return max(sum(padded[r, c] for r, c in enumerate(p)) for p in permutations(range(columns + rows), rows))


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_sum_of_gains_is_the_largest_possible(rows: int, columns: int, seed: int):
    gains = np.random.default_rng(seed).normal(0, 1, (rows, columns)).round(1)
    matched = assign(gains)
    taken = [c for c in matched if c >= 0]
    assert len(taken) == len(set(taken))
    assert sum(gains[r, c] for r, c in enumerate(matched) if c >= 0) == pytest.approx(_best(gains))


def test_a_pair_without_gain_stays_unmatched():
    assert assign(np.array([[0.0, -1.0], [0.5, 0.0]])) == [-1, 0]


def test_a_weaker_claim_gives_way_even_to_its_second_choice():
    assert assign(np.array([[0.9, 0.8], [0.85, 0.1]])) == [1, 0]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_nothing_to_match_is_no_error(shape: tuple[int, int]):
    assert assign(np.zeros(shape)) == [-1] * shape[0]


@pytest.mark.parametrize(
    ("gains", "columns"),
    [
        ([[0.5]], [0]),
        ([[0.5], [0.7]], [-1, 0]),
        ([[0.5, 0.7]], [1]),
        ([[0.9, 0.8, 0.1], [0.8, 0.1, 0.7], [0.7, 0.6, 0.5]], [1, 2, 0]),  # 0.8 + 0.7 + 0.7
        ([[5, 4, 1], [4, 3, 1], [3, 1, 1]], [1, 0, 2]),  # 4 + 4 + 1, as much as 5 + 3 + 1
        ([[1, 2, 3], [2, 4, 6], [3, 6, 9]], [0, 1, 2]),
        ([[3, 0], [2, 0], [1, 4]], [0, -1, 1]),
    ],
)
def test_small_tables_are_matched_as_by_hand(gains, columns):
    matched = assign(np.array(gains, float))
    total = sum(gains[row][column] for row, column in enumerate(matched) if column >= 0)
    assert total == pytest.approx(sum(gains[row][column] for row, column in enumerate(columns) if column >= 0))
    assert [column < 0 for column in matched] == [column < 0 for column in columns]
