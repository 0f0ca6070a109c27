"""The plan at its limits: one slot, lessons that end just before a slot is full, and the messages of refusals."""

from __future__ import annotations

import hashlib
import math

import pytest

from edge_daemon.lesson.plan import make_plan, random_frames, slot_count

SEED = bytes(range(32))
FIRST = (int.from_bytes(hashlib.sha256(SEED + bytes(8)).digest()[:8], "big") >> 11) / 2**53
"""The first draw of the seed, a place in [0, 1)."""


@pytest.mark.parametrize(("duration_s", "captures"), [(5.0, 1), (9.9, 100), (2700.0, 1)])
def test_the_only_slot_is_the_whole_lesson(duration_s, captures):
    plan = make_plan("a lesson", duration_s, captures, SEED)
    assert plan.offsets_s == (FIRST * duration_s,)
    assert (plan.lesson_id, plan.seed, plan.seed_sha256) == ("a lesson", SEED, hashlib.sha256(SEED).hexdigest())


@pytest.mark.parametrize(
    ("duration_s", "captures", "slots"),
    [
        *((0.5, 9, 0), (1.0, 9, 0), (4.999, 9, 0), (5.0, 9, 1), (9.999, 9, 1), (10.0, 9, 2)),
        *((495.0, 100, 99), (499.9, 100, 99), (500.0, 100, 100), (505.0, 100, 100), (2700.0, 100, 100)),
        (2700.0, 1, 1),
    ],
)
def test_a_slot_has_five_seconds_at_least(duration_s, captures, slots):
    assert slot_count(duration_s, captures) == slots
    assert len(make_plan("a", duration_s, captures, SEED).offsets_s) == slots


def test_a_hair_less_than_a_slot_is_no_slot():
    for slots in range(1, 1000):
        assert slot_count(math.nextafter(5.0 * slots, 0), 2000) == slots - 1
        assert slot_count(5.0 * slots, 2000) == slots


def test_instants_lie_in_slots_of_the_same_width_in_order():
    offsets_s = make_plan("a", 47.0, 9, SEED).offsets_s
    assert [int(offset_s // (47.0 / 9)) for offset_s in offsets_s] == list(range(9))


@pytest.mark.parametrize(
    ("duration_s", "captures", "seed", "message"),
    [
        (60.0, 1, b"short", "a seed has 32 bytes, not 5"),
        (60.0, 1, bytes(33), "a seed has 32 bytes, not 33"),
        (60.0, 0, None, "no plan for 0 captures in 60.0 s"),
        (60.0, -3, None, "no plan for -3 captures in 60.0 s"),
        (0.0, 1, None, "no plan for 1 captures in 0.0 s"),
        (-1.0, 1, None, "no plan for 1 captures in -1.0 s"),
        (float("inf"), 1, None, "no plan for 1 captures in inf s"),
        (float("nan"), 1, None, "no plan for 1 captures in nan s"),
    ],
)
def test_invalid_arguments_of_a_plan_are_refused_with_a_message(duration_s, captures, seed, message):
    with pytest.raises(ValueError) as error:
        make_plan("a", duration_s, captures, seed)
    assert str(error.value) == message


def test_a_new_seed_is_of_32_bytes_and_never_the_same():
    seeds = {make_plan("a", 60.0, 1).seed for _ in range(20)}
    assert len(seeds) == 20
    assert {len(seed) for seed in seeds} == {32}


@pytest.mark.parametrize(
    ("frames", "parts"),
    [(10, [range(3), range(3, 6), range(6, 10)]), (7, [range(2), range(2, 4), range(4, 7)]), (3, [[0], [1], [2]])],
)
def test_each_part_of_a_video_gives_one_of_its_frames_and_every_one_of_them_now_and_then(frames, parts):
    found = [random_frames(bytes([seed]) * 32, frames, 3) for seed in range(60)]
    assert [sorted({drawn[part] for drawn in found}) for part in range(3)] == [list(part) for part in parts]
    assert {type(frame) for drawn in found for frame in drawn} == {int}
