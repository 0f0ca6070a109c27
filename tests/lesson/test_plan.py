from __future__ import annotations

import hashlib
import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_daemon.lesson.plan import APART_S, SLOT_S, make_plan, seed_digest

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
    """Registers of years ago must still be re-derivable: if this fails, the construction changed."""
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
    began = time.perf_counter()
    assert len(make_plan("a", 5000, 1000, SEED).offsets_s) == 1000
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("duration_s", "captures", "seed"),
    [(0, 1, None), (-5, 1, None), (float("inf"), 1, None), (float("nan"), 1, None), (60, 0, None), (60, 1, b"short")],
)
def test_impossible_plans_are_refused(duration_s, captures, seed):
    with pytest.raises(ValueError):
        make_plan("a", duration_s, captures, seed)
