"""Attention, and candidates packed for the disk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_daemon.attendance import candidate_codec
from edge_daemon.attendance.attention import faces_front, ray_deg, shut_for_long
from edge_daemon.types import Box, Candidate, Pose, Quality
from tests.attendance.evidence.room import Room


@pytest.mark.parametrize(
    ("yaw_deg", "front_deg", "expected"),
    [(50, 0, True), (51, 0, False), (-51, 0, False), (70, 30, True), (-30, 30, False)],
)
def test_attention_is_the_turn_from_the_front(yaw_deg: float, front_deg: float, expected: bool):
    assert faces_front(Pose(yaw_deg, -60.0, 0.0), front_deg, 50.0) is expected


def test_the_ray_is_half_the_field_of_view_at_the_rim_and_nothing_where_the_lens_is_unknown():
    assert [round(ray_deg(x, 4608, 66), 1) for x in (0, 2304, 4608)] == [-33.0, 0.0, 33.0]
    assert ray_deg(3456, 4608, 90) == pytest.approx(26.565, abs=0.001)
    assert ray_deg(4608, 4608, 0) == 0


def test_a_face_too_small_to_tell_has_the_benefit_of_the_doubt():
    assert faces_front(None, 0.0, 50.0)


def test_shut_eyes_count_from_three_captures_in_a_row_and_what_cannot_be_told_ends_no_row():
    room = Room()
    room.sits("S00", range(9), 0)
    eyes = [True, False, False, True, False, None, False, False, True]
    faces = [replace(f, eyes_open=e) for f, e in zip(room.faces, eyes, strict=True)]
    assert shut_for_long(faces) == [False] * 4 + [True, False, True, True, False]


numbers = st.floats(-4, 5000, width=32)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 5),
    st.integers(0, 40),
    st.lists(st.tuples(numbers, numbers, st.booleans(), st.sampled_from([None, True, False])), max_size=12),
)
def test_packed_candidates_come_back_without_their_embeddings(students: int, slot: int, rows: list):
    candidates = [
        Candidate(
            slot, Box(a, b, 1.5, 2.5), 0.5, Quality(a, 0.25, 1.0), att, eyes, np.full(students, b, np.float32), None
        )
        for a, b, att, eyes in rows
    ]
    with_vectors = [replace(c, embedding=np.ones(192, np.float32)) for c in candidates]
    ids = [f"s{i}" for i in range(students)]
    back = candidate_codec.unpack(slot, candidate_codec.pack(with_vectors, ids), ids)
    assert [repr(c) for c in back] == [repr(c) for c in candidates]


def test_students_enrolled_or_removed_since_do_not_shift_the_others():
    similarities = np.array([0.1, 0.2, 0.3], np.float32)
    face = Candidate(0, Box(0, 0, 1, 1), 1.0, Quality(1, 1, 1), True, None, similarities, None)
    (back,) = candidate_codec.unpack(0, candidate_codec.pack([face], ["a", "b", "c"]), ["c", "new", "a"])
    assert back.similarities == pytest.approx([0.3, 0.0, 0.1])
