"""Some of the made calendars of the slow comparison, and its page about all of them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.slow.calendar_readers import by_program
from tests.slow.calendar_rules import Rule
from tests.slow.calendar_variants import Variant, variants
from tests.slow.calendars import is_as_meant, page

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "benchmarks" / "results" / "calendars.json"


@pytest.fixture(scope="module")
def variants_made() -> list[Variant]:
    """All variants: seconds of work, so that only these tests make them, and not each process that reads the file."""
    return variants()


def test_each_made_calendar_has_the_lessons_that_were_meant_and_names_what_is_odd(variants_made):
    some = list({one.construct: one for one in variants_made}.values())[::3]
    assert len(some) > 80
    read = {one.construct: by_program(one) for one in some}
    assert {one.construct: (read[one.construct].lessons, read[one.construct].error) for one in some} == {
        one.construct: (one.lessons, "") for one in some
    }
    assert [(one.construct, one.named) for one in some if not is_as_meant(one, read[one.construct])] == []


def test_the_result_is_of_all_of_them_with_a_verdict_on_every_difference(variants_made):
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    assert result["variants"] == len(variants_made) >= 2000
    assert result["constructs"] == len({one.construct for one in variants_made})
    assert result["not_as_meant"] == []
    for one in result["differences"]:
        assert one["right"]
        assert one["why"]
        assert {variants_made[number].construct for number in one["variants"]} == {one["construct"]}
    assert (ROOT / "benchmarks" / "CALENDARS.md").read_text(encoding="utf-8") == page(result)


def test_the_days_of_a_rule_are_counted_as_on_a_calendar_on_the_wall():
    """By hand: what the comparison stands on."""
    second_mondays = Rule("MONTHLY", weekdays=((2, 0),), count=3)
    assert list(second_mondays.days(date(2026, 9, 14))) == [date(2026, 9, 14), date(2026, 10, 12), date(2026, 11, 9)]
    last_workdays = Rule("MONTHLY", weekdays=tuple((0, day) for day in range(5)), place=-1, count=2)
    assert list(last_workdays.days(date(2026, 9, 30))) == [date(2026, 9, 30), date(2026, 10, 30)]
    from_sunday = Rule("WEEKLY", interval=2, weekdays=((0, 6), (0, 0)), week_start=6, count=4)
    assert list(from_sunday.days(date(2026, 9, 6))) == [
        *(date(2026, 9, 6), date(2026, 9, 7), date(2026, 9, 20), date(2026, 9, 21))
    ]
    last_days = Rule("MONTHLY", month_days=(-1,), until=date(2026, 10, 31))
    assert list(last_days.days(date(2026, 9, 30))) == [date(2026, 9, 30), date(2026, 10, 31)]
