"""When to take the pictures of a lesson: random, spread over the lesson, and re-derivable by an auditor.

The construction, for anybody who wants to check a register against its seed:

1. The lesson is cut into N = min(captures, duration / 5 s) slots of the same width.
2. Draw number k = 0, 1, 2 … is SHA-256(seed followed by k as 8 bytes, big-endian); its first 53 bits, as a whole number
   over 2^53, are a place in [0, 1) of the slot that it is drawn for.
3. A run of one slot takes one draw. A longer run of n slots is cut after its first n // 2; the first part is drawn,
   then the second. If the two instants at the seam are less than 2 s apart, both parts are drawn anew, from the next
   draws on. This is done from the whole lesson down.

Every plan that keeps the 2 s is as likely as every other: both parts are uniform among the plans that keep the distance
within them, so that rejecting by the seam alone leaves the whole uniform among those that keep it everywhere. (To draw
again only the later of two instants would favour late places of a slot.) The cost grows as N^1.2, where rejecting whole
plans would grow exponentially.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator

from edge_daemon.types import CapturePlan

SLOT_S = 5.0
"""Least width of a slot."""
APART_S = 2.0
"""Least time between two captures."""
SEED_BYTES = 32


def make_plan(lesson_id: str, duration_s: float, captures: int, seed: bytes | None = None) -> CapturePlan:
    """Return one random instant in each slot of a lesson.

    Args:
        lesson_id: which lesson the plan is for.
        duration_s: length of the lesson; one shorter than 5 s has no slot.
        captures: how many pictures are wanted at most.
        seed: 32 bytes to derive a known plan again; None draws a new seed from the system's CSPRNG.

    Raises:
        ValueError: no capture is wanted, the duration is not a positive time, or the seed has another length.
    """
    seed = secrets.token_bytes(SEED_BYTES) if seed is None else seed
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
    if captures < 1 or not 0 < duration_s < float("inf"):
        raise ValueError(f"no plan for {captures} captures in {duration_s} s")
    slots = slot_count(duration_s, captures)
    width_s = duration_s / max(slots, 1)
    offsets_s = _run(_draws(seed), 0, slots, width_s) if slots else []
    return CapturePlan(lesson_id, seed, seed_digest(seed), tuple(offsets_s))


def slot_count(duration_s: float, captures: int) -> int:
    """Return how many pictures a lesson gets: N of the construction."""
    return min(captures, int(duration_s // SLOT_S))


def random_frames(seed: bytes, frames: int, captures: int) -> tuple[int, ...]:
    """Return one random frame of each of so many equal parts of a video, 0-based, by the draws of the construction.

    Args:
        seed: 32 bytes; the same seed gives the same frames.
        frames: of the video.
        captures: parts; no more than there are frames.

    Raises:
        ValueError: a part would have no frame.
    """
    if not 1 <= captures <= frames:
        raise ValueError(f"{frames} frames do not make {captures} parts")
    found = []
    for part, draw in zip(range(captures), _draws(seed), strict=False):
        first, end = part * frames // captures, (part + 1) * frames // captures
        found.append(first + int(draw * (end - first)))
    return tuple(found)


def seed_digest(seed: bytes) -> str:
    """Return the SHA-256 of a seed: published before the lesson, while the seed itself is still a secret."""
    return hashlib.sha256(seed).hexdigest()


def _run(draws: Iterator[float], first: int, end: int, width_s: float) -> list[float]:
    """Return an instant for each slot in [first, end), at least APART_S from one another."""
    if end - first == 1:
        return [(first + next(draws)) * width_s]
    middle = first + (end - first) // 2
    while True:
        early = _run(draws, first, middle, width_s)
        late = _run(draws, middle, end, width_s)
        if late[0] - early[-1] >= APART_S:
            return early + late


def _draws(seed: bytes) -> Iterator[float]:
    """Yield places in [0, 1), each the first 53 bits of SHA-256(seed, counter): all that a double holds."""
    counter = 0
    while True:
        digest = hashlib.sha256(seed + counter.to_bytes(8, "big")).digest()
        yield (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)
        counter += 1
