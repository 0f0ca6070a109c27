"""The column headings of a sheet: day, times and course of each lesson; dates and times are real cell values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Final

from edge_daemon.attendance.sheets import Column, Sheet

HEAD_ROWS: Final = 5
"""Number of rows of column headings: weekday, date, start, end, course."""
DATE, TIME, MOMENT = "yyyy-mm-dd", "hh:mm", "yyyy-mm-dd hh:mm"
"""Number formats of cells with a day, a time of day, and both."""
_FORMATS: Final = ("ddd", DATE, TIME, TIME, "General")
_LABELS: Final = ("Weekday", "Date", "Start", "End", "Name")
_FIRST_YEAR: Final = 1900
"""Spreadsheet programs count days from this year."""

HeadStyles = Mapping[tuple[bool, int], Any]
"""Maps a pair (whether the lesson is a rehearsal, the row of the heading) to the format of the heading."""


def head_styles(book: Any, head: Mapping[str, Any], rehearsal: Mapping[str, Any]) -> HeadStyles:
    """Return the formats of column headings; `head` and `rehearsal` are their base formats."""
    return {
        (is_rehearsal, row): book.add_format({**look, "num_format": form})
        for is_rehearsal, look in ((False, head), (True, rehearsal))
        for row, form in enumerate(_FORMATS)
    }


def label_of(row: int) -> str:
    """Return the label at the left of a row of column headings."""
    return _LABELS[row]


def lesson_head(column: Column, row: int) -> date | time | str:
    """Return what one row of the headings shows for a lesson: its date, its start, its end or its course."""
    has_times = column.end > column.start
    if row < 2:
        return column.start.date()
    if row == 2:
        return column.start.time() if has_times else "no clock"
    if row == 3:
        return column.end.time() if has_times else ""
    return course_head(column)


def course_head(column: Column) -> str:
    """Return the course of a lesson, marked if it is a rehearsal."""
    rehearsal = " (rehearsal)" if column.lesson.origin == "rehearsal" else ""
    return (column.lesson.course + rehearsal).strip() or "all"


def lesson_width(sheet: Sheet) -> float:
    """Return a column width in characters that fits a date, and most courses with breaks between words."""
    longest = max((len(word) for column in sheet.columns for word in course_head(column).split()), default=0)
    return max(11.0, min(14.0, longest + 1.5))


def head_lines(sheet: Sheet) -> tuple[int, ...]:
    """Return how many lines of text each row of column headings needs."""
    longest = max((len(course_head(column)) for column in sheet.columns), default=0)
    return 1, 1, 1, 1, max(1, min(6, -int(-longest // (lesson_width(sheet) - 1.5))))


def put_when(page: Any, row: int, column: int, when: date | time, style: Any) -> None:
    """Write a day, a time of day or both as a number with a format; before 1900 as text."""
    if isinstance(when, date) and when.year < _FIRST_YEAR:
        page.write_string(row, column, when.isoformat(), style)
        return
    plain = when.replace(tzinfo=None, second=0, microsecond=0) if isinstance(when, (datetime, time)) else when
    page.write_datetime(row, column, plain, style)
