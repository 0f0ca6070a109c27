"""Rows and seats as the pictures show them: the lowest faces are the first row, each row counts from the left."""

from __future__ import annotations

import pytest

from edge_daemon.attendance.seat_map import room_seats, usual_boxes
from edge_daemon.types import Box, RoomSeat, Sighting


def _sighting(student_id: str, *box: float) -> Sighting:
    return Sighting(0, student_id, 0.5, True, Box(*box))


def _seats(**boxes: tuple[float, float, float, float]) -> dict[str, tuple[int, int]]:
    found = room_seats({student_id: Box(*box) for student_id, box in boxes.items()})
    assert all(isinstance(seat, RoomSeat) for seat in found.values())
    return {student_id: (seat.row, seat.seat) for student_id, seat in found.items()}


def test_each_side_of_a_usual_box_is_the_median_of_that_side():
    sightings = [
        _sighting("a", 1, 20, 300, 4000),
        _sighting("", 9, 9, 9, 9),
        _sighting("a", 2, 30, 100, 5000),
        _sighting("b", 7, 7, 7, 7),
        _sighting("a", 3, 10, 200, 9000),
    ]
    assert usual_boxes(sightings) == {"a": Box(2, 20, 200, 5000), "b": Box(7, 7, 7, 7)}
    assert usual_boxes([_sighting("", 9, 9, 9, 9)]) == {}


def test_without_students_there_are_no_seats():
    assert room_seats({}) == {}


def test_the_lowest_faces_are_the_first_row_and_each_row_counts_from_the_left():
    assert _seats(
        back_right=(300, 100, 30, 30),
        front_left=(50, 400, 60, 60),
        back_left=(100, 105, 30, 30),
        front_right=(200, 390, 60, 60),
        middle=(10, 250, 40, 40),
    ) == {"front_left": (1, 1), "front_right": (1, 2), "middle": (2, 1), "back_left": (3, 1), "back_right": (3, 2)}


@pytest.mark.parametrize(("higher_px", "row"), [(0, 1), (69, 1), (70, 2), (71, 2)])
def test_a_new_row_begins_where_a_face_is_higher_by_seven_tenths_of_its_own_height(higher_px, row):
    assert _seats(low=(0, 1000, 50, 50), high=(100, 975 - higher_px, 100, 100))["high"] == (row, 3 - row)


def test_a_face_is_compared_with_the_one_before_it_and_not_with_the_first_of_its_row():
    """A row that slants: each face is half a face higher than its neighbour."""
    assert _seats(a=(0, 300, 10, 20), b=(50, 290, 10, 20), c=(100, 280, 10, 20), d=(150, 270, 10, 20)) == {
        "a": (1, 1), "b": (1, 2), "c": (1, 3), "d": (1, 4),
    }  # fmt: skip


def test_the_height_of_a_face_in_the_picture_is_its_middle():
    """Both boxes begin at the same height, and the middle of the larger one is lower."""
    assert _seats(small=(0, 100, 20, 20), large=(50, 100, 80, 80)) == {"large": (1, 1), "small": (2, 1)}


def test_students_at_one_place_are_in_the_order_of_their_ids():
    assert _seats(b=(5, 100, 20, 20), a=(5, 100, 20, 20)) == {"a": (1, 1), "b": (1, 2)}
    # By how low they are b comes before a, then by the id: the face above is compared with b's.
    assert _seats(c=(0, 60, 50, 20), a=(5, 87, 20, 20), b=(5, 87, 20, 22)) == {"a": (1, 1), "b": (1, 2), "c": (2, 1)}
