"""Counts the captures in which a student was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from edge_daemon.types import Sighting, Tally


def tally(
    student_ids: Sequence[str], sightings: Iterable[Sighting], taken_at: Mapping[int, datetime]
) -> tuple[Tally, ...]:
    """Count the captures in which each student was seen, and seen attentive.

    A student counts once in each capture. If any of several sightings is attentive, the capture is attentive.

    Args:
        student_ids: the students to count; a student who was never seen gets zeros.
        sightings: sightings of these students; others are ignored.
        taken_at: time of each capture, by slot.

    Returns:
        One tally for each student, in the same order.

    Raises:
        KeyError: a sighting is in a slot that has no capture.
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
    """Return, sorted, the students who were seen but do not belong to the lesson's course."""
    return tuple(sorted({s.student_id for s in sightings if s.student_id} - set(student_ids)))


def unknown_faces(sightings: Iterable[Sighting]) -> int:
    """Return the largest number of unknown faces in one capture."""
    return max(Counter(s.slot for s in sightings if not s.student_id).values(), default=0)


def _tally(student_id: str, slots: set[int], captures_attentive: int, taken_at: Mapping[int, datetime]) -> Tally:
    times = [taken_at[slot] for slot in slots]
    return Tally(student_id, len(slots), captures_attentive, min(times, default=None), max(times, default=None))
