"""A page to print and fill in by hand, with the students who were not assessed in a lesson."""

from __future__ import annotations

from typing import Any, Final

from edge_daemon.attendance.sheet_heads import DATE, TIME, put_when
from edge_daemon.attendance.sheet_styles import Styles, safe
from edge_daemon.attendance.sheets import Sheet

_HEADS: Final = (("Name", 30), ("Student id", 14), ("Present", 10), ("Absent", 10), ("Late", 10), ("Note", 28))
_BOX: Final = "☐"
_HEAD_ROW: Final = 3


def has_unassessed(sheet: Sheet) -> bool:
    """Return whether the sheet's first lesson has unassessed students."""
    return any(row.entries[0] is not None and row.entries[0].mark == "–" for row in sheet.rows)


def write_tick_list(pages: Any, sheet: Sheet, styles: Styles) -> None:
    """Add the page for a sheet of one lesson."""
    page, column = pages.add_worksheet("Tick list"), sheet.columns[0]
    page.set_row(0, 26)
    page.write_string(0, 0, safe(f"Tick list · {column.lesson.course or 'all'} · {sheet.device}"), styles.title)
    put_when(page, 1, 0, column.start.date(), styles.dates[DATE])
    put_when(page, 1, 1, column.start.time(), styles.dates[TIME])
    put_when(page, 1, 2, column.end.time(), styles.dates[TIME])
    page.write_string(2, 0, "The device did not assess these students. Filled in by, on:", styles.quiet)
    page.set_row(_HEAD_ROW, 20)
    for place, (head, width) in enumerate(_HEADS):
        page.set_column(place, place, width)
        page.write_string(_HEAD_ROW, place, head, styles.head if 1 < place < 5 else styles.head_left)
    at = _HEAD_ROW
    for row in sheet.rows:
        entry = row.entries[0]
        if entry is None or entry.mark != "–":
            continue
        at += 1
        page.set_row(at, 26)
        page.write_string(at, 0, safe(row.name), styles.text)
        page.write_string(at, 1, safe(row.student_id), styles.text)
        for place in (2, 3, 4):
            page.write_string(at, place, _BOX, styles.mark)
        page.write_blank(at, 5, None, styles.text)
    _set_print(page, at)


def _set_print(page: Any, last_row: int) -> None:
    page.hide_gridlines(2)
    page.set_portrait()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(_HEAD_ROW)
    page.print_area(0, 0, last_row, len(_HEADS) - 1)
    page.set_footer("&L&8&A&R&8page &P of &N")
