"""A hidden face at a student's usual place: a doubt where it would change the verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.sighting_resolver import resolve_lesson
from edge_daemon.attendance.evidence.thresholds import NOBODY
from edge_daemon.attendance.evidence.tracks import SOLID_FACES, make_track
from edge_daemon.attendance.evidence.unread_persons import UnreadPerson, unread_persons
from edge_daemon.attendance.hidden_faces import hidden_at_their_seats
from edge_daemon.traits import Traits, VisibleParts
from edge_daemon.types import Box, Tally
from tests.attendance.evidence.room import Room
from tests.attendance.evidence.test_match_probability import WEIGHTS

SLOTS = range(20)
BARE, MASKED = VisibleParts(0.9, 0.05, 0.03, 0.02), VisibleParts(0.1, 0.8, 0.05, 0.05)
SEATS = {"a": Box(100, 100, 40, 50), "b": Box(300, 100, 40, 50)}


def absent(student_id: str, attentive: int = 0) -> Tally:
    return Tally(student_id, attentive, attentive, None, None)


def person_at(x: float, slots: int, w: float = 40.0) -> UnreadPerson:
    return UnreadPerson(Box(x, 100, w, 1.25 * w), frozenset(range(slots)))


def hidden(*unread: UnreadPerson, attentive: int = 0) -> frozenset[str]:
    return hidden_at_their_seats(unread, SEATS, [absent("a", attentive), absent("b")], needed=16)


def test_the_student_of_the_place_is_meant():
    assert hidden(person_at(110, 20)) == {"a"}
    assert hidden(person_at(290, 20)) == {"b"}
    assert hidden(person_at(110, 16)) == {"a"}


@pytest.mark.parametrize(
    "person", [person_at(110, 15), person_at(180, 20), person_at(110, 20, w=80.0)], ids=["short", "beside", "nearer"]
)
def test_a_hidden_face_that_was_there_too_short_or_elsewhere_is_no_doubt(person):
    assert hidden(person) == frozenset()


@pytest.mark.parametrize("w", [30.0, 40.0, 60.0])
@pytest.mark.parametrize(("right", "down"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_a_place_reaches_nine_tenths_of_the_wider_face_from_middle_to_middle(w, right, down):
    def hidden_students(distance: float) -> frozenset[str]:
        x, y = 120 + right * distance, 125 + down * distance
        person = UnreadPerson(Box(x - w / 2, y - w, w, 2 * w), frozenset(range(20)))
        return hidden_at_their_seats([person], {"a": SEATS["a"]}, [absent("a")], needed=16)

    limit = 0.9 * max(w, 40.0)
    assert (hidden_students(limit - 0.5), hidden_students(limit + 0.5)) == ({"a"}, frozenset())


@pytest.mark.parametrize(("w", "is_meant"), [(63.9, True), (64.0, False), (25.1, True), (25.0, False), (0.0, False)])
def test_a_face_of_another_size_sits_elsewhere(w, is_meant):
    person = UnreadPerson(Box(120 - w / 2, 125 - w, w, 2 * w), frozenset(range(20)))
    assert bool(hidden(person)) is is_meant
    seats = {"a": person.box}
    assert bool(hidden_at_their_seats([person_at(100, 20)], seats, [absent("a")], needed=16)) is is_meant


def test_captures_of_the_student_and_of_several_hidden_faces_count_together():
    late = UnreadPerson(SEATS["a"], frozenset(range(10, 20)))
    assert hidden(person_at(110, 10)) == frozenset()
    assert hidden(person_at(110, 10), late) == {"a"}
    assert hidden(person_at(110, 10), attentive=6) == {"a"}
    assert hidden(person_at(110, 10), attentive=16) == frozenset(), "who is present needs no doubt"


def test_without_known_seats_no_student_is_hidden():
    assert hidden_at_their_seats([person_at(110, 20)], {}, [absent("a")], needed=16) == frozenset()


@pytest.mark.parametrize(
    ("visible", "found"), [([MASKED], 1), ([BARE], 0), ([MASKED, BARE], 1), ([MASKED, BARE, BARE], 0), ([None], 0)]
)
def test_a_person_without_a_name_is_unread_where_half_of_the_faces_are_hidden(visible, found):
    room = Room()
    for seat, student in enumerate(room.ids[1:]):
        room.sits(student, SLOTS, seat)
    room.sits("somebody", SLOTS, 20)
    for index in range(len(room.faces) - len(SLOTS), len(room.faces)):
        room.faces[index] = replace(room.faces[index], traits=Traits(visible=visible[index % len(visible)]))
    unread = resolve_lesson(room.faces, room.ids, match=MatchProbability(WEIGHTS)).unread
    assert len(unread) == found
    for person in unread:
        assert person.slots == frozenset(SLOTS)
        assert (person.box.x, person.box.y) == pytest.approx((800, 300), abs=3)


@pytest.mark.parametrize(("faces", "found"), [(SOLID_FACES, 1), (SOLID_FACES - 1, 0)])
def test_a_person_of_three_faces_may_be_unread(faces, found):
    room = Room()
    room.sits("somebody", range(faces), 0)
    hidden_faces = [replace(face, traits=Traits(visible=MASKED)) for face in room.faces]
    vectors = np.stack([face.embedding for face in hidden_faces])
    own = make_track(0, range(faces), range(faces), vectors)
    assert len(unread_persons([own], [NOBODY], hidden_faces)) == found


def test_a_named_person_in_a_mask_is_read():
    room = Room()
    for seat, student in enumerate(room.ids):
        room.sits(student, SLOTS, seat)
    room.faces[:] = [replace(face, traits=Traits(visible=MASKED)) for face in room.faces]
    assert resolve_lesson(room.faces, room.ids, match=MatchProbability(WEIGHTS)).unread == []
