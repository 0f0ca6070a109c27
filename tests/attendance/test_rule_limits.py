"""The rule at its very limits: the exact share, the exact minute, the exact probability."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from fractions import Fraction
from math import factorial

import pytest

from edge_daemon.attendance.rule import (
    CHANCE,
    LessonSummary,
    Rule,
    decide,
    interval,
    interval_with_identity,
    is_borderline,
    rule_of,
    share_of,
)
from edge_daemon.config import RuleConfig
from edge_daemon.types import Tally, Verdict

START = datetime(2026, 11, 16, 8, 0, tzinfo=timezone.utc)
INSTANT = timedelta(microseconds=1)


def _flags(tally: Tally, rule: Rule, taken_at: tuple[datetime, ...], end: datetime) -> set[str]:
    lesson = LessonSummary(START, end, taken_at, len(taken_at), time_trusted=True)
    (verdict,) = decide([tally], rule, lesson)
    return {flag for flag in verdict.flags if flag in ("late", "left_early")}


def test_the_settings_become_a_fraction_and_seconds_for_both_ends():
    assert rule_of(RuleConfig()) == Rule(Fraction(2, 5), 600.0, 600.0) == Rule(Fraction(2, 5))
    assert rule_of(RuleConfig(share=0.5, late_min=7)) == Rule(Fraction(1, 2), 420.0, 420.0)


def test_half_of_the_planned_captures_and_a_quarter_of_the_students_are_needed_where_nothing_else_is_set():
    assert rule_of(RuleConfig()).min_captures_share == Rule(Fraction(2, 5)).min_captures_share == Fraction(1, 2)
    assert rule_of(RuleConfig()).unusual_share == Rule(Fraction(2, 5)).unusual_share == Fraction(1, 4)
    assert rule_of(RuleConfig(unusual_share=0.5)).unusual_share == Fraction(1, 2)


@pytest.mark.parametrize(
    ("verdict", "probability", "reaches"),
    [
        *(("present", 0.974, 0.0), ("present", 0.975, None), ("present", 0.976, None), ("present", 1.0, None)),
        *(("absent", 0.026, 1.0), ("absent", 0.025, None), ("absent", 0.024, None), ("absent", 0.0, None)),
        *(("inconclusive", 0.026, 1.0), ("inconclusive", 0.024, None), ("present", None, None)),
    ],
)
def test_more_than_two_and_a_half_percent_of_doubt_about_who_it_was_widen_the_interval(verdict, probability, reaches):
    low, high = interval(40, 100)
    one = Verdict(Tally("a", 40, 40, None, None), 0.4, verdict, (), probability=probability)
    expected = (low, high) if reaches is None else (0.0, high) if verdict == "present" else (low, 1.0)
    assert interval_with_identity(one, 100) == expected


@pytest.mark.parametrize(("beyond", "flags"), [(-INSTANT, set()), (timedelta(0), set()), (INSTANT, {"late"})])
def test_late_is_more_than_ten_minutes_after_the_start_and_not_ten(beyond, flags):
    end, first = START + timedelta(minutes=50), START + timedelta(minutes=10) + beyond
    taken_at = tuple(START + timedelta(seconds=25 * n) for n in range(120))
    seen = Tally("a", 96, 96, first, end)
    assert _flags(seen, Rule(share_of(0.4)), taken_at, end) == flags


@pytest.mark.parametrize(("beyond", "flags"), [(-INSTANT, set()), (timedelta(0), set()), (INSTANT, {"left_early"})])
def test_early_is_more_than_ten_minutes_before_the_end_and_not_ten(beyond, flags):
    end = START + timedelta(minutes=50)
    taken_at = tuple(START + timedelta(seconds=25 * n) for n in range(120))
    seen = Tally("a", 96, 96, START, end - timedelta(minutes=10) - beyond)
    assert _flags(seen, Rule(share_of(0.4)), taken_at, end) == flags


def _chance_of_missing_all(gap: int, rest: int, seen: int) -> Fraction:
    """Laplace's rule of succession by factorials: missed in all of `gap` captures, seen in `seen` of the rest."""
    missed = rest - seen
    return Fraction(factorial(missed + gap) * factorial(rest + 1), factorial(missed) * factorial(rest + gap + 1))


@pytest.mark.parametrize("gap", range(6))
def test_a_gap_is_flagged_only_where_chance_explains_it_with_less_than_five_percent(gap):
    """Every number of captures up to 40 and of sightings in them; the share of five percent itself is not less."""
    outcomes = set()
    for rest in range(1, 41):
        taken_at = tuple(START + timedelta(seconds=n) for n in range(gap + rest))
        end = taken_at[-1]
        for seen in range(1, rest + 1):
            expected = _chance_of_missing_all(gap, rest, seen) < Fraction(str(CHANCE))
            outcomes.add(expected)
            late = Tally("a", seen, seen, taken_at[gap], end)
            early = Tally("a", seen, seen, START, taken_at[rest - 1])
            no_patience = Rule(share_of(0.4), late_after_s=-1, left_before_s=-1)
            assert ("late" in _flags(late, no_patience, taken_at, end)) == expected, (rest, seen)
            assert ("left_early" in _flags(early, no_patience, taken_at, end)) == expected, (rest, seen)
    assert outcomes == ({True, False} if gap else {False})


def test_one_capture_in_twenty_is_five_percent_and_not_less():
    assert _chance_of_missing_all(1, 18, 18) == Fraction(1, 20)
    assert _chance_of_missing_all(1, 19, 19) == Fraction(1, 21)


def test_more_sightings_than_captures_outside_the_gap_are_no_gap_at_all():
    """A capture of the same instant as the first sighting belongs to the rest; counts never become negative."""
    taken_at = tuple(START + timedelta(seconds=n) for n in range(4))
    seen = Tally("a", 9, 9, taken_at[3], taken_at[3])
    assert _flags(seen, Rule(share_of(0.4), late_after_s=0), taken_at, taken_at[3]) == set()


@pytest.mark.parametrize(("frames", "borderline"), [(10, True), (9, False), (0, False)])
def test_a_share_of_one_is_borderline_only_with_every_capture(frames, borderline):
    """The interval of less than everything never reaches 1."""
    assert is_borderline(frames, 10, Fraction(1)) is borderline


def test_without_a_capture_nothing_is_borderline():
    assert is_borderline(0, 0, Fraction(1)) is False
    assert is_borderline(0, 0, Fraction(2, 5)) is False


@pytest.mark.parametrize(
    ("captures", "least", "most"),
    [(100, 31, 49), (90, 27, 45), (50, 14, 26), (25, 6, 14), (10, 1, 7), (3, 0, 2), (1, 0, 1)],
)
def test_the_counts_that_are_borderline_at_forty_percent(captures, least, most):
    """Worked out with the ends of the Wilson interval, z = 1.959964, where the rule takes no square root."""
    found = [frames for frames in range(captures + 1) if is_borderline(frames, captures, Fraction(2, 5))]
    assert found == list(range(least, most + 1))
