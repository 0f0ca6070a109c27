"""Shares with their exact intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of hits in a number of trials."""

    hits: int
    n: int

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.hits + other.hits, self.n + other.n)

    def json(self) -> dict[str, float | int | None]:
        """Return the share with its exact 95 % interval; null if there was nothing to count."""
        low, high = interval(self.hits, self.n)
        share = round(self.hits / self.n, 5) if self.n else None
        return {"rate": share, "hits": self.hits, "n": self.n, "low": round(low, 5), "high": round(high, 5)}


def interval(hits: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact interval for a share (Clopper and Pearson, Biometrika 1934).

    Args:
        hits: successes.
        n: trials; with none, the interval is 0 to 1.
        level: least probability with which the interval contains the true share.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is not a share")
    tail = (1 - level) / 2
    logs = _log_choose(n)
    low = 0.0 if hits == 0 else _bisect(lambda p: _upper_tail(hits, n, p, logs) < tail)
    high = 1.0 if hits == n else _bisect(lambda p: 1 - _upper_tail(hits + 1, n, p, logs) > tail)
    return low, high


def _bisect(too_low: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if too_low(middle) else (low, middle)
    return (low + high) / 2


def _log_choose(n: int) -> NDArray[np.float64]:
    factorials = np.array([math.lgamma(k + 1) for k in range(n + 1)])
    return factorials[n] - factorials - factorials[::-1]


def _upper_tail(hits: int, n: int, p: float, log_choose: NDArray[np.float64]) -> float:
    """Return the probability of at least `hits` successes."""
    k = np.arange(hits, n + 1)
    return float(np.exp(log_choose[hits:] + k * math.log(p) + (n - k) * math.log1p(-p)).sum())
