"""Sheets as an XLSX file that an office can read, filter, print and correct by hand.

Marks are plain letters and totals are formulas, so that a mark which somebody changes is counted and coloured anew.
Whatever came from a roster is written as text, never as a formula or a number.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.utility import xl_range, xl_rowcol_to_cell

from edge_daemon.attendance.remarks import remark
from edge_daemon.attendance.sheets import MARKS, Column, Sheet, SheetEntry, SheetRow
from edge_daemon.plain_text import without_overrides

_FIRST_LESSON = 2
"""Column of the first lesson; before it stand name and student id."""
_HEAD_ROW = 5
"""First of three rows of heads: day, time, course."""
_FIRST_STUDENT = _HEAD_ROW + 3
_MOST_CHARACTERS = 32_767
"""Of a cell, by Excel's limits."""

_COLOURS: Final[Mapping[str, tuple[str, str, str]]] = {
    "P": ("#E3F3E6", "#1E6B34", "present"),
    "A": ("#FBE0DD", "#A32A1E", "absent"),
    "?": ("#FFF1CC", "#8A5A00", "to be confirmed (P? and A?: the device has doubts)"),
    "–": ("#ECEEF1", "#5B6470", "not assessed"),
}
"""Mark to its ground, its ink and its meaning."""
_TOTALS = (*MARKS.values(), "Present %")
_LINE, _INK, _QUIET, _HEAD = "#D5DAE0", "#1F2933", "#6B7682", "#24405C"


