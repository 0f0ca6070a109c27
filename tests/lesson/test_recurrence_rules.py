"""Which parts of a recurrence rule are passed on."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.lesson.recurrence_rules import rule_parts, rule_step, rule_text, rule_until

UNTIL = datetime(2026, 4, 1, 10, tzinfo=timezone(timedelta(hours=2)))


def test_the_end_is_handed_on_in_utc():
    text = rule_text(rule_parts("freq=weekly;until=20260401;byday=mo"), UNTIL)
    assert text == "FREQ=WEEKLY;BYDAY=MO;UNTIL=20260401T080000Z"
    assert rule_until(text) == UNTIL
    assert rule_until("FREQ=WEEKLY") is None


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ("3", "COUNT=3"),
        ("999999", "COUNT=999999"),
        ("0000000003", "COUNT=0000000003"),
        ("1000000", ""),
        ("9" * 5000, ""),
    ],
)
def test_a_count_that_no_timetable_reaches_is_none(count, expected):
    text = rule_text(rule_parts(f"FREQ=DAILY;COUNT={count}"), None)
    assert text == (f"FREQ=DAILY;{expected}" if expected else "FREQ=DAILY")


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=DAILY", 1),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", 14),
        ("FREQ=DAILY;COUNT=3", None),
        ("FREQ=MONTHLY", None),
        ("", None),
    ],
)
def test_rules_of_days_and_weeks_without_count_can_be_moved(rule, days):
    assert rule_step(rule) == (None if days is None else timedelta(days=days))
