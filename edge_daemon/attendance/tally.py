"""Counting sightings: in how many captures somebody was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from edge_daemon.types import Sighting, Tally


def tally(
    student_ids: Sequence[str], sightings: Iterable[Sighting], taken_at: Mapping[int, datetime]
) -> tuple[Tally, ...]:
    """Count the captures in which each student was seen, and seen attentive.

    A student counts once a capture: of several sightings in one, any attentive one makes the capture attentive.

    Args:
        student_ids: whom to count; one who was never seen gets zeros.
        sightings: of these students; those of others are left out.
        taken_at: when each capture was taken, by slot.

    Returns:
        One tally a student, in the order given.

    Raises:
        KeyError: a sighting in a slot that has no capture.
    """
    seen: dict[str, set[int]] = {student_id: set() for student_id in student_ids}
    attentive: dict[str, set[int]] = {student_id: set() for student_id in student_ids}
    for sighting in sightings:
        if sighting.student_id in seen:
            seen[sighting.student_id].add(sighting.slot)
            if sighting.attentive:
                attentive[sighting.student_id].add(sighting.slot)
    return tuple(
        _tally(student_id, seen[student_id], len(attentive[student_id]), taken_at) for student_id in student_ids
    )


def guests(student_ids: Iterable[str], sightings: Iterable[Sighting]) -> tuple[str, ...]:
    """Return, sorted, the students who were seen and do not belong to the lesson's course."""
    return tuple(sorted({s.student_id for s in sightings if s.student_id} - set(student_ids)))


def unknown_faces(sightings: Iterable[Sighting]) -> int:
    """Return the most unknown faces that were in one capture."""
    return max(Counter(s.slot for s in sightings if not s.student_id).values(), default=0)


def _tally(student_id: str, slots: set[int], captures_attentive: int, taken_at: Mapping[int, datetime]) -> Tally:
    times = [taken_at[slot] for slot in slots]
    return Tally(student_id, len(slots), captures_attentive, min(times, default=None), max(times, default=None))
