"""When to try again: exponential with full jitter, stored with what has to be tried.

Full jitter because 200 rooms lose the same server at the same moment, and must not come back together
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
"""A receiver that asks for more (Retry-After, RFC 9110 section 10.2.3) is asked again after a day."""
SLACK: Final = timedelta(hours=1)
"""No wait of ours is longer than it may be by this: what seems to be was written by a clock that was ahead."""


def next_try(now: datetime, tries: int, retry_after_s: float | None, rng: random.Random) -> datetime:
    """Return when to try again.

    Args:
        now: of the try that failed.
        tries: tries until now, that one included.
        retry_after_s: what the receiver asked for, if it did; never shortens the wait.
        rng: source of the jitter.
    """
    wait_s = rng.uniform(SHORTEST_S, ceiling_s(tries))
    if retry_after_s is not None and math.isfinite(retry_after_s):
        wait_s = max(wait_s, min(retry_after_s, LONGEST_ASKED_S))
    return now + timedelta(seconds=wait_s)


def ceiling_s(tries: int) -> float:
    """Return the longest wait after so many tries."""
    return float(min(LONGEST_S, SHORTEST_S * 2 ** min(max(tries, 1), 10)))
