"""Each field of a lesson's resolution, in rooms so small that the test takes a moment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.sighting_resolver import resolve_lesson, resolve_sightings
from edge_daemon.attendance.evidence.thresholds import NOBODY, Thresholds
from edge_daemon.attendance.evidence.track_identification import identify_tracks
from edge_daemon.traits import MaskProbabilities
from tests.attendance.evidence.made_faces import face, track
from tests.attendance.evidence.room import Room
from tests.attendance.evidence.test_match_probability import WEIGHTS

MATCH = MatchProbability(WEIGHTS)
SLOTS = range(5)
BARE = MaskProbabilities(1.0, 0.0, 0.0)


def a_room(noise: float = 0.5) -> Room:
    """Return a room of four students with S00 and a stranger, whose masks were looked for."""
    room = Room(students=4, noise=noise)
    room.sits("S00", SLOTS, 0)
    room.sits("stranger", SLOTS, 1)
    room.faces[:] = [replace(one, traits=replace(one.traits, mask=BARE)) for one in room.faces]
    return room


@pytest.mark.parametrize("match", [None, MATCH])
@pytest.mark.parametrize("students", [0, 4])
def test_a_resolution_has_every_person_and_lists_without_doubts_are_empty(match, students):
    room = a_room()
    found = resolve_lesson(room.faces, room.ids[:students], match=match)
    named = {sighting.student_id for sighting in found.sightings}
    assert (len(found.sightings), named) == (10, {"S00", ""} if students else {""})
    assert (found.unnamed, found.unread, found.printed) == ([], [], [])
    assert [one.student_id for one in found.possible] == (["S00"] if students and match else [])
    assert sorted([one.box.x for one in faces] for faces in found.persons) == [
        [one.box.x for one in room.faces[:5]],
        [one.box.x for one in room.faces[5:]],
    ]


def test_without_traits_no_persons_are_returned():
    room = a_room()
    room.faces[:] = [replace(one, traits=replace(one.traits, mask=None, eyes=None)) for one in room.faces]
    for match, students in ((None, 0), (None, 4), (MATCH, 4)):
        assert resolve_lesson(room.faces, room.ids[:students], match=match).persons == []


def test_a_lesson_without_faces_has_no_sightings_and_no_persons():
    found = resolve_lesson([], ["S00"], match=MATCH)
    assert (found.sightings, found.unnamed, found.possible, found.persons) == ([], [], [], [])


def test_with_a_network_no_threshold_decides():
    room = a_room()
    strict = Thresholds(thresholds=(5.0,) * 4)
    found = resolve_lesson(room.faces, room.ids, (), strict, match=MATCH)
    assert {one.student_id for one in found.sightings} == {"S00", ""}


def test_two_ids_that_look_alike_stand_in_each_others_way_only_where_nobody_says_so():
    room = Room(students=4, noise=0.5)
    room.people["S01"] = room.people["S00"]
    room.sits("S00", SLOTS, 0)

    def identified(**more: object) -> set[str]:
        return {one.student_id for one in resolve_lesson(room.faces, room.ids, match=MATCH, **more).sightings}

    assert identified() == {""}
    assert len(identified(look_alikes=[("S00", "S01")]) & {"S00", "S01"}) == 1


def test_thresholds_decide_without_a_network():
    room = a_room()
    assert any(one.student_id for one in resolve_sightings(room.faces, room.ids))
    strict = Thresholds(thresholds=(5.0,) * 4)
    assert not any(one.student_id for one in resolve_sightings(room.faces, room.ids, (), strict))


def test_photographs_and_the_students_who_are_expected_change_the_probability():
    room = a_room(noise=1.3)

    def probability(**more: object) -> float:
        (one,) = resolve_lesson(room.faces, room.ids, match=MATCH, **more).possible
        return one.probability

    assert probability(photographs={"S00": 6}) != pytest.approx(probability(photographs={"S00": 1}), rel=1e-6)
    assert probability(photographs={"S00": 1}) != pytest.approx(probability(), rel=1e-6)
    assert probability(expected=["S00"]) > probability() > probability(expected=["S01", "S02", "S03"])


class InTurn:
    """Gains by which the first person has a name at once, and each other one after the person before."""

    def gains(self, people: object, faces: object) -> np.ndarray:
        return np.diag([1.0, 0.0, 0.0])

    def gains_left(self, faces: object, named: list[int], slots: object) -> np.ndarray:
        return np.diag([0.0, *(float(named[person - 1] != NOBODY) for person in (1, 2))])


def test_names_are_given_until_no_more_follow_from_those_that_are_given():
    tracks = [track(np.eye(3)[seat], range(3 * seat, 3 * seat + 3), seat) for seat in range(3)]
    faces = [face(slot, similarities=(0.0, 0.0, 0.0)) for _ in range(3) for slot in range(3)]
    assert identify_tracks(tracks, faces, ["a", "b", "c"], (), Thresholds(), InTurn()) == [0, 1, 2]
