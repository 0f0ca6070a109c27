"""Places, tracks and persons, each by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.identities import familiarity, unite
from edge_daemon.attendance.evidence.seats import group_by_seat
from edge_daemon.attendance.evidence.tracks import track_seat
from edge_daemon.types import Quality
from tests.attendance.evidence.room import Room


def _vectors(room: Room) -> np.ndarray:
    return np.stack([f.embedding for f in room.faces])


def test_neighbours_have_a_place_each_and_one_who_slides_along_the_bench_keeps_it():
    room = Room()
    room.sits("S00", range(20), 0)
    room.sits("S01", range(20), 1)
    slid = [replace(f, box=replace(f.box, x=f.box.x + 3 * f.slot)) for f in room.faces]
    seats = group_by_seat(sorted(slid, key=lambda f: f.slot))
    assert sorted(map(len, seats)) == [20, 20]


def test_two_faces_of_one_capture_never_share_a_place():
    room = Room()
    room.sits("S00", range(5), 0)
    room.faces += [replace(f, box=replace(f.box, x=f.box.x + 10)) for f in room.faces]
    faces = sorted(room.faces, key=lambda f: f.slot)
    for seat in group_by_seat(faces):
        assert len({faces[m].slot for m in seat}) == len(seat)


def test_a_face_of_another_size_at_the_same_spot_is_another_place():
    room = Room()
    room.sits("S00", range(4), 0)
    large = replace(room.faces[3], quality=Quality(90.0, 0.5, 1.0))
    assert len(group_by_seat([*room.faces[:3], large])) == 2


def test_a_place_with_two_owners_has_two_links_split_at_the_right_capture():
    room = Room()
    room.sits("S00", range(12), 0)
    room.sits("S01", range(12, 30), 0)
    tracks = track_seat(0, range(30), range(30), _vectors(room))
    assert sorted(track.members for track in tracks) == [tuple(range(12)), tuple(range(12, 30))]


def _one_after_the_other(similarity: float, *parts: int) -> list[tuple[int, ...]]:
    """Return the tracks of a seat where two looks, this alike, follow each other, each for so many of 30 captures."""
    room = Room()
    room.resembles("other look", "S00", similarity)
    for number, count in enumerate(parts):
        first = sum(parts[:number])
        room.sits("other look" if number % 2 else "S00", range(first, first + count), 0, noise=0.5)
    return sorted(track.members for track in track_seat(0, range(30), range(30), _vectors(room)))


def test_a_look_alike_who_takes_over_a_seat_has_a_track_of_their_own():
    assert _one_after_the_other(0.60, 15, 15) == [tuple(range(15)), tuple(range(15, 30))]


def test_a_student_who_looks_a_little_different_from_now_on_keeps_the_track():
    assert _one_after_the_other(0.80, 15, 15) == [tuple(range(30))]


def test_a_student_whose_looks_alternate_is_one_track():
    assert _one_after_the_other(0.60, 5, 5, 5, 5, 5, 5) == [tuple(range(30))]


def test_a_few_odd_faces_at_the_end_are_no_other_person():
    assert _one_after_the_other(0.60, 25, 5) == [tuple(range(30))]


def test_similarity_and_centre_of_a_track_are_those_of_its_faces():
    room = Room()
    room.sits("S00", range(6), 0)
    vectors = _vectors(room)
    (track,) = track_seat(0, range(6), range(6), vectors)
    cosines = vectors @ vectors.T
    assert track.similarity == pytest.approx(cosines[np.triu_indices(6, 1)].mean(), abs=1e-5)
    assert track.centre == pytest.approx(vectors.mean(axis=0), abs=1e-6)


def test_links_of_one_person_are_familiar_and_of_two_are_not():
    room = Room()
    room.sits("S00", range(10), 0)
    room.sits("S00", range(10, 20), 1)
    room.sits("S01", range(20), 2)
    vectors = _vectors(room)
    parts = [range(10), range(10, 20), range(20, 40)]
    slots = [frozenset(range(10)), frozenset(range(10, 20)), frozenset(range(20))]
    tracks = [track_seat(n, part, [*slots[n]], vectors[list(part)])[0] for n, part in enumerate(parts)]
    alike = familiarity(tracks)
    assert alike[0, 1] > 0.9
    assert abs(alike[0, 2]) < 0.5
    assert unite(tracks, slots) == [[0, 1], [2]]


def test_two_who_look_the_same_in_the_same_captures_are_two_persons():
    room = Room()
    room.sits("S00", range(10), 0)
    room.sits("S00", range(10), 1)
    vectors = _vectors(room)
    tracks = [track_seat(n, range(10 * n, 10 * n + 10), range(10), vectors[10 * n : 10 * n + 10])[0] for n in (0, 1)]
    assert unite(tracks, [frozenset(range(10))] * 2) == [[0], [1]]


@pytest.mark.parametrize("seed", range(100))
def test_every_face_of_a_place_is_in_exactly_one_link_however_alike_faces_are(seed: int):
    random = np.random.default_rng(seed)
    people = random.normal(size=(3, 16))
    vectors = people[random.integers(0, 3, 25)] + 1.3 * random.normal(size=(25, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    tracks = track_seat(0, range(25), range(25), vectors)
    assert sorted(m for track in tracks for m in track.members) == list(range(25))
