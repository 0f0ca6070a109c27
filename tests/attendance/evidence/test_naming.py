"""Names by probability: against strangers, another class, the second best, and people who look alike."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge_daemon.attendance.evidence.match_features import PersonEvidence
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.naming import (
    LEAST_PROBABILITY,
    LEAST_PROBABILITY_LEFT,
    LEAST_PROBABILITY_PAIR,
    NamesByProbability,
    _captures_taken,
    possible_students,
)
from edge_daemon.attendance.evidence.sighting_resolver import resolve_lesson
from edge_daemon.attendance.evidence.student_odds import (
    LEAST_SHARE,
    USUAL_SHARE,
    enrolled_share,
    known_students,
    name_probabilities,
    odds_of,
    probabilities,
)
from edge_daemon.attendance.evidence.thresholds import NOBODY
from edge_daemon.attendance.evidence.tracks import SOLID_FACES, Track, make_track
from tests.attendance.evidence.room import Room
from tests.attendance.evidence.test_match_probability import WEIGHTS

MATCH = MatchProbability(WEIGHTS)
SLOTS = range(40)
IDS = ["S00", "S01", "S02", "S03"]


def names(room: Room, **more: object) -> Counter[str]:
    found = resolve_lesson(room.faces, room.ids, match=MATCH, **more)
    return Counter(s.student_id for s in found.sightings)


def like_a_student(share_of_class: int) -> Room:
    """A room in which somebody is rather like S03, and the given number of students are there beside strangers."""
    room = Room(noise=0.5)
    room.resembles("somebody", "S03", 0.47)
    room.sits("somebody", SLOTS, 20)
    for seat in range(10):
        room.sits(room.ids[seat if seat < 3 else seat + 1] if seat < share_of_class else f"other {seat}", SLOTS, seat)
    return room


def test_a_face_that_gets_a_name_in_its_class_gets_none_in_another_class():
    assert names(like_a_student(10))["S03"] == len(SLOTS)
    assert names(like_a_student(0))["S03"] == 0


def test_a_class_is_named_and_its_guests_are_not():
    room = Room()
    for seat, student in enumerate([*room.ids[:6], "guest", "another guest"]):
        room.sits(student, SLOTS, seat)
    assert names(room) == Counter({one: len(SLOTS) for one in room.ids[:6]}) + Counter({"": 2 * len(SLOTS)})


def test_of_two_ids_of_one_person_one_is_present():
    room = Room()
    room.people["S01"] = room.people["S00"]  # enrolled twice
    for seat, student in enumerate(["S00", *room.ids[2:8]]):
        room.sits(student, SLOTS, seat)
    found = names(room, look_alikes=[("S00", "S01")])
    assert found["S00"] + found["S01"] == len(SLOTS)
    assert max(found["S00"], found["S01"]) == len(SLOTS)


def test_two_alike_faces_in_one_capture_are_both_twins():
    room = Room()
    room.resembles("S01", "S00", 0.9)
    for seat, student in enumerate(["S00", "S01", *room.ids[2:8]]):
        room.sits(student, SLOTS, seat)
    found = names(room, look_alikes=[("S00", "S01")])
    assert (found["S00"], found["S01"]) == (len(SLOTS), len(SLOTS))


def test_somebody_who_is_known_in_half_of_the_captures_keeps_them():
    """Sunglasses in every other capture: the faces with them make a track of their own."""
    room = Room()
    room.resembles("S00 in sunglasses", "S00", 0.2)
    for seat, student in enumerate(room.ids[1:8], 1):
        room.sits(student, SLOTS, seat)
    room.sits("S00", SLOTS[::2], 0)
    room.sits("S00 in sunglasses", SLOTS[1::2], 0)
    assert names(room)["S00"] >= len(SLOTS) / 2


def test_a_student_who_is_not_expected_needs_more():
    expected = known_students(IDS, MATCH, expected={"S00", "S01"})
    assert expected.weights.mean() == pytest.approx(1)
    assert expected.weights[0] == pytest.approx(5 * expected.weights[2])
    assert known_students(IDS, MATCH).weights == pytest.approx(np.ones(4))


def test_the_share_that_is_enrolled_follows_from_the_room():
    sure, nobody = np.array([50.0, 0.01]), np.array([0.01, 0.02])
    assert enrolled_share(np.stack([sure] * 20), [9] * 20) > 0.9
    assert enrolled_share(np.stack([nobody] * 20), [9] * 20) < 0.1
    assert enrolled_share(np.stack([nobody] * 500), [9] * 500) >= LEAST_SHARE
    assert enrolled_share(np.stack([nobody] * 20), [1] * 20) == pytest.approx(USUAL_SHARE)  # too few faces of each


def test_probabilities_of_the_possible_students_and_of_nobody_add_up():
    odds = np.array([3.0, 1.0, 0.0, 0.0])
    assert probabilities(odds, 0.5) == pytest.approx([0.6, 0.2, 0, 0])
    assert probabilities(odds, 0.5, [0]) == pytest.approx([12 / 13, 0, 0, 0])
    assert probabilities(odds, 0.1)[0] < probabilities(odds, 0.5)[0] < probabilities(odds, 0.9)[0]


def test_a_remaining_person_gets_an_unsure_name_after_the_others_have_theirs():
    """Probable in front of the whole class; surer if the next best student sits elsewhere."""
    known = known_students(IDS, MATCH)
    naming = NamesByProbability([], known)
    naming._odds, naming.share = np.array([[12.0, 1.0, 0.0, 0.0], [0.0, 90.0, 0.0, 0.0]]), 0.6
    slots = [frozenset(SLOTS), frozenset(SLOTS)]
    assert naming.gains_left([9, 9], [NOBODY, NOBODY], slots)[0].max() > 0
    alone = naming.gains_left([9, 9], [NOBODY, 1], slots)
    assert alone[0, 0] > naming.gains_left([9, 9], [NOBODY, NOBODY], slots)[0, 0]
    assert alone[0, 1:].max() == 0
    assert alone[1].max() == 0, "who has a name keeps it"
    assert naming.gains_left([SOLID_FACES - 1, 9], [NOBODY, 1], slots).max() == 0
    naming.share = 0.1
    assert naming.gains_left([9, 9], [NOBODY, 1], slots).max() == 0, "among strangers the same face is nobody's"


def test_the_limits_are_those_that_were_measured():
    assert (LEAST_PROBABILITY, LEAST_PROBABILITY_LEFT, LEAST_PROBABILITY_PAIR) == (0.8, 0.8, 0.5)
    assert NamesByProbability([], known_students(IDS, MATCH)).share == USUAL_SHARE


def test_whether_one_of_two_look_alikes_is_there_is_decided_before_which():
    """Neither is probable enough by itself; without the other the same odds give no name."""
    odds, slots = np.array([[0.8, 0.7, 0.1, 0.0], [0.0, 90.0, 0.0, 0.0]]), [frozenset(SLOTS), frozenset(SLOTS)]
    pair, strangers = (
        NamesByProbability([], known_students(IDS, MATCH, look_alikes=alike)) for alike in ([("S00", "S01")], [])
    )
    for naming in (pair, strangers):
        naming._odds, naming.share = odds, 0.6
    gains = pair.gains_left([9, 9], [NOBODY, NOBODY], slots)[0]
    assert gains[0] > 0
    assert gains[1:].max() == 0, "the likelier one"
    assert strangers.gains_left([9, 9], [NOBODY, NOBODY], slots)[0].max() == 0
    assert pair.gains_left([9, 9], [NOBODY, 1], slots)[0].max() == 0, "the other one is elsewhere at the same time"
    pair.share = 0.35
    assert pair.gains_left([9, 9], [NOBODY, NOBODY], slots)[0].max() == 0, "not even the pair is probable"


@pytest.mark.parametrize(("odds_of_a_third", "is_named"), [(0.1, True), (0.75, False)])
def test_a_pair_gets_no_name_that_takes_the_doubt_from_a_third_student(odds_of_a_third, is_named):
    naming = NamesByProbability([], known_students(IDS, MATCH, look_alikes=[("S00", "S01")]))
    naming._odds, naming.share = np.array([[0.8, 0.7, odds_of_a_third, 0.0]]), 0.6
    assert (naming.gains_left([9], [NOBODY], [frozenset(SLOTS)]).max() > 0) == is_named


@pytest.mark.parametrize(
    ("odds", "share", "faces", "gain"),
    [
        ([12.0, 1.0, 0.0, 0.0], 0.5, 9, 3 * (np.log(6 / 4) + 0.5 + 0.01 * np.log(12))),
        ([0.9, 0.0, 0.0, 0.0], 0.95, 4, 2 * (np.log(17.1 / 4) + 0.5 + 0.01 * np.log(0.9))),
        ([4.01, 0.0, 0.0, 0.0], 0.5, SOLID_FACES, SOLID_FACES**0.5 * (np.log(4.01 / 4) + 0.5 + 0.01 * np.log(4.01))),
        ([1e12, 0.0, 0.0, 0.0], 0.5, 4, 2 * (np.log(1e9 - 1) - np.log(4) + 0.5 + 0.01 * np.log(1e12))),
        ([3.99, 0.0, 0.0, 0.0], 0.5, 9, 0.0),
    ],
)
def test_the_gain_of_a_name_grows_with_its_odds_over_the_limit_and_with_the_faces(odds, share, faces, gain):
    """The logit over that of the limit, 0.8, by the root of the faces; a probability is 1 - 1e-9 at most."""
    naming = NamesByProbability([], known_students(IDS, MATCH))
    naming._odds, naming.share = np.array([odds]), share
    found = naming.gains_left([faces], [NOBODY], [frozenset(SLOTS)])
    assert found == pytest.approx(np.array([[gain, 0.0, 0.0, 0.0]]), rel=1e-6)


def test_of_two_alike_the_more_probable_one_gains_more():
    """Both names have the probability of both together, so a hundredth of their own odds decides."""
    known = known_students(IDS, MATCH, look_alikes=[("S00", "S01")])
    naming = NamesByProbability([], known)
    naming._odds = np.array([[30.0, 20.0, 0.0, 0.0]])
    both = np.minimum(name_probabilities(naming._odds, 0.5, known), 1 - 1e-9)
    found = naming._gains(both, [4], 0.8)[0]
    assert found[0] - found[1] == pytest.approx(2 * 0.01 * np.log(30 / 20))


@pytest.fixture(scope="module")
def in_two_seats() -> tuple[Room, list[Track], list[int]]:
    """S00 in one seat, S01 in a seat and then in another one, each track with its student."""
    room = Room(students=4, noise=1.3)
    room.sits("S00", SLOTS, 0)
    room.sits("S01", range(22), 1)
    room.sits("S01", range(22, 40), 9)
    vectors = np.stack([face.embedding for face in room.faces])
    parts = [list(range(40)), list(range(40, 62)), list(range(62, 80))]
    return room, [make_track(seat, own, range(80), vectors) for seat, own in enumerate(parts)], [0, 1, 1]


def test_a_named_person_is_as_probable_as_against_the_students_who_are_not_elsewhere(in_two_seats):
    room, tracks, named = in_two_seats
    known = known_students(room.ids, MATCH)
    found = possible_students(tracks, named, room.faces, known, 0.5)
    left = [[0, 2, 3], [1, 2, 3]]  # each against the two who are not there
    each = [
        probabilities(odds_of(own, room.faces, known), 0.5, possible)[k]
        for k, (own, possible) in enumerate(zip((tracks[:1], tracks[1:]), left, strict=True))
    ]
    assert [(one.student_id, one.facing) for one in found] == [("S00", frozenset(SLOTS)), ("S01", frozenset(SLOTS))]
    assert [one.probability for one in found] == pytest.approx(each, rel=1e-9)


def test_the_captures_of_a_student_are_those_of_all_tracks():
    slots = [frozenset({1, 2}), frozenset({3}), frozenset({2, 5}), frozenset({7})]
    assert _captures_taken([4, NOBODY, 4, 0], slots) == {4: {1, 2, 5}, 0: {7}}


def test_each_of_many_look_alikes_is_as_probable_as_without_the_other():
    """The score of a look-alike neither leads nor follows; the network is asked once a person."""
    students = 600
    scores = np.random.default_rng(4).normal(0.0, 0.02, students)
    scores[:3] = 0.45, 0.44, 0.1
    pairs = {a: frozenset({a ^ 1}) for a in range(400)}
    own = PersonEvidence(scores, scores, 12, 40.0, 0.6, 0.5, 0.9, np.zeros(len(scores)))
    photographs = np.full(students, 3.0)
    found = MATCH.each(own, photographs, pairs)
    plain = MATCH.each(own, photographs)
    assert found[0] > 1.5 * plain[0]
    assert found[400:] == pytest.approx(plain[400:])
    rest = np.delete(np.arange(students), 1)
    alone = PersonEvidence(scores[rest], scores[rest], 12, 40.0, 0.6, 0.5, 0.9, np.zeros(len(rest)))
    assert found[0] == pytest.approx(MATCH.each(alone, photographs[rest])[0])


def test_look_alikes_are_as_probable_as_both_together_and_others_have_to_win():
    odds = np.array([[6.0, 5.0, 4.0, 0.0]])
    apart = name_probabilities(odds, 0.5, known_students(IDS, MATCH))
    alike = name_probabilities(odds, 0.5, known_students(IDS, MATCH, look_alikes=[("S00", "S01")]))
    assert apart[0] == pytest.approx([6 / 16, 0, 0, 0])
    assert alike[0] == pytest.approx([11 / 16, 11 / 16, 0, 0])
