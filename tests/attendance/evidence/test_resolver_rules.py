"""Which faces become sightings, and what a sighting contains."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.sighting_resolver import resolve_sightings
from tests.attendance.evidence.made_faces import face
from tests.attendance.evidence.room import Room


def _strangers(widths_px=40.0, scores=(0.99,)):
    """One unknown person in as many captures as there are scores."""
    looks = np.eye(3)[0].astype(np.float32)
    faces = [
        face(slot, width_px=widths_px, score=score, similarities=[0.1, 0.3], embedding=looks)
        for slot, score in enumerate(scores)
    ]
    return resolve_sightings(faces, ["S0", "S1"])


@pytest.mark.parametrize(("width_px", "seen"), [(18.0, 1), (17.99, 0), (40.0, 1), (2.0, 0)])
def test_faces_under_eighteen_pixels_are_left_out(width_px, seen):
    assert len(_strangers(width_px)) == seen


@pytest.mark.parametrize(
    ("scores", "seen"),
    [
        *(((0.975,), 1), ((0.9749,), 0), ((0.99, 0.975, 0.5), 3), ((0.99, 0.974, 0.974), 0)),
        *(((0.99, 0.961), 2), ((0.99, 0.959), 0)),  # the median of two is their mean
    ],
)
def test_somebody_unknown_is_a_face_if_the_median_of_the_scores_is_high(scores, seen):
    assert len(_strangers(scores=scores)) == seen


def test_a_student_who_is_recognised_needs_no_such_score():
    room = Room()
    room.sits("S02", range(9), 0)
    faces = [replace(one, score=0.6) for one in room.faces]
    assert [s.student_id for s in resolve_sightings(faces, room.ids)] == ["S02"] * 9


def test_a_sighting_of_somebody_unknown_has_the_greatest_similarity_to_anybody():
    (sighting,) = _strangers()
    assert (sighting.student_id, sighting.similarity) == ("", pytest.approx(0.3))
    assert (sighting.slot, sighting.attentive) == (0, True)
    (sighting,) = resolve_sightings([face(0, embedding=np.eye(3)[0])], [])
    assert sighting.similarity == 0.0


def test_no_similarity_is_over_one():
    room = Room()
    room.sits("S02", range(9), 0)
    for one in room.faces:
        one.similarities[2] = 1.2
    assert {s.similarity for s in resolve_sightings(room.faces, room.ids)} == {1.0}
    (sighting,) = resolve_sightings([face(0, similarities=[1.4], embedding=np.eye(3)[0])], ["S0"])
    assert sighting.similarity <= 1.0


def test_turned_away_stays_turned_away_with_open_eyes():
    room = Room()
    room.sits("S02", range(9), 0)
    faces = [replace(one, attentive=one.slot % 2 == 0) for one in room.faces]
    assert [s.attentive for s in resolve_sightings(faces, room.ids)] == [slot % 2 == 0 for slot in range(9)]


def test_shut_eyes_of_one_student_are_not_those_of_another():
    room = Room()
    room.sits("S00", range(4), 0, shut=True)
    room.sits("S00", range(4, 12), 0)
    room.sits("S01", range(12), 1)
    room.sits("stranger", range(4), 2, shut=True)
    room.sits("stranger", range(4, 12), 2)
    sightings = resolve_sightings(room.faces, room.ids)
    attentive = {who: {s.attentive for s in sightings if s.student_id == who} for who in ("S00", "S01", "")}
    # The sighting of an unknown person has no value, because it counts for nobody.
    assert attentive == {"S00": {True, False}, "S01": {True}, "": {True}}


def test_a_fingerprint_of_similarities_is_taken_about_the_mean_of_the_lesson():
    """After a restart, two faces resemble S0 most, one after the other at one seat. They have nothing else in common.

    So they are two persons, and only one of them can be S0.
    """
    one, two = [0.9, 0.3, 0.0], [0.9, 0.0, 0.3]
    faces = [face(slot, similarities=one if slot < 6 else two) for slot in range(12)]
    sightings = resolve_sightings(faces, ["S0", "S1", "S2"])
    assert Counter(s.student_id for s in sightings) == {"S0": 6, "": 6}


def test_a_sighting_has_the_similarity_to_its_own_student():
    room = Room()
    room.sits("S02", range(9), 0)
    room.faces[4].similarities[5] = 0.99  # a single face that resembles somebody else more
    sighting = next(s for s in resolve_sightings(room.faces, room.ids) if s.slot == 4)
    assert (sighting.student_id, sighting.similarity) == ("S02", pytest.approx(float(room.faces[4].similarities[2])))


def test_a_face_at_another_seat_has_no_help_from_the_seat_of_a_student():
    """Somebody who resembles S00 a little is there while S00 is away: in S00's chair it would be enough for a name."""
    for seat, names in ((5, {"S00", ""}), (0, {"S00"})):
        room = Room()
        room.resembles("somebody", "S00", 0.40)
        room.sits("S00", [*range(12), *range(17, 30)], 0)
        room.sits("somebody", range(12, 17), seat)
        sightings = resolve_sightings(room.faces, room.ids)
        assert {s.student_id for s in sightings} == names
