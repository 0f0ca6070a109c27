"""A term's workbook: rooms that need attention, months, Ed-Fi events, a sheet for each week, documents left out.

Pages are written from top to bottom with their data on disk, so a term of a large school needs little memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, Final

from edge_daemon.attendance.edfi import LEFT, TARDY
from edge_daemon.attendance.remarks import remark
from edge_daemon.attendance.sheet_heads import DATE, MOMENT, TIME, put_when
from edge_daemon.attendance.sheet_styles import safe
from edge_daemon.attendance.sheets import Sheet
from edge_daemon.attendance.spreadsheet import Workbook, workbook, write_sheet
from edge_daemon.attendance.term import Months, TermLesson
from edge_daemon.errors import RegisterError

_MOST_ROWS: Final = 1_048_576
_MOST_COLUMNS: Final = 16_000
_MOST_PAGES: Final = 400
"""Largest number of pages of a book, because each page keeps a file open until the book is finished."""
_LONG: Final = 60
"""Column width above which text is wrapped."""
_LINE_HEIGHT: Final = 16
_MOST_LINES: Final = 20

_SEVERITY: Final[Mapping[str, tuple[str, str]]] = {
    "faulty": ("#FBE0DD", "#A32A1E"),
    "silent": ("#FBE0DD", "#A32A1E"),
    "late": ("#FFF1CC", "#8A5A00"),
    "well": ("#E3F3E6", "#1E6B34"),
}
_EVENT_HEADS: Final = (
    *("Date", "Start", "End", "Room", "Course", "Student id", "Name", "Ed-Fi attendance event", "Share", "Flags"),
    *("Corrected by", "Note", "Lesson id", "Facing the class", "Needed", "Distance"),
)
_EVENT_WIDTHS: Final = (11, 7, 7, 14, 14, 13, 26, 24, 8, 20, 18, 50, 38, 10, 9, 9)

Cell = str | int | float | date | time | None
"""A number, a text, a day, a time of day, or a day with its time."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A page of plain rows; text stays text even if it looks like a formula."""

    heads: Sequence[str]
    widths: Sequence[float]
    rows: Iterable[Sequence[Cell]]
    remarks: Sequence[str] = ()
    """Lines above the column headings."""


