"""Which faces share a seat: within 0.9 widths of the larger, sizes within a factor of 1.6, drifting by a fifth."""

from __future__ import annotations

import pytest

from edge_daemon.attendance.evidence.seats import group_by_seat, turns
from edge_daemon.types import Candidate
from tests.attendance.evidence.made_faces import face


def _seats(*faces: Candidate) -> list[list[int]]:
    return group_by_seat(faces)


@pytest.mark.parametrize(("distance_px", "seats"), [(0, 1), (35.9, 1), (36.1, 2), (200, 2)])
@pytest.mark.parametrize("direction", [(1, 0), (-1, 0), (0, 1), (0, -1), (0.6, 0.8)])
def test_a_face_within_nine_tenths_of_a_width_is_of_the_seat(distance_px, seats, direction):
    moved = face(1, 100 + distance_px * direction[0], 100 + distance_px * direction[1])
    assert len(_seats(face(0, 100, 100), moved)) == seats


def test_nine_tenths_of_a_width_itself_is_within():
    assert _seats(face(0), face(1, 36)) == _seats(face(0), face(1, 0, 36)) == [[0, 1]]


@pytest.mark.parametrize(("first_px", "second_px"), [(40, 60), (60, 40)])
def test_the_larger_of_the_two_widths_is_the_measure(first_px, second_px):
    assert len(_seats(face(0, width_px=first_px), face(1, 54, width_px=second_px))) == 1
    assert len(_seats(face(0, width_px=first_px), face(1, 54.1, width_px=second_px))) == 2


@pytest.mark.parametrize(
    ("first_px", "second_px", "seats"), [(40, 63.9, 1), (40, 64, 2), (64, 40.1, 1), (64, 40, 2), (40, 20, 2)]
)
def test_sizes_that_differ_by_a_factor_of_one_and_six_tenths_are_two_seats(first_px, second_px, seats):
    assert len(_seats(face(0, width_px=first_px), face(1, width_px=second_px))) == seats


@pytest.mark.parametrize(("x", "y"), [(1, 0), (0, 1)])
def test_a_seat_follows_each_face_by_a_fifth(x, y):
    """From 0 to 30 px it comes to 6 px, so that it reaches to 42 px."""
    before = [face(0), face(1, 30 * x, 30 * y)]
    assert _seats(*before, face(2, 42 * x, 42 * y)) == [[0, 1, 2]]
    assert _seats(*before, face(2, 42.1 * x, 42.1 * y)) == [[0, 1], [2]]


def test_the_width_of_a_seat_follows_by_a_fifth_too():
    """From 40 to 60 px it comes to 44 px, so that faces below 70.4 px are of it."""
    before = [face(0), face(1, width_px=60)]
    assert _seats(*before, face(2, width_px=70.3)) == [[0, 1, 2]]
    assert _seats(*before, face(2, width_px=70.5)) == [[0, 1], [2]]


def test_the_nearest_pair_of_seat_and_face_is_decided_first():
    """The face at 30 px is nearer to the second seat, but the face at 55 px has that one."""
    seats = _seats(
        face(0, 0, width_px=60), face(0, 50, width_px=60), face(1, 30, width_px=60), face(1, 55, width_px=60)
    )
    assert seats == [[0, 2], [1, 3]]


def test_a_face_whose_seat_is_taken_opens_another_one():
    assert _seats(face(0, 0), face(1, 5), face(1, 8), face(2, 8)) == [[0, 1], [2, 3]]


def test_two_faces_of_the_first_capture_are_two_seats_however_near():
    assert _seats(face(0, 0), face(0, 1)) == [[0], [1]]


def test_no_faces_no_seats():
    assert _seats() == []


@pytest.mark.parametrize(
    ("a", "b", "changes"),
    [
        ({0, 1, 2}, {3, 4}, 1),
        ({3, 4}, {0, 1, 2}, 1),
        ({0, 2, 4}, {1, 3}, 4),
        ({0, 1, 4, 5}, {2, 3, 6}, 3),
        ({0, 9}, {1, 2, 3}, 2),
        (set(), {1, 2}, 0),
    ],
)
def test_turns_are_the_changes_from_one_track_to_the_other(a, b, changes):
    assert turns(frozenset(a), frozenset(b)) == turns(frozenset(b), frozenset(a)) == changes
