"""Writes the workbook page with each student's distance to the rule in each lesson: one line each, for filtering.

The distance is the number of captures above those that the rule requires; it is negative below them. Registers that do
not state their rule are left out. If no register states it, there is no page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import Any, Final

from edge_daemon.attendance.sheet_heads import DATE, TIME, put_when
from edge_daemon.attendance.sheet_styles import Styles, safe
from edge_daemon.attendance.sheets import Column, Sheet, SheetEntry, SheetRow

_MOST_ROWS: Final = 1_000_000
"""Largest number of rows of a page; with its headings a page stays below the limit of spreadsheet programs."""
_HEADS: Final = (
    *(("Date", 11), ("Start", 7), ("End", 7), ("Room", 14), ("Course", 16), ("Student id", 13), ("Name", 26)),
    *(("Mark", 6), ("Facing the class", 10), ("Pictures", 9), ("Needed", 9), ("Distance", 9)),
)
_TEXTS: Final = 8
"""Number of columns before the numeric ones."""

_Line = tuple[Column, SheetRow, SheetEntry]


def write_distances(pages: Any, sheets: Iterable[Sheet], styles: Styles) -> None:
    """Write the page, or pages, of all sheets of a workbook; none if no register states its rule."""
    lines = _lines(sheets)
    for number in count(1):
        part = list(islice(lines, _MOST_ROWS))
        if not part:
            return
        page = pages.add_worksheet("Distance" if number == 1 else f"Distance {number}")
        _write_heads(page, styles)
        for at, line in enumerate(part, 1):
            _write_line(page, at, line, styles)
        page.autofilter(0, 0, len(part), len(_HEADS) - 1)


def _lines(sheets: Iterable[Sheet]) -> Iterator[_Line]:
    for sheet in sheets:
        for number, column in enumerate(sheet.columns):
            for row in sheet.rows:
                entry = row.entries[number]
                if entry is not None and entry.distance is not None:
                    yield column, row, entry


def _write_heads(page: Any, styles: Styles) -> None:
    for column, (head, width) in enumerate(_HEADS):
        page.set_column(column, column, width)
        page.write_string(0, column, head, styles.head if column >= _TEXTS else styles.head_left)
    note = (
        "Needed: in so many of the pictures the rule of the lesson asks a student to face the class."
        " Distance: pictures over it, or, below zero, short of it."
    )
    page.write_comment(0, len(_HEADS) - 1, note, {"x_scale": 2.2, "author": "edge-daemon", "font_size": 9})
    page.set_row(0, 30)
    page.freeze_panes(1, 0)
    page.hide_gridlines(2)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.set_footer("&L&8&A&R&8page &P of &N")


def _write_line(page: Any, at: int, line: _Line, styles: Styles) -> None:
    column, row, entry = line
    put_when(page, at, 0, column.start.date(), styles.dates[DATE])
    if column.end > column.start:
        put_when(page, at, 1, column.start.time(), styles.dates[TIME])
        put_when(page, at, 2, column.end.time(), styles.dates[TIME])
    lesson = column.lesson
    for place, text in enumerate((lesson.device, lesson.course, row.student_id, row.name, entry.mark), 3):
        page.write_string(at, place, safe(text), styles.text)
    facing = entry.verdict.tally.captures_attentive
    for place, number in enumerate((facing, entry.captures_taken, entry.needed or 0), _TEXTS):
        page.write_number(at, place, number, styles.number)
    page.write_number(at, _TEXTS + 3, entry.distance, styles.signed)
