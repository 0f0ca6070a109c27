"""Writes sheets as an XLSX file that an office can read, filter, print and correct by hand.

Marks are letters and totals are formulas, so a mark that a person changes is counted and coloured again. Text from a
roster is written as text, never as a formula or a number.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.utility import xl_range, xl_rowcol_to_cell

from edge_daemon.attendance.distance_page import write_distances
from edge_daemon.attendance.remarks import remark
from edge_daemon.attendance.sheet_heads import (
    HEAD_ROWS,
    head_lines,
    label_of,
    lesson_head,
    lesson_width,
    put_when,
)
from edge_daemon.attendance.sheet_styles import COLOURS, Styles, make_styles, safe
from edge_daemon.attendance.sheets import MARKS, Column, Sheet, SheetEntry, SheetRow
from edge_daemon.attendance.tick_list import has_unassessed, write_tick_list

_FIRST_LESSON = 2
"""Column of the first lesson, after name and student id."""
_HEAD_ROW = 6
"""Index of the first row with column headings, from 0."""
_FIRST_STUDENT = _HEAD_ROW + HEAD_ROWS
_PAGE_WIDTH: Final = 210
"""Number of characters in a line that is readable on A4 in landscape; a wider sheet continues on a page beside it."""
_LONGEST_NAME: Final = 31
"""Longest page name in UTF-16 units, which Excel counts; some characters have two."""

_TOTALS = (*MARKS.values(), "Present %")
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]+")
"""Characters that are not allowed in page names."""


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook that is being written."""

    pages: Any
    """xlsxwriter's workbook, which creates pages."""
    styles: Styles

    def add_sheet(self, sheet: Sheet) -> None:
        """Add a page with a sheet."""
        write_sheet(self.pages.add_worksheet(self.page_name(sheet)), sheet, self.styles)

    def page_name(self, sheet: Sheet) -> str:
        """Return a valid and unused page name for a sheet: `2026-W47 7b`."""
        wanted = _cut(_NOT_IN_NAMES.sub(" ", safe(f"{sheet.name} {sheet.part}")).strip(" '"), _LONGEST_NAME)
        taken = {page.name.casefold() for page in self.pages.worksheets()}
        name, number = wanted, 1
        while name.casefold() in taken:
            number += 1
            name = f"{_cut(wanted, _LONGEST_NAME - len(str(number)) - 3)} ({number})"
        return name


def _cut(name: str, units: int) -> str:
    """Return the start of a name with at most this many UTF-16 units."""
    return name.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore").rstrip(" '")


@contextmanager
def workbook(path: Path | io.BytesIO, *, row_by_row: bool = False) -> Iterator[Workbook]:
    """Open a workbook, yield it, and close it.

    Args:
        path: a temporary file that the caller moves to its place, see `export`; or a buffer, so that nothing is written
            to disk.
        row_by_row: whether each page is written from top to bottom with its data on disk, as for a whole term.

    Raises:
        OSError: the file can't be written.
    """
    in_memory = isinstance(path, io.BytesIO)
    settings = {"strings_to_formulas": False, "strings_to_urls": False, "constant_memory": row_by_row}
    book = xlsxwriter.Workbook(path if in_memory else str(path), {**settings, "in_memory": in_memory})
    book.set_properties({"title": "Attendance", "comments": "Written by edge-daemon"})
    try:
        yield Workbook(book, make_styles(book))
    finally:
        try:
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise OSError(*error.args) from error


def write_workbook(path: Path | io.BytesIO, sheets: Iterable[Sheet], *, tick_list: bool = False) -> None:
    """Write an XLSX file of at least one sheet, with the page of distances.

    Args:
        path: as for `workbook`.
        sheets: the sheets to write.
        tick_list: whether to add a page to fill in by hand if the first lesson has unassessed students.
    """
    listed = list(sheets)
    with workbook(path) as book:
        for sheet in listed:
            book.add_sheet(sheet)
        if tick_list and has_unassessed(listed[0]):
            write_tick_list(book.pages, listed[0], book.styles)
        write_distances(book.pages, listed, book.styles)


def workbook_bytes(sheets: Iterable[Sheet], *, tick_list: bool = False) -> bytes:
    """Return an XLSX file like that of `write_workbook`, made in memory, for a message."""
    content = io.BytesIO()
    write_workbook(content, sheets, tick_list=tick_list)
    return content.getvalue()


