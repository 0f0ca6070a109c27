"""Verification of pairs: accuracy and true-accept rates, with thresholds from the other folds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.rates import Rate

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of photographs with their similarities.

    A pair with a face that was not found is wrong at every threshold: a genuine pair has the similarity -inf, a pair of
    two people +inf.
    """

    similarity: Array
    """(n,) cosine."""
    same: Flags
    """(n,) whether both show the same person."""
    fold: NDArray[np.intp]
    """(n,) number of the cross-validation fold of each pair."""

    def take(self, index: Flags) -> Pairs:
        """Return a selection of the pairs."""
        return Pairs(self.similarity[index], self.same[index], self.fold[index])

    def split(self) -> list[tuple[Pairs, Pairs]]:
        """Return (the other folds, the fold) for each fold."""
        return [(self.take(self.fold != f), self.take(self.fold == f)) for f in np.unique(self.fold)]


def accuracy(pairs: Pairs) -> Rate:
    """Return how many pairs are decided correctly, each fold at the threshold that is best on the others."""
    parts = []
    for others, fold in pairs.split():
        accepted = fold.similarity >= best_threshold(others)
        parts.append(Rate(int((accepted == fold.same).sum()), len(accepted)))
    return sum(parts, Rate(0, 0))


def best_threshold(pairs: Pairs) -> float:
    """Return the similarity that separates most pairs correctly; the middle one of several equally good ones."""
    finite = np.isfinite(pairs.similarity)
    order = np.argsort(pairs.similarity[finite])
    value, same = pairs.similarity[finite][order], pairs.same[finite][order]
    if not len(value):
        return 0.0
    right = np.concatenate([[same.sum()], same.sum() + np.cumsum(np.where(same, -1, 1))])
    edges = np.concatenate([[value[0] - 1e-6], (value[:-1] + value[1:]) / 2, [value[-1] + 1e-6]])
    parting = np.concatenate([[True], value[:-1] < value[1:], [True]])  # no threshold lies between equal values
    best = np.flatnonzero(parting & (right == right[parting].max()))
    return float(edges[best[len(best) // 2]])


def tar_at_far(pairs: Pairs, far: float) -> tuple[Rate, Rate]:
    """Return true accepts of genuine pairs and false accepts of the others, with thresholds from the other folds."""
    true, false = Rate(0, 0), Rate(0, 0)
    for others, fold in pairs.split():
        accepted = fold.similarity > far_threshold(others, far)
        true += Rate(int(accepted[fold.same].sum()), int(fold.same.sum()))
        false += Rate(int(accepted[~fold.same].sum()), int((~fold.same).sum()))
    return true, false


def far_threshold(pairs: Pairs, far: float) -> float:
    """Return the lowest threshold that at most a share `far` of the pairs of two people exceeds.

    Pairs without a face don't count here, because no threshold could be chosen for them. They count in the rates.
    """
    impostors = np.sort(pairs.similarity[~pairs.same & np.isfinite(pairs.similarity)])[::-1]
    allowed = math.floor(far * len(impostors) + 1e-9)
    return float(impostors[allowed]) if allowed < len(impostors) else -math.inf
