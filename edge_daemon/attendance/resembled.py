"""Finds verdicts that are doubtful because a person in the room may or may not be the student."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from edge_daemon.attendance.evidence.resemblance import UnnamedPerson
from edge_daemon.attendance.rule import SURE
from edge_daemon.attendance.seat_map import room_seats, usual_boxes
from edge_daemon.types import Resemblance, Sighting, Tally

_UNNAMED = ""


def resemblances(
    unnamed: Iterable[UnnamedPerson],
    tallies: Iterable[Tally],
    sightings: Sequence[Sighting],
    needed: int,
    probabilities: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, Resemblance]:
    """Return the students whose verdict may be wrong because of an uncertain identity.

    An absent student is returned if the captures of the unnamed people who resemble the student would be enough to make
    the student present. A present student is returned if the student's value in `probabilities` is below 0.97.

    Args:
        unnamed: people without a name.
        tallies: tallies of the lesson's students.
        sightings: sightings of the lesson, from which rows and seats are counted.
        needed: captures in which a student must face the class to be present.
        probabilities: probability that each student faced the class in `needed` captures.

    Returns:
        By student id: for an absent student the most probable unnamed person, for a present one the counted person.
    """
    by_id = {tally.student_id: tally for tally in tallies}
    boxes = usual_boxes(sightings)
    seats = room_seats(boxes)
    found = {
        student_id: Resemblance(round(probabilities[student_id], 4), seats.get(student_id))
        for student_id, tally in by_id.items()
        if tally.captures_attentive >= needed and probabilities.get(student_id, 1.0) < SURE
    }
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
