"""Finds absences that are doubtful because an unnamed person may be the student."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge_daemon.attendance.evidence.resemblance import UnnamedPerson
from edge_daemon.attendance.seat_map import room_seats, usual_boxes
from edge_daemon.types import Resemblance, Sighting, Tally

_UNNAMED = ""


def resemblances(
    unnamed: Iterable[UnnamedPerson], tallies: Iterable[Tally], sightings: Sequence[Sighting], needed: int
) -> dict[str, Resemblance]:
    """Return the absent students who would be present if they were the unnamed people who resemble them most.

    The people may sit at one seat or at several.

    Only doubts that would change a verdict are reported, so a person in few captures is ignored.

    Args:
        unnamed: people without a name.
        tallies: tallies of the lesson's students.
        sightings: sightings of the lesson, from which rows and seats are counted.
        needed: captures in which a student must face the class to be present.

    Returns:
        Student id to the most probable such person.
    """
    by_id = {tally.student_id: tally for tally in tallies}
    found: dict[str, Resemblance] = {}
    boxes = usual_boxes(sightings)
    unnamed = list(unnamed)
    slots: dict[str, frozenset[int]] = {}
    for person in unnamed:
        slots[person.student_id] = slots.get(person.student_id, frozenset()) | person.slots
    for person in sorted(unnamed, key=lambda one: -one.probability):
        tally = by_id.get(person.student_id)
        if tally is None or person.student_id in found or tally.captures_attentive >= needed:
            continue
        if tally.captures_attentive + len(slots[person.student_id]) >= needed:
            seat = room_seats({**boxes, _UNNAMED: person.box})[_UNNAMED]
            found[person.student_id] = Resemblance(round(person.probability, 4), seat)
    return found