def write_sheet(page: Any, sheet: Sheet, styles: Styles) -> None:
    """Write a sheet to a page, from top to bottom."""
    _write_title(page, sheet, styles)
    _write_heads(page, sheet, styles)
    for number, row in enumerate(sheet.rows):
        _write_student(page, _FIRST_STUDENT + number, row, sheet, styles)
    if sheet.rows:
        _write_foot(page, sheet, styles)
        _colour(page, sheet, styles)
    _set_view(page, sheet)
    _set_print(page, sheet)


def _write_title(page: Any, sheet: Sheet, styles: Styles) -> None:
    first, last = sheet.first_day, sheet.last_day
    page.set_row(0, 26)
    page.write_string(0, 0, safe(f"Attendance · {sheet.device}"), styles.title)
    part = f" · {sheet.part}" if sheet.part and sheet.part != sheet.device else ""
    page.write_string(1, 0, safe(f"{sheet.name}{part} · {first:%Y-%m-%d} to {last:%Y-%m-%d}"), styles.quiet)
    # The legend uses the formats of the letters that it explains.
    legend: list[Any] = []
    for mark, (_, _, meaning) in COLOURS.items():
        legend += [styles.by_letter[mark], mark, styles.quiet, f" {meaning}    "]
    page.write_rich_string(2, 0, *legend, styles.quiet)
    page.write_string(
        3, 0, "dashed frame: look again, see the note    solid frame: corrected by hand, see the note", styles.quiet
    )
    _write_rule(page, safe(_rule(sheet)), sheet, styles)


