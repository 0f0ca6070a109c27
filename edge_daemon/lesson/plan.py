"""Plans when to take the pictures of a lesson: at random times spread over the lesson, which an auditor can reproduce.

The construction, for anybody who checks a register against its seed:

1. The lesson is divided into N = min(captures, duration / 5 s) slots of equal width.
2. Draw number k = 0, 1, 2 … is SHA-256(seed followed by k as 8 bytes, big-endian). Its first 53 bits, as an integer
over 2^53, are a position in [0, 1) of the slot that it is drawn for.
3. A run of one slot uses one draw. A longer run of n slots is split after its first n // 2 slots; the first part is
drawn, then the second. If the two instants at the split are less than 2 s apart, both parts are redrawn with the next
draws. The recursion starts with the whole lesson.

Every plan that keeps the 2 s is equally likely. Proof by induction: each part is uniform among the plans that keep the
distance within the part. Rejection at the split removes only plans that break the distance there, so the remaining
plans stay equally likely. (Redrawing only the later of two instants would favour late positions in a slot.) The cost
grows as N^1.2; rejecting whole plans would cost exponentially more.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator

from edge_daemon.types import CapturePlan

SLOT_S = 5.0
"""Smallest width of a slot, in seconds."""
APART_S = 2.0
"""Shortest time between two captures, in seconds."""
SEED_BYTES = 32


def make_plan(lesson_id: str, duration_s: float, captures: int, seed: bytes | None = None) -> CapturePlan:
    """Return a plan with one random instant in each slot of a lesson.

    Args:
        lesson_id: id of the lesson.
        duration_s: length of the lesson; a lesson shorter than 5 s has no slot.
        captures: largest number of pictures.
        seed: 32 bytes that reproduce a known plan; None: a new seed from the system's CSPRNG.

    Raises:
        ValueError: `captures` or the duration is not positive, or the seed has another length.
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
    """Return the number of slots of a lesson, which is N in the module's description."""
    return min(captures, int(duration_s // SLOT_S))


def random_frames(seed: bytes, frames: int, captures: int) -> tuple[int, ...]:
    """Return the 0-based index of one random frame in each of `captures` equal parts of a video, drawn as for a plan.

    Args:
        seed: 32 bytes; the same seed gives the same frames.
        frames: number of frames in the video.
        captures: number of parts, at most `frames`.

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
    """Return the SHA-256 of a seed. It is published before the lesson, while the seed is still secret."""
    return hashlib.sha256(seed).hexdigest()


def _run(draws: Iterator[float], first: int, end: int, width_s: float) -> list[float]:
    """Return an instant for each slot in [first, end), each at least APART_S from the next."""
    if end - first == 1:
        return [(first + next(draws)) * width_s]
    middle = first + (end - first) // 2
    while True:
        early = _run(draws, first, middle, width_s)
        late = _run(draws, middle, end, width_s)
        if late[0] - early[-1] >= APART_S:
            return early + late


def _draws(seed: bytes) -> Iterator[float]:
    """Yield positions in [0, 1) from the first 53 bits of SHA-256(seed, counter), the precision of a double."""
    counter = 0
    while True:
        digest = hashlib.sha256(seed + counter.to_bytes(8, "big")).digest()
        yield (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)
        counter += 1
