"""A term's sheets in exact words: columns, their notes, the order of students, and the counts of months."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from edge_daemon.attendance.sheets import arrange, entries_of, period, rule_in_words, span
from edge_daemon.attendance.term import Months, events_of, term_sheet
from edge_daemon.attendance.week import school_week
from edge_daemon.types import Register
from tests.registers import APPLIED, START, a_lesson, a_register

BERLIN = ZoneInfo("Europe/Berlin")
UTC = timezone.utc


def _register(
    shares: dict[str, float],
    *,
    hours: float = 0,
    course: str = "7b",
    device: str = "room 1",
    minutes: int = 45,
    origin: str = "timetable",
    captures: int = 20,
) -> Register:
    lesson = a_lesson(START + timedelta(hours=hours), course, origin, minutes)
    register, _ = a_register(lesson, shares, captures=captures)
    return replace(register, lesson=replace(lesson, device=device, lesson_id=f"{lesson.lesson_id} {device}"))


def _sheet(*registers: Register, names: dict[str, str] | None = None, by: str = "week"):
    return term_sheet(registers, names or {}, BERLIN, by)


def test_a_shared_column_is_the_first_lesson_with_all_courses_and_captures():
    first = _register({"a": 1.0}, device="room 1", course="b")
    second = _register({"b": 1.0}, device="room 2", course="a", minutes=90, captures=30)
    (column,) = _sheet(second, first).columns
    assert (column.lesson.lesson_id, column.lesson.course) == (first.lesson.lesson_id, "a, b")
    assert (f"{column.start:%H:%M}", f"{column.end:%H:%M}") == ("08:00", "09:30")  # until the last one ends
    assert (column.captures_taken, column.captures_planned) == (50, 50)
    assert column.note == "room 1: b, 20 of 20 captures\nroom 2: a, 30 of 30 captures"


def test_a_lesson_of_all_courses_is_called_so():
    (column,) = _sheet(_register({"a": 1.0}, course="")).columns
    assert (column.lesson.course, column.note) == ("all", "room 1: all, 20 of 20 captures")


@pytest.mark.parametrize(
    ("rooms", "device", "courses"),
    [
        (1, "room 00", "c00"),
        (3, "room 00, room 01, room 02", "c00, c01, c02"),
        (4, "4 rooms", "c00, c01, c02 +1"),
        (31, "31 rooms", "c00, c01, c02 +28"),
    ],
)
def test_three_rooms_and_courses_are_named_and_more_are_counted(rooms, device, courses):
    registers = [_register({f"s{n}": 1.0}, device=f"room {n:02d}", course=f"c{n:02d}") for n in range(rooms)]
    sheet = _sheet(*registers[::-1])
    assert (sheet.device, sheet.columns[0].lesson.course) == (device, courses)
    lines = sheet.columns[0].note.splitlines()
    assert lines[0] == "room 00: c00, 20 of 20 captures"
    assert (len(lines), lines[-1]) == ((31, "and 1 more") if rooms == 31 else (rooms, lines[-1]))


def test_thirty_lessons_are_noted_each_by_itself():
    registers = [_register({f"s{n}": 1.0}, device=f"room {n:02d}", course="x") for n in range(30)]
    assert len(_sheet(*registers).columns[0].note.splitlines()) == 30


def test_a_room_with_a_name_twice_is_named_once():
    sheet = _sheet(_register({"a": 1.0}), _register({"a": 1.0}, hours=2))
    assert (sheet.device, len(sheet.columns)) == ("room 1", 2)


def test_the_third_lesson_of_an_hour_goes_where_it_fits():
    """a is in the first and the second lesson; the third has b only and shares the first column."""
    registers = [
        _register({"a": 1.0}, device="1", course="x"),
        _register({"a": 0.0}, device="2", course="y"),
        _register({"b": 1.0}, device="3", course="z"),
    ]
    sheet = _sheet(*registers)
    assert [column.lesson.course for column in sheet.columns] == ["x, z", "y"]
    assert [(row.student_id, [e and e.mark for e in row.entries]) for row in sheet.rows] == [
        ("a", ["P", "A"]),
        ("b", ["P", None]),
    ]


def test_columns_stand_by_time_then_room_and_a_minute_apart_is_another_time():
    registers = [
        _register({"b": 1.0}, hours=1 / 60),
        _register({"a": 1.0}, device="room 2", course="x"),
        _register({"a": 1.0}, device="room 1", course="y"),
    ]
    assert [column.lesson.course for column in _sheet(*registers).columns] == ["y", "x", "7b"]


def test_students_stand_in_the_order_of_the_names_and_others_follow_by_id():
    sheet = _sheet(_register(dict.fromkeys("cabd", 1.0)), names={"d": "Dee", "b": "Bo", "elsewhere": "Eve"})
    assert [(row.student_id, row.name) for row in sheet.rows] == [("d", "Dee"), ("b", "Bo"), ("a", ""), ("c", "")]


def test_a_sheet_is_named_by_its_week_or_month_in_the_schools_time():
    sunday = _register({"a": 1.0}, hours=24 * 6 + 17)  # Monday 01:00 in Berlin
    sheet = _sheet(sunday)
    assert (sheet.name, f"{sheet.first_day:%F}", f"{sheet.last_day:%F}") == ("2026-W48", "2026-11-23", "2026-11-27")
    sheet = _sheet(sunday, by="month")
    assert (sheet.name, f"{sheet.first_day:%F}", f"{sheet.last_day:%F}") == ("2026-11", "2026-11-01", "2026-11-30")


@pytest.mark.parametrize(
    ("day", "by", "first", "last"),
    [
        (datetime(2026, 11, 16, tzinfo=UTC), "week", "2026-11-16", "2026-11-22"),
        (datetime(2026, 11, 22, tzinfo=UTC), "week", "2026-11-16", "2026-11-22"),
        (datetime(2027, 1, 2, tzinfo=UTC), "week", "2026-12-28", "2027-01-03"),
        (datetime(2026, 11, 1, tzinfo=UTC), "month", "2026-11-01", "2026-11-30"),
        (datetime(2026, 12, 31, tzinfo=UTC), "month", "2026-12-01", "2026-12-31"),
        (datetime(2028, 2, 10, tzinfo=UTC), "month", "2028-02-01", "2028-02-29"),
        (datetime(2027, 2, 28, tzinfo=UTC), "month", "2027-02-01", "2027-02-28"),
    ],
)
def test_the_first_and_the_last_day(day, by, first, last):
    assert tuple(f"{one:%F}" for one in span(day, by)) == (first, last)


def test_weeks_belong_to_the_year_of_their_thursday():
    assert [period(datetime(2027, 1, day, tzinfo=UTC), "week") for day in (1, 3, 4)] == [
        "2026-W53",
        "2026-W53",
        "2027-W01",
    ]
    assert period(datetime(2027, 1, 1, tzinfo=UTC), "month") == "2027-01"


def test_a_rooms_own_sheet_names_its_devices_and_lessons():
    registers = [_register({"a": 1.0}, device="b"), _register({"a": 1.0}, device="a", hours=1, captures=10)]
    (sheet,) = arrange(registers, {}, BERLIN, "week")
    assert sheet.device == "a, b"
    assert [(c.lesson.device, c.captures_taken, c.captures_planned, c.note) for c in sheet.columns] == [
        ("b", 20, 20, ""),
        ("a", 10, 10, ""),
    ]
    assert [f"{c.start:%H:%M}-{c.end:%H:%M}" for c in sheet.columns] == ["08:00-08:45", "09:00-09:45"]


def test_the_days_of_a_rooms_own_sheet_are_those_of_the_school():
    """Sunday evening in UTC is Monday in Auckland."""
    sunday = _register({"a": 1.0}, hours=24 * 6 + 15)
    (sheet,) = arrange([sunday], {}, ZoneInfo("Pacific/Auckland"), "week")
    assert (sheet.name, f"{sheet.first_day:%F %H}", f"{sheet.last_day:%F}") == (
        "2026-W48",
        "2026-11-23 11",
        "2026-11-27",
    )


def test_lessons_of_one_instant_stand_by_their_id():
    one, two = _register({"a": 1.0}, device="b", course="x"), _register({"a": 1.0}, device="a", course="y")
    expected = sorted([one.lesson.lesson_id, two.lesson.lesson_id])
    for registers in ([one, two], [two, one]):
        (sheet,) = arrange(registers, {}, BERLIN, "week")
        assert [c.lesson.lesson_id for c in sheet.columns] == expected


def test_a_sheet_has_the_part_and_the_week_that_it_is_asked_for():
    """Sunday belongs to the next week of a school whose week begins on Sunday."""
    sunday = _register({"a": 1.0}, hours=24 * 6)
    assert term_sheet([sunday], {}, BERLIN, "week").part == ""
    sheet = term_sheet([sunday], {}, BERLIN, "week", school_week("sunday", ["friday", "saturday"]), "7b")
    assert (sheet.name, sheet.part) == ("2026-W48", "7b")
    assert (f"{sheet.first_day:%F}", f"{sheet.last_day:%F}") == ("2026-11-22", "2026-11-26")


def test_a_shared_column_has_the_rules_of_its_lessons_once_each():
    other = replace(APPLIED, share=0.5)
    registers = [_register({name: 1.0}, device=f"room {name}") for name in "abc"]
    ruled = [replace(one, rule=rule) for one, rule in zip(registers, (APPLIED, other, APPLIED), strict=True)]
    (column,) = _sheet(*ruled).columns
    assert column.rules == (rule_in_words(APPLIED), rule_in_words(other))


# --- months ---


def _flagged(register: Register, **flags: str) -> Register:
    verdicts = [replace(v, flags=tuple(filter(None, [flags.get(v.tally.student_id)]))) for v in register.verdicts]
    return replace(register, verdicts=tuple(verdicts))


def _months(*registers: Register) -> Months:
    months = Months(BERLIN)
    for register in registers:
        months.add(register)
    return months


def test_marks_and_tardy_and_early_departures_are_counted():
    register = _flagged(_register({"a": 1.0, "b": 1.0, "c": 0.0}), a="late", b="left_early")
    months = _months(register, _register({"a": 1.0}, hours=1))
    assert months.counts == {
        ("a", "2026-11"): Counter({"P": 2, "Tardy": 1}),
        ("b", "2026-11"): Counter({"P": 1, "Early departure": 1}),
        ("c", "2026-11"): Counter({"A": 1}),
    }


def test_a_month_begins_at_midnight_of_the_school():
    end_of_november = 24 * 14 + 16  # 30 November, 23:00 UTC
    months = _months(_register({"a": 1.0}, hours=end_of_november))
    assert months.months == {"2026-12"}


def test_the_counts_of_an_unknown_student_are_empty():
    months = _months(_register({"a": 1.0}), _register({"a": 0.0}, hours=24 * 20))
    assert months.of("a", "2026-10") == months.of("nobody", "2026-11") == Counter()
    assert months.total("a") == Counter({"P": 1, "A": 1})
    assert months.total("nobody") == Counter()


def test_each_student_who_was_counted_is_listed_once():
    months = _months(_register({"b": 1.0, "a": 1.0, "c": 1.0}), _register({"a": 0.0}, hours=24 * 20))
    assert months.students({"c": "Cy", "elsewhere": "Eve"}) == ["c", "a", "b"]


def test_an_event_has_the_schools_time_and_its_lesson():
    register = _flagged(_register({"a": 1.0, "b": 0.0, "c": 1.0}), a="late")
    events = list(events_of(register, BERLIN))
    assert [(e.student_id, e.event) for e in events] == [("a", "Tardy"), ("b", "Unexcused Absence")]
    assert (f"{events[0].start:%F %H:%M}", f"{events[0].end:%H:%M}") == ("2026-11-16 08:00", "08:45")
    assert events[0].lesson == register.lesson
    assert events[0].entry == entries_of(register)["a"]


def test_every_tardy_of_a_month_counts():
    registers = [_flagged(_register({"a": 1.0}, hours=hours), a="late") for hours in (0, 1, 2)]
    assert _months(*registers).counts == {("a", "2026-11"): Counter({"P": 3, "Tardy": 3})}


def test_a_lesson_that_was_not_as_usual_says_so_at_its_column():
    dark = replace(_register({"a": 1.0}, course="b"), register_flags=("too_dark",))
    (column,) = _sheet(dark).columns
    assert column.note == "room 1: b, 20 of 20 captures, too dark"


def test_the_days_of_a_terms_sheet_are_those_of_the_school():
    """Sunday evening in UTC is Monday in Auckland."""
    sunday = _register({"a": 1.0}, hours=24 * 6 + 15)
    sheet = term_sheet([sunday], {}, ZoneInfo("Pacific/Auckland"), "week")
    assert (sheet.name, f"{sheet.first_day:%F}", f"{sheet.last_day:%F}") == ("2026-W48", "2026-11-23", "2026-11-27")