@dataclass(frozen=True, slots=True)
class Styles:
    """The cell formats of a workbook by their part."""

    title: Any
    quiet: Any
    head: Any
    head_left: Any
    head_rehearsal: Any
    text: Any
    mark: Any
    mark_look: Any
    mark_corrected: Any
    count: Any
    percent: Any
    foot: Any
    foot_percent: Any
    foot_text: Any
    by_mark: Mapping[str, Any]
    by_letter: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook that is being written."""

    pages: Any
    """What xlsxwriter calls the workbook: it gives pages."""
    styles: Styles


@contextmanager
def workbook(path: Path | io.BytesIO, *, row_by_row: bool = False) -> Iterator[Workbook]:
    """Give a workbook, and close it.

    Args:
        path: where; it is not the user's place yet but a part file that is moved there, see `export`. In memory:
            nothing of it touches the disk.
        row_by_row: each page is written from its top downwards, and kept on the disk: for a whole term.

    Raises:
        OSError: the file can't be written.
    """
    in_memory = isinstance(path, io.BytesIO)
    settings = {"strings_to_formulas": False, "strings_to_urls": False, "constant_memory": row_by_row}
    book = xlsxwriter.Workbook(path if in_memory else str(path), {**settings, "in_memory": in_memory})
    book.set_properties({"title": "Attendance", "comments": "Written by edge-daemon"})
    try:
        yield Workbook(book, _styles(book))
    finally:
        try:
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise OSError(*error.args) from error


def write_workbook(path: Path, sheets: Iterable[Sheet]) -> None:
    """Write an XLSX file of at least one sheet; as `workbook`."""
    with workbook(path) as book:
        for sheet in sheets:
            write_sheet(book.pages.add_worksheet(sheet.name), sheet, book.styles)


def workbook_bytes(sheets: Iterable[Sheet]) -> bytes:
    """Return an XLSX file of at least one sheet, which was never on a disk: for a message."""
    content = io.BytesIO()
    with workbook(content) as book:
        for sheet in sheets:
            write_sheet(book.pages.add_worksheet(sheet.name), sheet, book.styles)
    return content.getvalue()


def write_sheet(page: Any, sheet: Sheet, styles: Styles) -> None:
    """Write a sheet to a page, from its top downwards."""
    _write_title(page, sheet, styles)
    _write_heads(page, sheet, styles)
    for number, row in enumerate(sheet.rows):
        _write_student(page, _FIRST_STUDENT + number, row, len(sheet.columns), styles)
    if sheet.rows:
        _write_foot(page, sheet, styles)
        _colour(page, sheet, styles)
    _set_view(page, sheet)
    _set_print(page, sheet)


def _write_title(page: Any, sheet: Sheet, styles: Styles) -> None:
    first, last = sheet.first_day, sheet.last_day
    page.set_row(0, 26)
    page.write_string(0, 0, safe(f"Attendance · {sheet.device}"), styles.title)
    page.write_string(1, 0, f"{sheet.name} · {first.day} {first:%b %Y} – {last.day} {last:%b %Y}", styles.quiet)
    # The legend wears the letters that it explains.
    legend: list[Any] = []
    for mark, (_, _, meaning) in _COLOURS.items():
        legend += [styles.by_letter[mark], mark, styles.quiet, f" {meaning}    "]
    page.write_rich_string(2, 0, *legend, styles.quiet)
    page.write_string(
        3, 0, "dashed frame: look again, see the note    solid frame: corrected by hand, see the note", styles.quiet
    )


def _write_heads(page: Any, sheet: Sheet, styles: Styles) -> None:
    page.set_row(_HEAD_ROW - 1, 6)
    for row, lines in enumerate(_head_lines(sheet)):
        page.set_row(_HEAD_ROW + row, 12.5 * lines + 5)
    heads = [_heads(column) for column in sheet.columns]
    for row, (name, student_id, total) in enumerate((("", "", "Total"), ("", "", ""), ("Name", "Student id", ""))):
        at = _HEAD_ROW + row
        page.write_string(at, 0, name, styles.head_left)
        page.write_string(at, 1, student_id, styles.head_left)
        for number, column in enumerate(sheet.columns):
            style = styles.head if column.lesson.origin == "timetable" else styles.head_rehearsal
            page.write_string(at, _FIRST_LESSON + number, safe(heads[number][row]), style)
            if row == 0:  # now: nothing can be added to a row that is done
                page.write_comment(at, _FIRST_LESSON + number, _note(column), _note_size(_note(column)))
        for number, text in enumerate(_TOTALS):
            words = text if row == 2 else total if number == 0 else ""
            page.write_string(at, _FIRST_LESSON + len(sheet.columns) + number, words, styles.head)


def _note(column: Column) -> str:
    text = column.note or f"{column.lesson.lesson_id}\n{column.captures_taken} of {column.captures_planned} captures"
    return safe(text)


def _heads(column: Column) -> tuple[str, str, str]:
    rehearsal = " (rehearsal)" if column.lesson.origin == "rehearsal" else ""
    return (
        f"{column.start:%a}\n{column.start.day} {column.start:%b}",
        f"{column.start:%H:%M}–\n{column.end:%H:%M}" if column.end > column.start else "no\nclock",
        (column.lesson.course + rehearsal).strip() or "all",
    )


def _lesson_width(sheet: Sheet) -> float:
    """Return a width in characters in which most courses break between words."""
    longest = max((len(word) for c in sheet.columns for text in _heads(c) for word in text.split()), default=0)
    return max(7.5, min(14.0, longest + 1.5))


def _head_lines(sheet: Sheet) -> tuple[int, int, int]:
    """Return the lines of text that each row of heads needs."""
    longest = max((len(_heads(column)[2]) for column in sheet.columns), default=0)
    return 2, 2, max(1, min(6, -int(-longest // (_lesson_width(sheet) - 1.5))))


def _write_student(page: Any, at: int, row: SheetRow, columns: int, styles: Styles) -> None:
    page.set_row(at, 18)
    page.write_string(at, 0, safe(row.name), styles.text)
    page.write_string(at, 1, safe(row.student_id), styles.text)
    for number, entry in enumerate(row.entries):
        place = _FIRST_LESSON + number
        if entry is None:
            page.write_blank(at, place, None, styles.mark)
            continue
        page.write_string(at, place, entry.mark, _mark_style(entry, styles))
        if note := remark(entry):
            page.write_comment(at, place, safe(note), _note_size(note))
    marks = [entry.counted for entry in row.entries if entry is not None]
    cells = xl_range(at, _FIRST_LESSON, at, _FIRST_LESSON + columns - 1)
    counts = {mark: marks.count(mark) for mark in MARKS.values()}
    first = _FIRST_LESSON + columns
    for number, (mark, count) in enumerate(counts.items()):
        page.write_formula(at, first + number, _count_of(cells, mark), styles.count, count)
    decided = counts["P"] + counts["A"]
    share = counts["P"] / decided if decided else ""
    present, absent = xl_rowcol_to_cell(at, first), xl_rowcol_to_cell(at, first + 1)
    page.write_formula(at, first + len(counts), _share_of(present, absent), styles.percent, share)


def _write_foot(page: Any, sheet: Sheet, styles: Styles) -> None:
    """Totals of each lesson, under the last student."""
    end = _FIRST_STUDENT + len(sheet.rows)
    marks = [
        [entry.mark for row in sheet.rows if (entry := row.entries[number]) is not None]
        for number in range(len(sheet.columns))
    ]
    for number, label in enumerate(("Present", "Absent", "Present of those decided")):
        page.set_row(end + number, 18)
        page.write_string(end + number, 0, label, styles.foot_text)
        page.write_blank(end + number, 1, None, styles.foot_text)
        for place, found in enumerate(marks, _FIRST_LESSON):
            present, absent = found.count("P"), found.count("A")
            if number < 2:
                formula = _count_of(xl_range(_FIRST_STUDENT, place, end - 1, place), "PA"[number])
                page.write_formula(end + number, place, formula, styles.foot, (present, absent)[number])
            else:
                share = present / (present + absent) if present + absent else ""
                formula = _share_of(xl_rowcol_to_cell(end, place), xl_rowcol_to_cell(end + 1, place))
                page.write_formula(end + number, place, formula, styles.foot_percent, share)


def _colour(page: Any, sheet: Sheet, styles: Styles) -> None:
    last_row, last_lesson = _FIRST_STUDENT + len(sheet.rows) - 1, _FIRST_LESSON + len(sheet.columns) - 1
    for mark in MARKS.values():
        rule = {"type": "cell", "criteria": "==", "value": f'"{mark}"', "format": styles.by_mark[mark]}
        page.conditional_format(_FIRST_STUDENT, _FIRST_LESSON, last_row, last_lesson, rule)
    for mark in ("P?", "A?"):
        rule = {"type": "cell", "criteria": "==", "value": f'"{mark}"', "format": styles.by_mark["?"]}
        page.conditional_format(_FIRST_STUDENT, _FIRST_LESSON, last_row, last_lesson, rule)
    share = last_lesson + len(_TOTALS)
    scale = {"type": "2_color_scale", "min_type": "num", "max_type": "num", "min_value": 0.5, "max_value": 1}
    colours = {"min_color": _COLOURS["A"][0], "max_color": _COLOURS["P"][0]}
    page.conditional_format(_FIRST_STUDENT, share, last_row, share, {**scale, **colours})


def _set_view(page: Any, sheet: Sheet) -> None:
    last_row = _FIRST_STUDENT + max(len(sheet.rows), 1) - 1
    last = _FIRST_LESSON + len(sheet.columns) + len(_TOTALS) - 1
    page.hide_gridlines(2)
    page.freeze_panes(_FIRST_STUDENT, _FIRST_LESSON)
    page.autofilter(_HEAD_ROW + 2, 0, last_row, last)
    page.set_column(0, 0, _width((row.name for row in sheet.rows), 16, 34))
    page.set_column(1, 1, _width((row.student_id for row in sheet.rows), 12, 22))
    page.set_column(_FIRST_LESSON, last - len(_TOTALS), _lesson_width(sheet))
    page.set_column(last - len(_TOTALS) + 1, last - 1, 6)
    page.set_column(last, last, 12)
    page.ignore_errors({"number_stored_as_text": f"A{_FIRST_STUDENT + 1}:B{last_row + 1}"})


def _set_print(page: Any, sheet: Sheet) -> None:
    last = _FIRST_LESSON + len(sheet.columns) + len(_TOTALS) - 1
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    page.repeat_rows(_HEAD_ROW, _HEAD_ROW + 2)
    page.repeat_columns("A:B")
    page.print_area(0, 0, _FIRST_STUDENT + len(sheet.rows) + 2, last)
    page.set_footer("&L&8&A&R&8page &P of &N")


def _mark_style(entry: SheetEntry, styles: Styles) -> Any:
    if entry.correction is not None:
        return styles.mark_corrected
    return styles.mark_look if remark(entry) else styles.mark


def _count_of(cells: str, mark: str) -> str:
    # A lone ? is a wildcard to COUNTIF; P? and A? are counted with it.
    return f'=COUNTIF({cells},"{"*~?" if mark == "?" else mark}")'


def _share_of(present: str, absent: str) -> str:
    return f'=IF({present}+{absent}=0,"",{present}/({present}+{absent}))'


def _width(texts: Iterable[str], least: float, most: float) -> float:
    return max(least, min(most, 2.0 + max((len(text) for text in texts), default=0)))


def _note_size(note: str) -> dict[str, Any]:
    lines = sum(1 + len(line) // 44 for line in note.splitlines())
    return {"x_scale": 2.2, "y_scale": max(0.5, 0.26 * lines), "author": "edge-daemon", "font_size": 9}


def safe(text: str) -> str:
    """Return text as a cell can hold it: not too long, without half a character and without overrides of direction."""
    return without_overrides(text)[:_MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _styles(book: Any) -> Styles:
    base = {"font_name": "Calibri", "font_size": 11, "font_color": _INK, "valign": "vcenter"}
    line = {"bottom": 1, "bottom_color": _LINE}
    head = {**base, "bold": True, "font_size": 10, "font_color": "#FFFFFF", "bg_color": _HEAD, "align": "center"}
    head = {**head, "text_wrap": True}
    mark = {**base, "align": "center", "border": 1, "border_color": _LINE}
    foot = {**base, "align": "center", "bg_color": "#F4F6F8", "top": 1, "top_color": _LINE}
    return Styles(
        title=book.add_format({**base, "bold": True, "font_size": 16, "font_color": _HEAD}),
        quiet=book.add_format({**base, "font_size": 9, "font_color": _QUIET}),
        head=book.add_format(head),
        head_left=book.add_format({**head, "align": "left", "valign": "bottom"}),
        head_rehearsal=book.add_format({**head, "italic": True, "bg_color": "#6E7F91"}),
        text=book.add_format({**base, **line, "align": "left"}),
        mark=book.add_format(mark),
        mark_look=book.add_format({**mark, "italic": True, "border": 8, "border_color": "#B7791F"}),
        mark_corrected=book.add_format({**mark, "bold": True, "underline": 1, "border": 2, "border_color": "#24405C"}),
        count=book.add_format({**base, **line, "align": "center", "num_format": "0;;"}),
        percent=book.add_format({**base, **line, "align": "center", "num_format": "0%"}),
        foot=book.add_format({**foot, "bold": True}),
        foot_percent=book.add_format({**foot, "num_format": "0%"}),
        foot_text=book.add_format({**foot, "align": "left", "bold": True}),
        by_mark={
            mark: book.add_format({"bg_color": ground, "font_color": ink})
            for mark, (ground, ink, _) in _COLOURS.items()
        },
        by_letter={
            mark: book.add_format({**base, "font_size": 9, "bold": True, "font_color": ink})
            for mark, (_, ink, _) in _COLOURS.items()
        },
    )
