"""Computes when to try again, by exponential backoff with full jitter.

Full jitter spreads the retries of 200 rooms that lose the same server at the same moment
(https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
"""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from typing import Final

SHORTEST_S: Final = 30.0
LONGEST_S: Final = 3600.0
LONGEST_ASKED_S: Final = 86400.0
"""Longest wait that a receiver may ask for (Retry-After, RFC 9110 section 10.2.3); a longer one is cut to a day."""
SLACK: Final = timedelta(hours=1)
"""If a stored wait exceeds the longest possible wait by more than this, it was set while the clock was ahead."""


def next_try(now: datetime, tries: int, retry_after_s: float | None, rng: random.Random) -> datetime:
    """Return when to try again.

    Args:
        now: time of the failed attempt.
        tries: number of attempts so far, including that one.
        retry_after_s: shortest wait in seconds that the receiver asked for; None: it asked for none.
        rng: source of the jitter.
    """
    wait_s = rng.uniform(SHORTEST_S, ceiling_s(tries))
    if retry_after_s is not None and math.isfinite(retry_after_s):
        wait_s = max(wait_s, min(retry_after_s, LONGEST_ASKED_S))
    return now + timedelta(seconds=wait_s)


def ceiling_s(tries: int) -> float:
    """Return the longest wait in seconds after this number of attempts."""
    return float(min(LONGEST_S, SHORTEST_S * 2 ** min(max(tries, 1), 10)))
