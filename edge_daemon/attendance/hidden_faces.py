"""Absent students at whose usual place somebody sat whose face can't be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import hypot

from edge_daemon.attendance.evidence.seats import REACH, SCALE_RANGE
from edge_daemon.attendance.evidence.unread_persons import UnreadPerson
from edge_daemon.types import Box, Tally


def hidden_at_their_seats(
    unread: Iterable[UnreadPerson], seats: Mapping[str, Box], tallies: Iterable[Tally], needed: int
) -> frozenset[str]:
    """Return the ids of students who would be present if the hidden face at their place were theirs.

    A place is that of the student who usually sits nearest to it. Doubt that changes nothing is not reported.

    Args:
        unread: persons without a name whose faces can't be read.
        seats: usual place of each student, of this lesson or of earlier ones in the same view.
        tallies: tallies of the lesson's students.
        needed: captures in which a student has to face the class to be present.
    """
    slots: dict[str, frozenset[int]] = {}
    for person in unread:
        near = [(_distance(person.box, box), student_id) for student_id, box in seats.items()]
        distance, student_id = min(near, default=(float("inf"), ""))
        if distance <= REACH:
            slots[student_id] = slots.get(student_id, frozenset()) | person.slots
    return frozenset(
        t.student_id
        for t in tallies
        if t.captures_attentive < needed <= t.captures_attentive + len(slots.get(t.student_id, ()))
    )


def _distance(a: Box, b: Box) -> float:
    """Face widths between two places; infinite where the sizes do not fit."""
    if not a.w or not b.w or not 1 / SCALE_RANGE < a.w / b.w < SCALE_RANGE:
        return float("inf")
    return hypot(a.x + a.w / 2 - b.x - b.w / 2, a.y + a.h / 2 - b.y - b.h / 2) / max(a.w, b.w)