def _write_rule(page: Any, text: str, sheet: Sheet, styles: Styles) -> None:
    """Write the rule in as many lines as it needs on the first printed page."""
    pages, body = _pages_across(sheet), _body_widths(sheet)
    least = sum(_rim_widths(sheet)) + sum(body) / pages - (max(body) if pages > 1 else 0)
    widths = [*_rim_widths(sheet), *body]
    fitting = [at for at, width in enumerate(accumulate(widths)) if width <= least]
    lines = -int(-len(text) // (1.15 * sum(widths[: len(fitting)])))  # its font is smaller than that of the widths
    if lines < 2:
        page.write_string(4, 0, text, styles.quiet)
        return
    page.set_row(4, 12.5 * lines + 3)
    page.merge_range(4, 0, 4, fitting[-1], text, styles.quiet_lines)


def _rule(sheet: Sheet) -> str:
    """Return the line that states the rule, or that the lessons' rules differ; empty if no register states a rule."""
    rules = list(dict.fromkeys(rule for column in sheet.columns for rule in column.rules))
    if not rules:
        return ""
    are_all_alike = len(rules) == 1 and all(column.rules for column in sheet.columns)
    return f"Rule: {rules[0]}" if are_all_alike else "Rule: not the same in all lessons, see the notes at their heads"


def _write_heads(page: Any, sheet: Sheet, styles: Styles) -> None:
    page.set_row(_HEAD_ROW - 1, 6)
    last, totals = HEAD_ROWS - 1, _FIRST_LESSON + len(sheet.columns)
    for row, lines in enumerate(head_lines(sheet)):
        at = _HEAD_ROW + row
        page.set_row(at, 12.5 * lines + 5)
        page.write_string(at, 0, label_of(row), styles.head_left)
        page.write_string(at, 1, "Student id" if row == last else "", styles.head_left)
        for number, column in enumerate(sheet.columns):
            place, head = _FIRST_LESSON + number, lesson_head(column, row)
            style = styles.head_lesson[column.lesson.origin == "rehearsal", row]
            if isinstance(head, str):
                page.write_string(at, place, safe(head), style)
            else:
                put_when(page, at, place, head, style)
            if row == 0:  # now, because nothing can be added to a finished row
                page.write_comment(at, place, _note(column), _note_size(_note(column)))
        for number, text in enumerate(_TOTALS):
            words = text if row == last else "Total" if row == number == 0 else ""
            page.write_string(at, totals + number, words, styles.head)


def _note(column: Column) -> str:
    text = column.note or f"{column.lesson.lesson_id}\n{column.captures_taken} of {column.captures_planned} captures"
    return safe("\n".join((text, *(f"rule: {rule}" for rule in column.rules))))


def _write_student(page: Any, at: int, row: SheetRow, sheet: Sheet, styles: Styles) -> None:
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
    marks = [entry.counted for number in sheet.counted if (entry := row.entries[number]) is not None]
    cells = [xl_range(at, _FIRST_LESSON + a, at, _FIRST_LESSON + b) for a, b in _runs(sheet.counted)]
    counts = {mark: marks.count(mark) for mark in MARKS.values()}
    first = _FIRST_LESSON + len(sheet.columns)
    for number, (mark, count) in enumerate(counts.items()):
        page.write_formula(at, first + number, _count_of(cells, mark), styles.count, count)
    decided = counts["P"] + counts["A"]
    share = counts["P"] / decided if decided else ""
    present, absent = xl_rowcol_to_cell(at, first), xl_rowcol_to_cell(at, first + 1)
    page.write_formula(at, first + len(counts), _share_of(present, absent), styles.percent, share)


def _write_foot(page: Any, sheet: Sheet, styles: Styles) -> None:
    """Write the totals of each lesson below the last student."""
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
                formula = _count_of([xl_range(_FIRST_STUDENT, place, end - 1, place)], "PA"[number])
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
    colours = {"min_color": COLOURS["A"][0], "max_color": COLOURS["P"][0]}
    page.conditional_format(_FIRST_STUDENT, share, last_row, share, {**scale, **colours})


def _set_view(page: Any, sheet: Sheet) -> None:
    last_row = _FIRST_STUDENT + max(len(sheet.rows), 1) - 1
    last = _FIRST_LESSON + len(sheet.columns) + len(_TOTALS) - 1
    page.hide_gridlines(2)
    page.freeze_panes(_FIRST_STUDENT, _FIRST_LESSON)
    page.autofilter(_FIRST_STUDENT - 1, 0, last_row, last)
    name, student_id = _rim_widths(sheet)
    page.set_column(0, 0, name)
    page.set_column(1, 1, student_id)
    page.set_column(_FIRST_LESSON, last - len(_TOTALS), lesson_width(sheet))
    page.set_column(last - len(_TOTALS) + 1, last - 1, 6)
    page.set_column(last, last, 12)
    page.ignore_errors({"number_stored_as_text": f"A{_FIRST_STUDENT + 1}:B{last_row + 1}"})


def _rim_widths(sheet: Sheet) -> tuple[float, float]:
    """Return the widths of names and student ids, in characters."""
    names = _width((row.name for row in sheet.rows), 16, 34)
    return names, _width((row.student_id for row in sheet.rows), 12, 22)


def _set_print(page: Any, sheet: Sheet) -> None:
    last = _FIRST_LESSON + len(sheet.columns) + len(_TOTALS) - 1
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(_pages_across(sheet), 0)
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    page.repeat_rows(_HEAD_ROW, _FIRST_STUDENT - 1)
    page.repeat_columns("A:B")
    page.print_area(0, 0, _FIRST_STUDENT + len(sheet.rows) + 2, last)
    page.set_footer("&L&8&A&R&8page &P of &N")


def _pages_across(sheet: Sheet) -> int:
    """Return the number of printed pages side by side; each begins with the names."""
    return max(1, -int(-sum(_body_widths(sheet)) // (_PAGE_WIDTH - sum(_rim_widths(sheet)))))


def _body_widths(sheet: Sheet) -> list[float]:
    """Return the widths of lessons and totals, in characters."""
    return [*[lesson_width(sheet)] * len(sheet.columns), *[6.0] * (len(_TOTALS) - 1), 12.0]


def _mark_style(entry: SheetEntry, styles: Styles) -> Any:
    if entry.correction is not None:
        return styles.mark_corrected
    return styles.mark_look if remark(entry) else styles.mark


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return first and last of each run of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs


def _count_of(ranges: Sequence[str], mark: str) -> str:
    # A lone ? is a wildcard in COUNTIF; P? and A? are counted with it.
    wanted = "*~?" if mark == "?" else mark
    return "=" + ("+".join(f'COUNTIF({cells},"{wanted}")' for cells in ranges) or "0")


def _share_of(present: str, absent: str) -> str:
    return f'=IF({present}+{absent}=0,"",{present}/({present}+{absent}))'


def _width(texts: Iterable[str], least: float, most: float) -> float:
    return max(least, min(most, 2.0 + max((len(text) for text in texts), default=0)))


def _note_size(note: str) -> dict[str, Any]:
    lines = sum(1 + len(line) // 44 for line in note.splitlines())
    return {"x_scale": 2.2, "y_scale": max(0.5, 0.26 * lines), "author": "edge-daemon", "font_size": 9}
