"""The heads of a lesson: day, times and course, their content without a clock, and their width and height."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timezone

import pytest

from edge_daemon.attendance import sheet_heads
from edge_daemon.attendance.sheets import Column, Sheet
from tests.registers import START, a_lesson


def column(course: str = "7b", origin: str = "timetable", minutes: int = 45) -> Column:
    lesson = a_lesson(course=course, origin=origin, minutes=minutes)
    return Column(lesson, lesson.start, lesson.end, 20, 20)


def sheet(*courses: str) -> Sheet:
    return Sheet("2026-W47", START, START, "room 204", tuple(column(course) for course in courses), ())


def test_a_lesson_has_its_day_twice_its_times_and_its_course():
    heads = [sheet_heads.lesson_head(column(), row) for row in range(sheet_heads.HEAD_ROWS)]
    assert heads == [date(2026, 11, 16), date(2026, 11, 16), time(7), time(7, 45), "7b"]
    assert [sheet_heads.label_of(row) for row in range(5)] == ["Weekday", "Date", "Start", "End", "Name"]


def test_a_lesson_without_a_clock_has_no_times():
    assert [sheet_heads.lesson_head(column(minutes=0), row) for row in (2, 3)] == ["no clock", ""]


@pytest.mark.parametrize(
    ("course", "origin", "head"),
    [
        *(("7b", "timetable", "7b"), ("", "timetable", "all")),
        *(("7b", "rehearsal", "7b (rehearsal)"), ("", "rehearsal", "(rehearsal)")),
    ],
)
def test_the_course_of_a_rehearsal_says_so(course, origin, head):
    assert sheet_heads.course_head(column(course, origin)) == head


@pytest.mark.parametrize(
    ("courses", "width", "lines"),
    [
        *(((), 11.0, 1), (("7b",), 11.0, 1), (("a" * 10,), 11.5, 1), (("a" * 12,), 13.5, 1), (("a" * 13,), 14.0, 2)),
        *((("a" * 75,), 14.0, 6), (("a" * 500,), 14.0, 6), (("7b", "an advanced course"), 11.0, 2)),
    ],
)
def test_a_column_is_11_to_14_characters_wide_and_its_course_has_six_lines_at_most(courses, width, lines):
    assert sheet_heads.lesson_width(sheet(*courses)) == width
    assert sheet_heads.head_lines(sheet(*courses)) == (1, 1, 1, 1, lines)


class Page:
    """Records what is written to it."""

    def __init__(self) -> None:
        self.written: list[tuple[object, ...]] = []

    def write_string(self, *what: object) -> None:
        self.written.append(("text", *what))

    def write_datetime(self, *what: object) -> None:
        self.written.append(("time", *what))


@pytest.mark.parametrize(
    ("when", "kind", "written"),
    [
        (date(2026, 11, 16), "time", date(2026, 11, 16)),
        (time(8, 15, 59, 9), "time", time(8, 15)),
        (datetime(2026, 11, 16, 8, 15, 59, 9, timezone.utc), "time", datetime(2026, 11, 16, 8, 15)),  # noqa: DTZ001
        (date(1900, 1, 1), "time", date(1900, 1, 1)),
        (date(1899, 12, 31), "text", "1899-12-31"),
    ],
)
def test_a_time_is_a_number_to_the_minute_and_a_day_before_1900_is_text(when, kind, written):
    formats = sheet_heads.DATE, sheet_heads.TIME, sheet_heads.MOMENT
    assert formats == ("yyyy-mm-dd", "hh:mm", "yyyy-mm-dd hh:mm")
    page = Page()
    sheet_heads.put_when(page, 3, 4, when, "style")
    assert page.written == [(kind, 3, 4, written, "style")]


def test_a_lesson_whose_end_is_its_start_has_no_clock_and_a_minute_later_it_has():
    lesson = column(minutes=0)
    later = replace(lesson, end=lesson.start.replace(minute=1))
    assert [sheet_heads.lesson_head(one, 3) for one in (lesson, later)] == ["", time(7, 1)]
