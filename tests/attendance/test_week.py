"""Weeks of schools that do not begin on Monday: their days, their names, and the sheets that are made of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from edge_daemon.attendance.sheets import arrange
from edge_daemon.attendance.week import ISO_WEEK, SchoolWeek, school_week, week_of
from edge_daemon.config import WEEKDAYS, WeekConfig
from tests.registers import START, a_lesson, a_register

SUNDAY_TO_THURSDAY = school_week("sunday", ("friday", "saturday"))
RIYADH = ZoneInfo("Asia/Riyadh")


def test_the_default_week_begins_on_monday_with_a_free_weekend():
    assert week_of(WeekConfig()) == ISO_WEEK == SchoolWeek(0, frozenset((5, 6)))


@pytest.mark.parametrize("first", WEEKDAYS)
def test_each_day_is_in_one_week_and_each_name_leads_back_to_it(first):
    week = school_week(first, ())
    begin = date(2026, 12, 21)
    for number in range(21):  # over the end of a year of 53 ISO weeks
        day = begin + timedelta(days=number)
        first_day = week.begin(day)
        assert first_day.strftime("%A").lower() == first
        assert timedelta(0) <= day - first_day < timedelta(days=7)
        year, _, week_number = week.name(day).partition("-W")
        assert week.begin_of(int(year), int(week_number)) == first_day
    names = [week.name(begin + timedelta(days=7 * number)) for number in range(120)]
    assert len(set(names)) == 120
    assert names == sorted(names)


def test_a_week_from_monday_has_the_iso_name():
    for number in range(800):
        day = date(2025, 1, 1) + timedelta(days=number)
        assert ISO_WEEK.name(day) == f"{day:%G-W%V}"


def test_a_week_from_sunday_has_the_name_that_most_of_its_days_have():
    assert [SUNDAY_TO_THURSDAY.name(date(2026, 11, day)) for day in (14, 15, 21, 22)] == [
        *("2026-W46", "2026-W47", "2026-W47", "2026-W48"),
    ]


def test_there_is_no_53rd_week_in_most_years():
    with pytest.raises(ValueError, match="Invalid week"):
        SUNDAY_TO_THURSDAY.begin_of(2025, 53)


def register_at(day: int, course: str = "7b") -> object:
    start = datetime(2026, 11, day, 7, tzinfo=timezone.utc)
    return a_register(a_lesson(start, course), {"a": 1.0})[0]


def test_the_sheet_of_a_school_from_sunday_to_thursday():
    sheets = list(arrange([register_at(15), register_at(19), register_at(22)], {}, RIYADH, "week", SUNDAY_TO_THURSDAY))
    assert [(s.name, f"{s.first_day:%F}", f"{s.last_day:%F}", len(s.columns)) for s in sheets] == [
        ("2026-W47", "2026-11-15", "2026-11-19", 2),
        ("2026-W48", "2026-11-22", "2026-11-26", 1),
    ]


def test_a_weekend_is_in_the_week_where_a_lesson_was_held_on_it():
    (sheet,) = arrange([register_at(16), register_at(20)], {}, RIYADH, "week", SUNDAY_TO_THURSDAY)
    assert (f"{sheet.first_day:%F}", f"{sheet.last_day:%F}") == ("2026-11-15", "2026-11-20")
    (sheet,) = arrange([register_at(21)], {}, RIYADH, "week", SUNDAY_TO_THURSDAY)
    assert (f"{sheet.first_day:%F}", f"{sheet.last_day:%F}") == ("2026-11-15", "2026-11-21")


@pytest.mark.parametrize(
    ("weekend", "with_lessons", "days"),
    [
        ((5, 6), (), (16, 20)),  # Saturday and Sunday begin the week: Monday to Friday are left
        ((5, 6), (14,), (14, 20)),
        ((5, 6), (15,), (15, 20)),
        ((5, 4), (), (15, 19)),
        ((5, 6, 0, 1, 2, 3, 4), (), (20, 20)),  # one day is left, whatever is free
        ((5, 6, 0, 1, 2, 3, 4), (16, 18), (16, 18)),
        ((5, 6, 0, 1, 2, 3), (), (20, 20)),
        ((6, 0, 1, 2, 3, 4), (), (14, 14)),
    ],
)
def test_free_days_at_both_ends_are_left_out_but_for_those_that_had_lessons(weekend, with_lessons, days):
    week = SchoolWeek(5, frozenset(weekend))
    first, last = date(2026, 11, 14), date(2026, 11, 20)
    assert first.strftime("%A") == "Saturday"
    found = week.school_days(first, last, [datetime(2026, 11, day, 9) for day in with_lessons])  # noqa: DTZ001
    assert found == tuple(date(2026, 11, day) for day in days)


def test_a_school_without_a_weekend_has_all_seven_days():
    (sheet,) = arrange([register_at(16)], {}, RIYADH, "week", school_week("saturday", ()))
    assert (f"{sheet.first_day:%F}", f"{sheet.last_day:%F}") == ("2026-11-14", "2026-11-20")


def test_a_month_is_a_month_whatever_the_week():
    (sheet,) = arrange([register_at(16)], {}, RIYADH, "month", SUNDAY_TO_THURSDAY)
    assert (sheet.name, f"{sheet.first_day:%F}", f"{sheet.last_day:%F}") == ("2026-11", "2026-11-01", "2026-11-30")


def test_each_class_has_a_sheet_of_its_own_without_students_of_another():
    chess = a_register(a_lesson(START + timedelta(hours=1), "chess"), {"b": 1.0})[0]
    of_all = a_register(a_lesson(START + timedelta(hours=2), ""), {"a": 1.0, "b": 1.0})[0]
    sheets = list(arrange([chess, register_at(16), of_all], {}, RIYADH, "week", split="class"))
    assert [(s.name, s.part, [row.student_id for row in s.rows]) for s in sheets] == [
        ("2026-W47", "7b", ["a"]),
        ("2026-W47", "all students", ["a", "b"]),
        ("2026-W47", "chess", ["b"]),
    ]
