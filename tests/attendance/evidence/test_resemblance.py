"""An absent student is found if somebody without a name resembles the student; no other student is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.resemblance import LEAST_PROBABILITY, UnnamedPerson, unnamed_persons
from edge_daemon.attendance.evidence.sighting_resolver import resolve_lesson
from edge_daemon.attendance.evidence.student_odds import known_students
from edge_daemon.attendance.evidence.thresholds import NOBODY
from edge_daemon.attendance.evidence.tracks import make_track
from edge_daemon.attendance.resembled import resemblances
from edge_daemon.attendance.rule import SURE
from edge_daemon.types import Box, Resemblance, RoomSeat, Sighting, Tally
from tests.attendance.evidence.room import Room
from tests.attendance.evidence.test_match_probability import WEIGHTS

SLOTS = range(40)
MATCH = MatchProbability(WEIGHTS)


def full_class(room: Room, but: str = "") -> Room:
    for seat, student in enumerate(room.ids):
        if student != but:
            room.sits(student, SLOTS, seat)
    return room


def unnamed(room: Room) -> list[UnnamedPerson]:
    return resolve_lesson(room.faces, room.ids, match=MATCH).unnamed


def with_cover(similarity: float, slots: range = SLOTS) -> Room:
    """A class in which S03 is seen half hidden: like the portraits by `similarity` only."""
    room = Room()
    room.resembles("S03 behind a mask", "S03", similarity)
    full_class(room, but="S03")
    room.sits("S03 behind a mask", slots, 3)
    return room


def test_a_hidden_face_of_the_absent_student_is_found_with_its_captures_and_place():
    room = with_cover(0.34)
    assert "S03" not in {s.student_id for s in resolve_lesson(room.faces, room.ids).sightings}
    (person,) = unnamed(room)
    assert person.student_id == "S03"
    assert LEAST_PROBABILITY <= person.probability < 1
    assert person.slots == frozenset(SLOTS)
    assert (person.box.x, person.box.y) == pytest.approx((600, 0), abs=3)


def test_a_stranger_who_resembles_no_student_is_not_reported():
    room = full_class(Room(), but="S03")
    room.sits("stranger", SLOTS, 20)
    assert unnamed(room) == []


def test_where_each_person_has_a_name_no_resemblance_is_reported():
    assert unnamed(full_class(Room())) == []
    assert unnamed(Room()) == []


def test_a_student_who_is_seen_elsewhere_at_the_same_time_is_no_candidate():
    room = with_cover(0.34)
    room.sits("S03", SLOTS, 20)
    assert unnamed(room) == []


def test_a_student_who_is_seen_at_other_times_is_a_candidate():
    room = with_cover(0.34, slots=range(20, 40))
    room.sits("S03", range(20), 3)
    assert {p.student_id for p in unnamed(room)} <= {"S03"}
    sightings = resolve_lesson(room.faces, room.ids).sightings
    assert sum(s.student_id == "S03" for s in sightings) >= 20


def test_a_person_who_changes_the_seat_is_one_person_with_all_captures():
    room = with_cover(0.34, slots=range(22))
    room.sits("S03 behind a mask", range(22, 40), 20)
    facing = frozenset(range(5, 40))
    found = resolve_lesson([replace(face, attentive=face.slot in facing) for face in room.faces], room.ids, match=MATCH)
    (person,) = found.unnamed
    assert (person.student_id, person.slots) == ("S03", frozenset(SLOTS))
    (possible,) = (one for one in found.possible if one.student_id == "S03")
    assert (possible.probability, possible.facing) == (person.probability, facing)
    assert {one.facing for one in found.possible} == {facing}, "those with a name as well"


def test_a_student_is_taken_in_the_captures_of_all_tracks():
    """S00 sits here, then there. A similar face at the first time belongs to somebody else."""
    room, parts = Room(), []
    room.resembles("alike", "S00", 0.45)
    for name, slots, seat in (("S00", range(20), 0), ("S00", range(20, 40), 9), ("alike", range(20), 5)):
        before = len(room.faces)
        room.sits(name, slots, seat)
        parts.append(list(range(before, len(room.faces))))
    vectors = np.stack([face.embedding for face in room.faces])
    tracks = [make_track(seat, own, range(60), vectors) for seat, own in enumerate(parts)]
    known = known_students(room.ids, MATCH)
    assert [p.student_id for p in unnamed_persons(tracks, [1, 1, NOBODY], room.faces, known, 0.7)] == ["S00"]
    assert unnamed_persons(tracks, [0, 0, NOBODY], room.faces, known, 0.7) == []


def test_without_a_network_or_students_no_resemblance_is_reported():
    room = with_cover(0.34)
    assert resolve_lesson(room.faces, room.ids).unnamed == []
    assert resolve_lesson(room.faces, [], match=MATCH).unnamed == []


def tally(student_id: str, attentive: int) -> Tally:
    return Tally(student_id, attentive, attentive, None, None)


def person(student_id: str, slots: int, probability: float = 0.5) -> UnnamedPerson:
    return UnnamedPerson(student_id, probability, frozenset(range(slots)), Box(300, 0, 40, 50), ())


def sighting(student_id: str, x: float) -> Sighting:
    return Sighting(0, student_id, 0.7, True, Box(x, 0, 40, 50))


def test_only_doubt_that_would_change_the_verdict_is_reported():
    tallies = [tally("a", 0), tally("b", 10), tally("c", 39), tally("d", 40)]
    people = [person("a", 39), person("b", 30), person("c", 1), person("d", 90), person("guest", 90)]
    assert resemblances(people, tallies, [], needed=40).keys() == {"b", "c"}


def test_a_likely_person_who_changes_nothing_hides_no_other_one():
    people = [person("guest", 90, 0.9), person("there", 90, 0.8), person("a", 40, 0.3)]
    assert resemblances(people, [tally("a", 0), tally("there", 40)], [], needed=40).keys() == {"a"}


def test_a_presence_that_is_not_sure_is_a_doubt_with_the_place_of_the_counted_person():
    tallies = [tally("a", 40), tally("b", 40), tally("c", 40), tally("d", 39)]
    probabilities = {"a": 0.9612345, "b": SURE, "d": 0.5}
    found = resemblances([], tallies, [sighting("a", 100), sighting("b", 20)], 40, probabilities)
    assert found == {"a": Resemblance(0.9612, RoomSeat(1, 2))}


@pytest.mark.parametrize(("probability", "is_doubt"), [(0.9699, True), (0.97, False)])
def test_a_presence_is_sure_from_97_of_100_on(probability, is_doubt):
    assert bool(resemblances([], [tally("a", 40)], [], 40, {"a": probability})) is is_doubt


def test_the_most_probable_of_two_people_counts_and_has_a_seat_between_the_others():
    seats = [sighting("left", 100), sighting("right", 500)]
    people = [person("a", 40, 0.3), person("a", 41, 0.71234567)]
    found = resemblances(people, [tally("a", 0)], seats, needed=40)["a"]
    assert found.probability == 0.7123
    assert found.seat == RoomSeat(1, 2)


def test_one_person_in_two_places_is_a_doubt_where_both_together_make_a_presence():
    places = [
        UnnamedPerson("a", p, frozenset(slots), Box(0, 0, 40, 50), ())
        for p, slots in ((0.7, SLOTS[:8]), (0.6, SLOTS[8:16]))
    ]
    absent = [Tally("a", 0, 0, None, None)]
    assert resemblances(places, absent, [], needed=16)["a"].probability == 0.7
    assert resemblances(places, absent, [], needed=17) == {}
