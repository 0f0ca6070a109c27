"""Attention, and candidates packed for the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_daemon.attendance import candidate_codec
from edge_daemon.attendance.attention import SHUT_LEAST, faces_front, looks_at_eyes, ray_deg, shut_for_long
from edge_daemon.traits import EyeClosure, Traits, VisibleParts
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


def test_a_face_too_small_to_be_judged_counts_as_facing():
    assert faces_front(None, 0.0, 50.0)


def candidates_with_eyes(closures: Sequence[float | None], slots: Sequence[int] | None = None) -> list[Candidate]:
    """Faces of one student whose eyes are shut so far; None: not looked at."""
    room = Room()
    room.sits("S00", range(len(closures)) if slots is None else slots, 0)
    eyes = [None if shut is None else EyeClosure(shut, shut + 0.05) for shut in closures]
    return [replace(face, traits=Traits(eyes=one)) for face, one in zip(room.faces, eyes, strict=True)]


def test_shut_eyes_count_from_three_captures_in_a_row_and_unknown_eyes_end_no_row():
    closures = [0.2, 0.7, 0.7, 0.2, 0.7, None, 0.7, 0.7, 0.2, 0.2, 0.2, 0.2]
    assert shut_for_long(candidates_with_eyes(closures)) == [False] * 4 + [True, False, True, True] + [False] * 4


def test_eyes_are_shut_by_the_students_own_median_and_narrow_eyes_are_open():
    assert shut_for_long(candidates_with_eyes([0.55] * 12)) == [False] * 12
    assert shut_for_long(candidates_with_eyes([0.55] * 9 + [0.85] * 3)) == [False] * 9 + [True] * 3
    wide = [0.05] * 9 + [0.3] * 3
    assert shut_for_long(candidates_with_eyes(wide)) == [False] * 12, "half shut, for somebody with wide eyes"


def test_a_run_does_not_go_on_at_another_moment_of_the_lesson():
    slots = [8, 9, 10, 11, 28, 29, 30, 31]
    assert shut_for_long(candidates_with_eyes([0.2, 0.2, 0.7, 0.7, 0.7, 0.2, 0.2, 0.2], slots)) == [False] * 8


@pytest.mark.parametrize(("last", "is_run"), [(24, True), (25, False)])
def test_a_moment_is_over_after_four_captures(last, is_run):
    slots = [*range(9), 20, 21, last]
    assert shut_for_long(candidates_with_eyes([0.2] * 9 + [0.7] * 3, slots)) == [False] * 9 + [is_run] * 3


def test_eyes_are_shut_from_the_least_closure_on():
    assert shut_for_long(candidates_with_eyes([0.05] * 9 + [SHUT_LEAST] * 3)) == [False] * 9 + [True] * 3


def test_two_captures_are_no_row_and_what_is_under_dark_glasses_is_not_known():
    assert shut_for_long(candidates_with_eyes([0.9, 0.9])) == [False, False]
    hidden = VisibleParts(0.1, 0.1, 0.8, 0.0)
    faces = [replace(f, traits=replace(f.traits, visible=hidden)) for f in candidates_with_eyes([0.2] * 5 + [0.7] * 3)]
    assert shut_for_long(faces) == [False] * 8


def test_eyes_are_looked_at_in_five_moments_of_four_captures():
    looked = [slot for slot in range(100) if looks_at_eyes(slot, 100)]
    assert looked == [first + i for first in (8, 28, 48, 68, 88) for i in range(4)]
    assert [sum(looks_at_eyes(slot, n) for slot in range(n)) for n in (12, 20, 21, 40)] == [12, 20, 20, 20]


numbers = st.floats(-4, 5000, width=32)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 5),
    st.integers(0, 40),
    st.lists(st.tuples(numbers, numbers, st.booleans()), max_size=12),
)
def test_packed_candidates_come_back_without_their_embeddings(students: int, slot: int, rows: list):
    candidates = [
        Candidate(slot, Box(a, b, 1.5, 2.5), 0.5, Quality(a, 0.25, 1.0), att, np.full(students, b, np.float32), None)
        for a, b, att in rows
    ]
    with_vectors = [replace(c, embedding=np.ones(192, np.float32)) for c in candidates]
    ids = [f"s{i}" for i in range(students)]
    back = candidate_codec.unpack(slot, candidate_codec.pack(with_vectors, ids), ids)
    assert [repr(c) for c in back] == [repr(c) for c in candidates]


def test_students_enrolled_or_removed_since_do_not_shift_the_others():
    similarities = np.array([0.1, 0.2, 0.3], np.float32)
    face = Candidate(0, Box(0, 0, 1, 1), 1.0, Quality(1, 1, 1), True, similarities, None)
    (back,) = candidate_codec.unpack(0, candidate_codec.pack([face], ["a", "b", "c"]), ["c", "new", "a"])
    assert back.similarities == pytest.approx([0.3, 0.0, 0.1])
