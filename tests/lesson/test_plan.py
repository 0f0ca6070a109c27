from __future__ import annotations

import hashlib
import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_daemon.lesson.plan import APART_S, SLOT_S, make_plan, random_frames, seed_digest

SEED = bytes(range(32))
KNOWN = (9.951529205407887, 20.647376972812847, 36.76154179709708, 48.28239761489476)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.binary(min_size=32, max_size=32),
    duration_s=st.floats(min_value=5.0, max_value=6000.0),
    captures=st.integers(min_value=1, max_value=150),
)
def test_every_slot_has_one_instant_and_neighbours_keep_their_distance(seed, duration_s, captures):
    offsets_s = make_plan("a", duration_s, captures, seed).offsets_s
    slots = min(captures, int(duration_s // SLOT_S))
    width_s = duration_s / slots
    assert len(offsets_s) == slots
    assert [int(offset_s / width_s + 1e-9) for offset_s in offsets_s] == pytest.approx(range(slots), abs=1e-9)
    assert all(later - earlier >= APART_S for earlier, later in itertools.pairwise(offsets_s))
    assert 0 <= offsets_s[0] <= offsets_s[-1] <= duration_s


def test_the_same_seed_gives_the_same_plan_and_no_seed_a_new_one():
    assert make_plan("a", 2700, 100, SEED) == make_plan("a", 2700, 100, SEED)
    first, second = make_plan("a", 2700, 100), make_plan("a", 2700, 100)
    assert first.seed != second.seed
    assert first.offsets_s != second.offsets_s
    assert first == make_plan("a", 2700, 100, first.seed)
    assert first.seed_sha256 == hashlib.sha256(first.seed).hexdigest() == seed_digest(first.seed)


def test_the_construction_is_the_documented_one_written_down_a_second_time():
    counter = itertools.count()

    def instants(first, count):
        if count == 1:
            digest = hashlib.sha256(SEED + next(counter).to_bytes(8, "big")).hexdigest()
            return [(first + (int(digest[:16], 16) // 2048) / 2**53) * 5.0]
        pair = instants(first, count // 2), instants(first + count // 2, count - count // 2)
        return pair[0] + pair[1] if pair[1][0] - pair[0][-1] >= 2 else instants(first, count)

    assert make_plan("a", 500, 100, SEED).offsets_s == tuple(instants(0, 100))
    assert next(counter) > 100  # some seam was too narrow, so that the rejection was walked through, too


def test_a_known_plan_stays_what_it_was():
    """Registers of past years have to stay derivable: if this fails, the construction has changed."""
    offsets_s = make_plan("a", 60, 4, SEED).offsets_s
    assert offsets_s == pytest.approx(KNOWN, abs=1e-12)


def test_places_are_uniform_within_a_slot_where_the_distance_hardly_matters():
    places = [
        offset_s / 27.0 % 1.0
        for number in range(60)
        for offset_s in make_plan("a", 2700, 100, number.to_bytes(32, "big")).offsets_s
    ]
    tenths = [0] * 10
    for place in places:
        tenths[int(place * 10)] += 1
    expected = len(places) / 10
    chi_squared = sum((count - expected) ** 2 / expected for count in tenths)
    assert chi_squared < 27.9  # 9 degrees of freedom, p = .001


def test_early_and_late_places_of_a_tight_slot_are_equally_likely():
    """Rejection that redraws only the later of two instants would push instants towards the end of the slot."""
    middle = [make_plan("a", 15, 3, number.to_bytes(32, "big")).offsets_s[1] - 5.0 for number in range(4000)]
    early, late = sum(place < 2 for place in middle), sum(place >= 3 for place in middle)
    assert abs(early - late) < 4 * (early + late) ** 0.5


@pytest.mark.parametrize(("duration_s", "captures", "slots"), [(4.9, 100, 0), (5, 100, 1), (12, 100, 2), (2700, 1, 1)])
def test_short_lessons_have_few_slots(duration_s, captures, slots):
    assert len(make_plan("a", duration_s, captures).offsets_s) == slots


def test_a_thousand_tight_slots_are_planned_in_a_moment():
    began = time.process_time()
    assert len(make_plan("a", 5000, 1000, SEED).offsets_s) == 1000
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("duration_s", "captures", "seed"),
    [(0, 1, None), (-5, 1, None), (float("inf"), 1, None), (float("nan"), 1, None), (60, 0, None), (60, 1, b"short")],
)
def test_impossible_plans_are_refused(duration_s, captures, seed):
    with pytest.raises(ValueError):
        make_plan("a", duration_s, captures, seed)


# The tests below look at many plans at once. Seeds are fixed, so that they pass always or never. Bounds are those of
# p = .001; `test_the_tests_of_chance_can_fail` shows what they find out.

WIDTH_S = 27.0
"""Width of a slot in a lesson of 45 minutes, far more than the 2 s between captures."""


def all_places(plans: int) -> list[list[float]]:
    """Return the places in [0, 1) of the 100 instants of each plan, within their slots."""
    drawn = (make_plan("a", 2700, 100, number.to_bytes(32, "big")).offsets_s for number in range(plans))
    return [[offset_s / WIDTH_S - slot for slot, offset_s in enumerate(offsets_s)] for offsets_s in drawn]


def farthest_from_uniform(places: list[float]) -> float:
    """Return Kolmogorov's distance, times the root of the number of places."""
    ordered, count = sorted(places), len(places)
    return max(max((n + 1) / count - place, place - n / count) for n, place in enumerate(ordered)) * count**0.5


def chi_squared(counts: list[int]) -> float:
    expected = sum(counts) / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts)


def correlation(pairs: list[tuple[float, float]]) -> float:
    """Return Pearson's correlation, times the root of the number of pairs: about normal where there is none."""
    xs, ys = zip(*pairs, strict=True)
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    product = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    spread = sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys)
    return product / spread**0.5 * len(pairs) ** 0.5


KS_BOUND, NORMAL_BOUND = 1.95, 3.29  # p = .001


def farthest_slot(plans: list[list[float]]) -> float:
    return max(farthest_from_uniform(list(places)) for places in zip(*plans, strict=True))


def test_the_place_in_every_single_slot_is_uniform():
    # 100 slots are 100 tests, so that the bound is that of p = .001 / 100.
    assert farthest_slot(all_places(400)) < 2.47


def test_all_places_together_are_uniform():
    plans = all_places(100)
    assert farthest_from_uniform([place for places in plans for place in places]) < KS_BOUND


def test_an_instant_says_nothing_about_the_next_nor_about_those_after():
    plans = all_places(100)
    for lag in (1, 2, 3, 50):
        pairs = [pair for places in plans for pair in zip(places, places[lag:], strict=False)]
        # The least distance keeps neighbours apart a little: .0075 of a correlation at these widths.
        assert abs(correlation(pairs)) < NORMAL_BOUND + 0.0075 * len(pairs) ** 0.5 * (lag == 1)


def test_two_neighbours_fall_into_every_pair_of_quarters_alike():
    counts = [0] * 16
    for places in all_places(100):
        for one, two in zip(places[::2], places[1::2], strict=True):  # pairs that share no instant
            counts[int(one * 4) * 4 + int(two * 4)] += 1
    assert chi_squared(counts) < 37.7  # 15 degrees of freedom


def test_a_slot_says_nothing_about_itself_in_the_plan_of_the_next_seed():
    plans = all_places(100)
    assert abs(correlation([pair for one, two in itertools.pairwise(plans) for pair in zip(one, two, strict=True)])) < (
        NORMAL_BOUND
    )


def test_the_gaps_have_the_triangle_that_independent_places_give():
    """Between two uniform places of neighbouring slots lie d slot widths with density 1 - |1 - d|."""
    below_half = above = count = 0
    for places in all_places(100):
        for one, two in itertools.pairwise(places):
            gap = two + 1 - one
            count += 1
            below_half += gap < 0.5
            above += gap >= 1.5
    for found in (below_half, above):
        # Each 1/8; the gaps below 2 s are missing among the short ones.
        assert abs(found / count - 0.125) < 4 * (0.125 * 0.875 / count) ** 0.5 + 0.004


def test_the_tests_of_chance_can_fail():
    plans = all_places(400)
    leaning = [[place**1.06 for place in places] for places in plans]
    assert farthest_from_uniform([place for places in leaning[:100] for place in places]) > KS_BOUND
    one_slot = [[*places[:50], places[50] ** 1.4, *places[51:]] for places in plans]
    assert farthest_slot(one_slot) > 2.47
    leaning = [[0.92 * place + 0.08 * last for last, place in itertools.pairwise([0.5, *places])] for places in plans]
    pairs = [pair for places in leaning[:100] for pair in itertools.pairwise(places)]
    assert abs(correlation(pairs)) > NORMAL_BOUND + 0.0075 * len(pairs) ** 0.5


def test_the_register_s_seed_and_digest_are_all_that_an_auditor_needs():
    """The plan is derived without this program, from the text of the construction and the fields of a register."""
    plan = make_plan("any lesson", 2700, 100)
    seed = bytes.fromhex(plan.seed.hex())
    assert hashlib.sha256(seed).hexdigest() == plan.seed_sha256
    assert make_plan("", 2700, 100, seed).offsets_s == plan.offsets_s  # the lesson's id is no part of it
    other = bytearray(seed)
    other[31] ^= 1
    changed = make_plan("any lesson", 2700, 100, bytes(other)).offsets_s
    assert sum(abs(a - b) < 1e-6 for a, b in zip(plan.offsets_s, changed, strict=True)) == 0


@pytest.mark.parametrize(("frames", "captures"), [(100, 100), (101, 100), (3000, 100), (7, 3), (1, 1)])
def test_of_each_equal_part_of_a_video_one_frame_is_drawn(frames, captures):
    found = random_frames(bytes(range(32)), frames, captures)
    assert found == random_frames(bytes(range(32)), frames, captures), "the same seed, the same frames"
    assert len(found) == captures
    for part, frame in enumerate(found):
        assert part * frames // captures <= frame < (part + 1) * frames // captures


def test_every_frame_of_a_part_can_be_drawn_and_by_the_published_construction():
    drawn = {random_frames(bytes([seed]) * 32, 40, 10)[3] for seed in range(100)}
    assert drawn == {12, 13, 14, 15}
    seed = bytes(range(32))
    draw = int.from_bytes(hashlib.sha256(seed + (3).to_bytes(8, "big")).digest()[:8], "big") >> 11
    assert random_frames(seed, 40, 10)[3] == 12 + int(draw / 2**53 * 4)


def test_frames_are_whole_numbers_of_their_own_part_where_the_parts_differ():
    for seed in range(100):
        found = random_frames(bytes([seed]) * 32, 7, 3)
        assert [type(frame) for frame in found] == [int, int, int]
        assert [low <= frame < end for frame, low, end in zip(found, (0, 2, 4), (2, 4, 7), strict=True)] == [True] * 3


@pytest.mark.parametrize(("frames", "captures"), [(10, 0), (10, 11), (0, 1)])
def test_a_part_without_a_frame_is_refused(frames, captures):
    with pytest.raises(ValueError, match="parts"):
        random_frames(bytes(32), frames, captures)
