"""Finds absent students at whose usual place an unnamed person with a hidden face sat."""

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

    A hidden face belongs to the place of the student who usually sits nearest to it. A doubt that would not change the
    verdict is not reported.

    Args:
        unread: people without a name whose faces are hidden.
        seats: usual place of each student in this lesson, or in earlier ones with the same view.
        tallies: tallies of the lesson's students.
        needed: captures in which a student must face the class to be present.
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
    """Return the distance between two places in face widths; infinity if their sizes differ too much."""
    if not a.w or not b.w or not 1 / SCALE_RANGE < a.w / b.w < SCALE_RANGE:
        return float("inf")
    return hypot(a.x + a.w / 2 - b.x - b.w / 2, a.y + a.h / 2 - b.y - b.h / 2) / max(a.w, b.w)
