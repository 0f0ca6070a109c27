from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.attendance.tally import guests, tally, unknown_faces
from edge_daemon.types import Box, Sighting, Tally
from tests.registers import START

BOX = Box(1, 2, 3, 4)
TAKEN_AT = {slot: START + timedelta(minutes=slot) for slot in range(10)}


def sighting(slot, student_id="a", attentive=True):
    return Sighting(slot, student_id, 0.5, attentive, BOX)


def test_frames_are_counted_and_first_and_last_are_known():
    (counted,) = tally(["a"], [sighting(7), sighting(2, attentive=False), sighting(4)], TAKEN_AT)
    assert counted == Tally("a", 3, 2, TAKEN_AT[2], TAKEN_AT[7])


def test_a_student_who_was_never_seen_has_zeros():
    assert tally(["a", "b"], [sighting(1, "b")], TAKEN_AT)[0] == Tally("a", 0, 0, None, None)


def test_the_order_is_that_of_the_students():
    assert [t.student_id for t in tally(["b", "a"], [], TAKEN_AT)] == ["b", "a"]


def test_guests_and_unknown_faces_are_counted_for_no_student():
    sightings = [sighting(1), sighting(1, "guest"), sighting(1, ""), sighting(2, ""), sighting(2, ""), sighting(3, "z")]
    assert [t.captures_seen for t in tally(["a"], sightings, TAKEN_AT)] == [1]
    assert guests(["a"], sightings) == ("guest", "z")
    assert unknown_faces(sightings) == 2
    assert (guests(["a"], []), unknown_faces([])) == ((), 0)


def test_a_sighting_without_its_capture_is_an_error():
    with pytest.raises(KeyError):
        tally(["a"], [sighting(99)], TAKEN_AT)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a", "b", "c", ""]), st.booleans())))
def test_processing_twice_doubles_nothing(drawn):
    sightings = [sighting(*one) for one in drawn]
    once = tally(["a", "b"], sightings, TAKEN_AT)
    assert tally(["a", "b"], sightings + sightings[::-1], TAKEN_AT) == once
    assert all(0 <= t.captures_attentive <= t.captures_seen <= len(TAKEN_AT) for t in once)
