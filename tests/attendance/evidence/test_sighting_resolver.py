"""Evidence over a lesson, on made-up people whose truth is exact."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.sighting_resolver import resolve_sightings
from edge_daemon.types import Box, Sighting
from tests.attendance.evidence.room import Room

SLOTS = range(40)


def _identities(room: Room, **options: object) -> list[str]:
    return [s.student_id for s in resolve_sightings(room.faces, room.ids, **options)]


def _full_class(room: Room, but: tuple[str, ...] = ()) -> Room:
    for seat, student in enumerate(room.ids):
        if student not in but:
            room.sits(student, SLOTS, seat)
    return room


def test_each_student_who_stays_in_one_seat_is_named_in_every_capture():
    room = _full_class(Room())
    assert _identities(room) == room.ordered_truth()


def test_a_stranger_is_unknown_in_every_capture():
    room = _full_class(Room(), but=("S03",))
    room.sits("stranger", SLOTS, 20)
    assert _identities(room) == room.ordered_truth()


def test_two_who_swap_seats_keep_their_names():
    room = _full_class(Room(), but=("S01", "S02"))
    room.sits("S01", range(15), 1)
    room.sits("S02", range(15), 2)
    room.sits("S01", range(15, 40), 2)
    room.sits("S02", range(15, 40), 1)
    assert _identities(room) == room.ordered_truth()


def test_a_seat_taken_over_by_a_stranger_brings_its_owner_nothing():
    room = _full_class(Room(), but=("S04",))
    room.sits("S04", range(13), 4)
    room.sits("stranger", range(13, 40), 4)
    assert Counter(_identities(room))["S04"] == 13
    assert _identities(room) == room.ordered_truth()


def _with_a_double(similarity, *seated):
    """A class in which S04 and somebody this alike have one seat, one after the other: large clear faces."""
    room = _full_class(Room(), but=("S04",))
    room.resembles("double", "S04", similarity)
    for name, slots in seated:
        room.sits(name, slots, 4, noise=0.58, width_px=70)
    return room


def test_a_seat_taken_over_by_somebody_who_looks_alike_brings_its_owner_nothing():
    # Both of one person and of two, large clear faces are as alike as far and blurred ones of one person.
    room = _with_a_double(0.55, ("S04", range(14)), ("double", range(14, 40)))
    assert _identities(room) == room.ordered_truth()


def test_a_double_who_resembles_the_student_too_little_for_a_name_does_not_get_it_from_the_chair():
    room = _with_a_double(0.40, ("double", range(26)), ("S04", range(26, 40)))
    assert _identities(room) == room.ordered_truth()


def test_a_seat_inherited_by_a_student_who_comes_late_counts_for_each_in_turn():
    room = _full_class(Room(), but=("S05", "S06"))
    room.sits("S05", range(15), 5)
    room.sits("S06", range(15, 40), 5)
    assert _identities(room) == room.ordered_truth()


def test_a_student_who_moves_to_a_free_seat_and_back_is_named_at_both():
    room = _full_class(Room(), but=("S07",))
    room.sits("S07", [*range(12), *range(30, 40)], 7)
    room.sits("S07", range(12, 30), 21)
    assert _identities(room) == room.ordered_truth()


def test_a_blurred_face_between_clear_ones_of_the_same_seat_is_named_with_them():
    room = _full_class(Room(), but=("S08",))
    room.sits("S08", [s for s in SLOTS if s != 20], 8)
    room.sits("S08", [20], 8, noise=2.2)
    assert _identities(room) == room.ordered_truth()


def test_somebody_who_sits_down_for_one_capture_in_a_students_seat_is_not_the_student():
    room = _full_class(Room(), but=("S08",))
    room.sits("S08", [s for s in SLOTS if s != 20], 8)
    room.sits("visitor", [20], 8)
    assert _identities(room) == room.ordered_truth()


def test_a_student_is_in_one_place_of_a_capture_only():
    room = _full_class(Room())
    room.sits("S00", SLOTS, 22)  # a print on the wall, say
    seen = Counter((s.slot, s.student_id) for s in resolve_sightings(room.faces, room.ids) if s.student_id)
    assert max(seen.values()) == 1


@pytest.mark.parametrize("seed", range(5))
def test_many_strangers_in_a_room_of_absent_students_are_hardly_ever_named(seed):
    room = Room(students=30, seed=seed)
    for number in range(30):
        room.sits(f"stranger{number}", SLOTS, number)
    assert Counter(_identities(room))[""] == len(room.faces)


def test_two_look_alikes_are_distinguished_only_while_both_are_there():
    room = Room()
    twin = room.people["S00"] + 0.25 * room.identity("difference")
    room.people["S01"] = twin / np.linalg.norm(twin)
    room.sits("S00", SLOTS, 0)
    named = set(_identities(room, look_alikes=[("S00", "S01")]))
    assert named <= {"", "S00"}
    assert "S01" not in named


def test_after_a_restart_without_embeddings_the_names_are_the_same():
    room = _full_class(Room(students=30), but=("S04", "S05"))
    room.sits("S04", range(13), 4)
    room.sits("stranger", range(13, 40), 4)
    truth = room.ordered_truth()
    room.faces = [replace(f, embedding=None if f.slot < 20 else f.embedding) for f in room.faces]
    named = _identities(room)
    assert sum(a == b for a, b in zip(named, truth, strict=True)) >= 0.99 * len(truth)
    assert Counter(named)["S04"] <= 14


def test_the_order_in_which_faces_come_makes_no_difference():
    room = _full_class(Room())
    forward = resolve_sightings(room.faces, room.ids)
    backward = resolve_sightings(sorted(room.faces, key=lambda f: -f.slot), room.ids)
    assert sorted(map(repr, forward)) == sorted(map(repr, backward))


def test_eyes_shut_over_several_captures_are_not_attentive_and_a_blink_is():
    room = Room()
    room.sits("S00", range(30), 0)
    room.sits("S00", range(30, 36), 0, shut=True)
    room.sits("S01", [s for s in range(36) if s != 7], 1)
    room.sits("S01", [7], 1, shut=True)
    sightings = resolve_sightings(room.faces, room.ids)
    assert [s.slot for s in sightings if not s.attentive] == list(range(30, 36))


def test_no_faces_give_no_sightings():
    assert resolve_sightings([], ["S00"]) == []


def test_without_enrolled_students_all_faces_are_unknown():
    room = Room(students=0)
    room.sits("stranger", [0, 1], 0)
    assert [s.student_id for s in resolve_sightings(room.faces, [])] == ["", ""]


def test_a_sighting_carries_slot_box_and_the_students_own_similarity():
    room = Room()
    room.sits("S02", range(5), 3)
    face = room.faces[2]
    expected = Sighting(2, "S02", float(face.similarities[2]), True, face.box)
    assert expected in resolve_sightings(room.faces, room.ids)
    assert isinstance(expected.box, Box)


def test_a_face_too_small_to_be_recognised_gets_no_name():
    room = Room()
    room.sits("S02", range(5), 3)
    room.faces = [replace(f, quality=replace(f.quality, width_px=17.0)) for f in room.faces]
    assert resolve_sightings(room.faces, room.ids) == []


def test_a_doubtful_face_counts_with_the_clear_ones_of_a_student():
    room = Room()
    room.sits("S02", range(6), 3)
    room.faces = [replace(f, score=0.85 if f.slot == 3 else 0.99) for f in room.faces]
    assert [s.student_id for s in resolve_sightings(room.faces, room.ids)] == ["S02"] * 6


def test_a_pattern_that_is_hardly_ever_clearly_a_face_is_none_and_a_stranger_with_one_doubtful_face_is():
    room = Room()
    room.sits("curtain", range(9), 3)
    room.faces = [replace(f, score=0.99 if f.slot == 4 else 0.93) for f in room.faces]
    room.sits("stranger", range(9), 12)
    room.faces[-1] = replace(room.faces[-1], score=0.85)
    assert len(resolve_sightings(room.faces, room.ids)) == 9


@pytest.mark.parametrize("seed", range(30))
def test_in_any_noisy_crowd_no_student_is_twice_in_a_capture(seed):
    """Many people, few seats, much noise: every face still has one sighting."""
    room = Room(students=6, noise=1.6, seed=seed)
    order = np.random.default_rng(seed)
    names = [*room.ids, "x", "y", "z"]
    for slot in range(12):
        for seat, name in enumerate(order.permutation(names)[:5]):
            room.sits(str(name), [slot], seat)
    sightings = resolve_sightings(room.faces, room.ids)
    assert len(sightings) == len(room.faces)
    assert max(Counter((s.slot, s.student_id) for s in sightings if s.student_id).values(), default=0) <= 1
