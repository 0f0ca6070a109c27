"""A student has one sighting in a picture, however many faces of it are given the name."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from edge_daemon.attendance.evidence.sighting_resolver import _keep_one_a_slot, resolve_sightings
from edge_daemon.attendance.evidence.thresholds import NOBODY
from edge_daemon.attendance.tally import tally
from edge_daemon.types import Box, Candidate, Sighting
from tests.attendance.evidence.room import Room
from tests.registers import START

MOVED_AT = 20
SLOTS = range(40)


def _moving(worse_seat: int) -> Room:
    """S07 changes from seat 7 to seat 21 and is found at both in two captures, less clearly in the worse one."""
    room = Room()
    for seat, student in enumerate(room.ids):
        if student != "S07":
            room.sits(student, SLOTS, seat)
    both = range(MOVED_AT, MOVED_AT + 2)
    room.sits("S07", range(MOVED_AT), 7)
    room.sits("S07", range(MOVED_AT + 2, 40), 21)
    room.sits("S07", both, 7, noise=1.0 if worse_seat == 7 else 0.6)
    room.sits("S07", both, 21, noise=1.0 if worse_seat == 21 else 0.6)
    return room


@pytest.mark.parametrize("worse_seat", [7, 21])
def test_of_two_faces_of_a_student_in_one_picture_the_more_similar_one_is_kept(worse_seat):
    room = _moving(worse_seat)
    own = [f for f, name in zip(room.faces, room.truth, strict=True) if name == "S07" and f.slot in (20, 21)]
    sightings = resolve_sightings(room.faces, room.ids)
    assert Counter(s.slot for s in sightings if s.student_id == "S07") == dict.fromkeys(SLOTS, 1)
    for slot in (20, 21):
        best = max((f for f in own if f.slot == slot), key=lambda f: f.similarities[7])
        (kept,) = (s for s in sightings if s.slot == slot and s.student_id == "S07")
        assert (kept.box, kept.similarity) == (best.box, float(best.similarities[7]))
        # The other face is there, as somebody unknown: what is seen is not hidden.
        assert [s.student_id for s in sightings if s.box in {f.box for f in own if f.slot == slot} - {best.box}] == [""]


def test_two_faces_as_similar_as_each_other_are_one_sighting_still():
    room = _moving(7)
    same = np.array(room.faces[0].similarities)
    for face in room.faces:
        face.similarities[:] = same if face.slot in (20, 21) else face.similarities
    named = Counter((s.slot, s.student_id) for s in resolve_sightings(room.faces, room.ids) if s.student_id)
    assert set(named.values()) == {1}


def test_a_student_seen_twice_in_a_picture_is_counted_once():
    taken_at = {0: START, 1: START}
    twice = [Sighting(0, "a", 0.5, True, Box(x, 0, 9, 9)) for x in (1, 500)]
    (counted,) = tally(["a"], twice, taken_at)
    assert (counted.captures_seen, counted.captures_attentive) == (1, 1)
    (counted,) = tally(["a"], [*twice, Sighting(0, "a", 0.5, False, Box(900, 0, 9, 9))], taken_at)
    assert (counted.captures_seen, counted.captures_attentive) == (1, 1)


def _identities(*faces: tuple[int, int, float]) -> list[int]:
    """Return who each face is, of (capture, student, similarity to the student), once doubles are unknown."""
    students = [student for _, student, _ in faces]
    _keep_one_a_slot(students, [_face(slot, student, similarity) for slot, student, similarity in faces])
    return students


def _face(slot: int, student: int, similarity: float) -> Candidate:
    room = Room()
    room.sits("S00", [slot], 0)
    similarities = np.zeros(9, np.float32)
    similarities[student] = similarity
    return replace(room.faces[0], similarities=similarities)


def test_unknown_faces_before_them_change_nothing():
    assert _identities((0, NOBODY, 0.9), (0, 3, 0.5), (0, 3, 0.6)) == [NOBODY, NOBODY, 3]


def test_of_three_faces_the_most_similar_one_stays_wherever_it_stands():
    for order in permutations((0.4, 0.5, 0.6)):
        assert _identities(*((0, 3, similarity) for similarity in order)) == [
            3 if one == 0.6 else NOBODY for one in order
        ]


def test_another_student_and_another_capture_are_no_doubles():
    assert _identities((0, 3, 0.5), (0, 4, 0.6), (1, 3, 0.7)) == [3, 4, 3]
