"""The odds of each student in exact numbers: priors, look-alikes, the share of enrolled people, and the names."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.attendance.evidence.match_features import person_evidence
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.student_odds import (
    KnownStudents,
    enrolled_share,
    known_students,
    name_probabilities,
    odds_of,
)
from edge_daemon.attendance.evidence.tracks import SOLID_FACES, Track, make_track
from tests.attendance.evidence.room import Room
from tests.attendance.evidence.test_match_probability import WEIGHTS

MATCH = MatchProbability(WEIGHTS)
IDS = ["a", "b", "c", "d"]
SURE, NOBODY = 1e9, 0.0


def test_students_have_their_photographs_their_weights_and_their_look_alikes():
    known = known_students(
        IDS,
        MATCH,
        photographs={"b": 1, "d": 5, "gone": 9},
        look_alikes=[("a", "c"), ("a", "d"), ("c", "d"), ("b", "gone"), ("gone", "b")],
        expected=["a", "c", "gone"],
    )
    assert list(known.photographs) == [3, 1, 3, 5]  # three where nobody knows
    assert known.weights == pytest.approx(np.array([1, 0.2, 1, 0.2]) / 0.6)
    assert known.look_alikes == {0: {2, 3}, 2: {0, 3}, 3: {0, 2}}
    assert list(known_students(IDS, MATCH).weights) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("odds", "share"),
    [
        ([], 0.7),
        ([SURE] * 2, (2 + 1.4) / 4),  # beside two people more, of whom 70 % are enrolled
        ([NOBODY] * 2, 1.4 / 4),
        ([SURE, NOBODY], (1 + 1.4) / 4),
        ([1.0], 0.7),
        ([1.0] * 7, 0.7),
        ([SURE] * 100, 0.95),
        ([NOBODY] * 100, 0.02),
    ],
)
@pytest.mark.parametrize("faces", [SOLID_FACES, 40])
def test_the_share_of_enrolled_people(odds, share, faces):
    table = np.array([[0.0, one] for one in odds]).reshape(-1, 2)
    beside = np.full((9, 2), SURE)  # people of too few faces count for nothing
    counts = [*[faces] * len(odds), *[SOLID_FACES - 1] * 9]
    assert enrolled_share(np.concatenate([table, beside]), counts) == pytest.approx(share, rel=1e-6)


def test_the_share_of_a_doubtful_room_is_that_after_twenty_rounds():
    share = 0.7
    for _ in range(20):
        known = 1.2 * share / (1 - share + 1.2 * share)
        share = (60 * known + 2 * 0.7) / 62
    assert enrolled_share(np.full((60, 1), 1.2), [9] * 60) == pytest.approx(share, rel=1e-9)


def _tracks(room: Room, *lengths: int) -> list[Track]:
    vectors = np.stack([face.embedding for face in room.faces])
    ends = np.cumsum(lengths)
    parts = [list(range(end - length, end)) for end, length in zip(ends, lengths, strict=True)]
    return [make_track(seat, own, range(len(vectors)), vectors) for seat, own in enumerate(parts)]


def _odds(tracks: list[Track], room: Room, known: KnownStudents) -> np.ndarray:
    each = known.match.each(person_evidence(tracks, room.faces), known.photographs, known.look_alikes)
    return each / (1 - each) * known.weights


def test_the_odds_of_a_person_are_those_of_all_tracks_or_of_a_solid_one_by_its_share_of_the_faces():
    """S00 for three captures, then hidden; S01 is likest to a track of two faces, which is too short."""
    room = Room(students=4, noise=0.5)
    room.sits("S00", range(3), 0)
    room.sits("hidden", range(3, 23), 0)
    room.sits("S01", range(23, 25), 0)
    known = known_students(room.ids, MATCH, expected=["S00"])
    clear, hidden, short = tracks = _tracks(room, 3, 20, 2)
    found = odds_of(tracks, room.faces, known)
    parts = [(tracks, 1), ([clear], 3 / 25), ([hidden], 20 / 25)]
    assert found == pytest.approx(np.max([_odds(own, room, known) * share for own, share in parts], axis=0))
    assert found[0] == pytest.approx(_odds([clear], room, known)[0] * 3 / 25)
    assert found[0] > 10 * _odds(tracks, room, known)[0]
    assert _odds([short], room, known)[1] > 10 * found[1]
    assert odds_of([hidden], room.faces, known) == pytest.approx(_odds([hidden], room, known))
    two = odds_of([clear, hidden], room.faces, known)
    assert two[0] == pytest.approx(_odds([clear], room, known)[0] * 3 / 23)


def test_two_tracks_that_agree_are_more_evidence_than_each():
    room = Room(students=4, noise=3.0)
    room.sits("S00", range(6), 0)
    tracks = _tracks(room, 3, 3)
    known = known_students(room.ids, MATCH)
    both = odds_of(tracks, room.faces, known)
    assert both[0] == pytest.approx(_odds(tracks, room, known)[0])
    assert both[0] > max(_odds([track], room, known)[0] for track in tracks)


def test_a_look_alike_is_no_evidence_against_a_student():
    room = Room(students=4)
    room.resembles("S01", "S00", 0.9)
    room.sits("S00", range(9), 0)
    tracks = _tracks(room, 9)
    alike = odds_of(tracks, room.faces, known_students(room.ids, MATCH, look_alikes=[("S00", "S01")]))
    assert alike[0] > 2 * odds_of(tracks, room.faces, known_students(room.ids, MATCH))[0]


@pytest.mark.parametrize(
    ("odds", "expected"),
    [
        ([0.5, 0.06, 0.0, 0.2], [0.56 / 1.76, 0.56 / 1.76, 0.0, 0.0]),  # from a tenth of the best one on
        ([0.5, 0.04, 0.0, 0.2], [0.54 / 1.74, 0.0, 0.0, 0.0]),
        ([0.5, 0.06, 0.0, 0.7], [0.0, 0.0, 0.0, 0.7 / 2.26]),
        ([SURE * 1e3, 0.0, 0.0, 0.0], [1 - 1e-9, 0.0, 0.0, 0.0]),
    ],
)
def test_a_look_alike_gets_the_name_too_where_it_is_nearly_as_likely(odds, expected):
    known = known_students(IDS, MATCH, look_alikes=[("a", "b")])
    found = name_probabilities(np.array([odds]), 0.5, known)[0]
    assert found == pytest.approx(expected, rel=1e-12)