class TermBook:
    """The pages of a term, which may be written in any order.

    Args:
        book: a workbook that is written row by row.
        periods: names of the weeks or months, in order.
        with_problems: whether there is a page of documents left out.
    """

    def __init__(self, book: Workbook, periods: Sequence[str], *, with_problems: bool) -> None:
        self._book = book
        names = ("Rooms", *(("Left out",) if with_problems else ()), "Months", "Events", *periods)
        self._pages: dict[str, Any] = {name: book.pages.add_worksheet(name) for name in names}
        self._base = {"font_name": "Calibri", "font_size": 11, "font_color": "#1F2933", "valign": "vcenter"}
        self._number = book.pages.add_format(
            {**self._base, "align": "center", "bottom": 1, "bottom_color": "#D5DAE0", "num_format": "General"}
        )
        self._wrapped = book.pages.add_format({**self._base, "text_wrap": True, "bottom": 1, "bottom_color": "#D5DAE0"})
        self._events_at, self._events_pages = 1, 1
        self._events = self._pages["Events"]
        self._begin_events()

    def rooms(self, cells: Cells, severities: Sequence[str]) -> None:
        """Write the page of rooms; `severities` has one value for each row."""
        self._write("Rooms", cells, first_column=[self._format(severity) for severity in severities])

    def left_out(self, cells: Cells) -> None:
        """Write the page of documents that were left out."""
        self._write("Left out", cells)

    def sheet(self, sheet: Sheet) -> None:
        """Write a week or month; a sheet of a class or room gets its own page.

        Raises:
            RegisterError: the sheet has more columns than a page may have, or the workbook would have too many pages.
        """
        if len(sheet.columns) > _MOST_COLUMNS:
            hint = "collect the rooms in several parts, or write .csv"
            raise RegisterError(f"has {len(sheet.columns)} columns, more than a sheet may", sheet.name, hint)
        if not sheet.part:
            write_sheet(self._pages[sheet.name], sheet, self._book.styles)
            return
        if len(self._book.pages.worksheets()) >= _MOST_PAGES:
            hint = "use --by month, or --since with a later day"
            raise RegisterError(f"would need more than {_MOST_PAGES} pages", f"{sheet.name} {sheet.part}", hint)
        self._book.add_sheet(sheet)

    def event(self, event: TermLesson, name: str) -> None:
        """Append an event; a full page is followed by another one."""
        if self._events_at >= _MOST_ROWS:
            self._end_events()
            self._events_pages += 1
            self._events, self._events_at = self._book.pages.add_worksheet(f"Events {self._events_pages}"), 1
            self._begin_events()
        entry, lesson = event.entry, event.lesson
        correction = entry.correction
        facing = entry.verdict.tally.captures_attentive if entry.distance is not None else None
        cells: Sequence[Cell] = (
            *(event.start.date(), event.start.time(), event.end.time(), lesson.device, lesson.course),
            *(event.student_id, name, event.event, round(entry.verdict.share, 4), " ".join(entry.verdict.flags)),
            *(correction.by if correction else "", remark(entry).replace("\n", "; "), lesson.lesson_id),
            *(facing, entry.needed, entry.distance),
        )
        styles = self._book.styles
        looks = {0: styles.dates[DATE], 1: styles.dates[TIME], 2: styles.dates[TIME], 8: styles.percent}
        looks[len(cells) - 1] = styles.signed
        for column, cell in enumerate(cells):
            _put(self._events, self._events_at, column, cell, looks.get(column))
        self._events_at += 1

    def months(self, months: Months, names: Mapping[str, str]) -> None:
        """Write the page of all students, by month and in total."""
        periods = sorted(months.months)
        heads = ["Name", "Student id"]
        for name in ("Term", *periods):
            heads += [f"{name}\n{word}" for word in ("present %", "present", "absent", "tardy", "left early", "open")]
        rows = (self._month_row(months, one, names.get(one, ""), periods) for one in months.students(names))
        remarks = ("Present % is of the lessons that were decided. Open: to confirm, or not assessed.",)
        self._write("Months", Cells(heads, (24, 14, *(10 for _ in heads[2:])), rows, remarks), frozen_columns=2)

    def _month_row(self, months: Months, student_id: str, name: str, periods: Sequence[str]) -> Sequence[Cell]:
        cells: list[Cell] = [name, student_id]
        for count in (months.total(student_id), *(months.of(student_id, period) for period in periods)):
            decided = count["P"] + count["A"]
            share = round(count["P"] / decided, 4) if decided else None
            cells += [share, count["P"], count["A"], count[TARDY], count[LEFT], count["?"] + count["–"]]
        return cells

    def _begin_events(self) -> None:
        page, styles = self._events, self._book.styles
        page.set_row(0, 20)
        for column, (head, width) in enumerate(zip(_EVENT_HEADS, _EVENT_WIDTHS, strict=True)):
            page.set_column(column, column, width)
            page.write_string(0, column, head, styles.head_left)
        page.freeze_panes(1, 0)
        _set_print(page, 0)

    def _write(self, name: str, cells: Cells, *, first_column: Sequence[Any] = (), frozen_columns: int = 1) -> None:
        page, styles = self._pages[name], self._book.styles
        for column, width in enumerate(cells.widths):
            page.set_column(column, column, width)
        page.set_row(0, 26)
        page.write_string(0, 0, f"Attendance · {name}", styles.title)
        for number, text in enumerate(cells.remarks, 1):
            page.write_string(number, 0, safe(text), styles.quiet)
        at = len(cells.remarks) + 2
        page.set_row(at, 32)
        for column, head in enumerate(cells.heads):
            page.write_string(at, column, safe(head), styles.head if column >= frozen_columns else styles.head_left)
        page.freeze_panes(at + 1, frozen_columns)
        _set_print(page, at)
        last = at
        for number, row in enumerate(cells.rows):
            if at + 1 + number >= _MOST_ROWS:
                break
            last = at + 1 + number
            page.set_row(last, _LINE_HEIGHT * _lines(row, cells.widths))
            for column, cell in enumerate(row):
                style = self._style(cells, column, cell)
                if column == 0 and number < len(first_column):
                    style = first_column[number]
                _put(page, last, column, cell, style)
        if last > at:
            page.autofilter(at, 0, last, len(cells.heads) - 1)

    def _style(self, cells: Cells, column: int, cell: Cell) -> Any:
        if "%" in cells.heads[column]:
            return self._book.styles.percent
        if isinstance(cell, date):
            return self._book.styles.dates[MOMENT]
        if isinstance(cell, (int, float)):
            return self._number
        return self._wrapped if cells.widths[column] > _LONG else self._book.styles.text

    def _format(self, severity: str) -> Any:
        ground, ink = _SEVERITY[severity]
        return self._book.pages.add_format({**self._base, "bold": True, "bg_color": ground, "font_color": ink})

    def close(self) -> None:
        """Finish the pages after all data is written."""
        self._end_events()

    def _end_events(self) -> None:
        if self._events_at > 1:
            self._events.autofilter(0, 0, self._events_at - 1, len(_EVENT_HEADS) - 1)


@contextmanager
def term_book(path: Path, periods: Sequence[str], *, with_problems: bool) -> Iterator[TermBook]:
    """Open the book of a term, yield it, and close it; raises OSError if the file can't be written."""
    with workbook(path, row_by_row=True) as book:
        pages = TermBook(book, periods, with_problems=with_problems)
        yield pages
        pages.close()


def _lines(row: Sequence[Cell], widths: Sequence[float]) -> int:
    """Return how many lines a row needs. Spreadsheet programs do not compute this for rows written one by one."""
    long = [
        len(cell) / width for cell, width in zip(row, widths, strict=True) if isinstance(cell, str) and width > _LONG
    ]
    return max(1, min(_MOST_LINES, 1 + int(max(long, default=0.0))))


def _set_print(page: Any, head_row: int) -> None:
    page.hide_gridlines(2)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(head_row)
    page.set_footer("&L&8&A&R&8page &P of &N")


def _put(page: Any, row: int, column: int, cell: Cell, style: Any) -> None:
    if cell is None or cell == "":
        page.write_blank(row, column, None, style)
    elif isinstance(cell, (date, time)):
        put_when(page, row, column, cell, style)
    elif isinstance(cell, str):
        page.write_string(row, column, safe(cell), style)
    else:
        page.write_number(row, column, cell, style)
