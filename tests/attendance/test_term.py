"""A term's sheets: columns that are shared, counts by month, and pages that are written row by row."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from edge_daemon.attendance.register import correct
from edge_daemon.attendance.sheets import arrange
from edge_daemon.attendance.spreadsheet import workbook, write_sheet
from edge_daemon.attendance.term import Months, events_of, term_sheet
from edge_daemon.types import Register
from tests.registers import START, a_lesson, a_register

BERLIN = ZoneInfo("Europe/Berlin")


def register_of(course: str, shares: dict[str, float], hours: float = 0, origin: str = "timetable") -> Register:
    return a_register(a_lesson(START + timedelta(hours=hours), course, origin), shares)[0]


def test_classes_without_common_students_share_a_column_and_a_student_is_in_one_row():
    sheet = term_sheet(
        [register_of("7b", {"a": 1.0}), register_of("8a", {"b": 0.0}), register_of("7b", {"a": 0.0}, 1)],
        {},
        BERLIN,
        "week",
    )
    assert [column.lesson.course for column in sheet.columns] == ["7b, 8a", "7b"]
    assert [(row.student_id, [e and e.mark for e in row.entries]) for row in sheet.rows] == [
        ("a", ["P", "A"]),
        ("b", ["A", None]),
    ]


def test_no_mark_hides_another_one_of_the_same_student_and_hour():
    sheet = term_sheet([register_of(c, {"a": s}) for c, s in (("x", 1.0), ("y", 0.0))], {}, BERLIN, "week")
    assert [e.mark for e in sheet.rows[0].entries] == ["P", "A"]


def test_a_rehearsal_never_shares_a_column_with_a_lesson():
    registers = [register_of("7b", {"a": 1.0}), register_of("8a", {"b": 1.0}, origin="rehearsal")]
    assert len(term_sheet(registers, {}, BERLIN, "week").columns) == 2


def test_forty_rooms_are_named_by_their_number_and_the_first_courses():
    registers = [
        replace(one, lesson=replace(one.lesson, device=f"room {number}"))
        for number in range(40)
        for one in [register_of(f"c{number:02d}", {f"s{number}": 1.0})]
    ]
    sheet = term_sheet(registers, {}, BERLIN, "week")
    assert (sheet.device, sheet.columns[0].lesson.course) == ("40 rooms", "c00, c01, c02 +37")
    assert sheet.columns[0].note.endswith("and 10 more")


def test_months_count_marks_and_rehearsals_do_not_count():
    months = Months(BERLIN)
    for register in (
        register_of("7b", {"a": 1.0, "b": 0.0}),
        register_of("7b", {"a": 0.0, "b": 0.0}, 24 * 20),
        register_of("7b", {"a": 0.0}, 5, "rehearsal"),
    ):
        months.add(register)
    assert sorted(months.months) == ["2026-11", "2026-12"]
    assert (months.of("a", "2026-11")["P"], months.of("a", "2026-12")["A"]) == (1, 1)
    assert months.total("a") == {"P": 1, "A": 1}
    assert months.students({"b": "B", "a": "A"}) == ["b", "a"]


def test_events_are_whom_the_office_has_to_know_of():
    register = register_of("7b", {"a": 1.0, "b": 0.0, "c": 0.0})
    register = correct(register, "c", "present", by="T", reason="there", at=register.lesson.end)
    assert [(event.student_id, event.event) for event in events_of(register, BERLIN)] == [("b", "Unexcused Absence")]
    assert list(events_of(register_of("7b", {"b": 0.0}, origin="rehearsal"), BERLIN)) == []


@pytest.mark.parametrize("number", [0, 1])
def test_row_by_row_a_page_is_what_it_is_otherwise(tmp_path, number):
    """Row by row, xlsxwriter drops without a word what comes too late for its row."""
    registers = [register_of("7b", {"a": 1.0, "b": 0.4}), register_of("8a", {"c": 0.0, "d": 1.0}, 2)]
    registers[0] = correct(registers[0], "b", "absent", by="T", reason="left", at=registers[0].lesson.end)
    sheet = term_sheet(registers[number:], {"a": "Ann"}, BERLIN, "week")
    pages = []
    for row_by_row in (False, True):
        path = tmp_path / f"{row_by_row}.xlsx"
        with workbook(path, row_by_row=row_by_row) as book:
            write_sheet(book.pages.add_worksheet(sheet.name), sheet, book.styles)
        page = openpyxl.load_workbook(path)[sheet.name]
        cells = [(c.coordinate, c.value or "", c.comment and c.comment.text) for row in page.iter_rows() for c in row]
        pages.append([cell for cell in cells if cell[1] or cell[2]])
    assert pages[0] == pages[1]
    assert any(comment for _, _, comment in pages[0])


def test_rehearsals_are_no_part_of_a_students_totals(tmp_path):
    def totals(sheet):
        path = tmp_path / "totals.xlsx"
        with workbook(path) as book:
            book.add_sheet(sheet)
        found = []
        for data_only in (True, False):
            page = openpyxl.load_workbook(path, data_only=data_only).worksheets[0]
            row = next(row for row in page.iter_rows() if row[1].value == "a")
            found.append([cell.value for cell in row[2 + len(sheet.columns) :][:2]])
        return found

    lessons = [register_of("7b", {"a": 1.0}), register_of("7b", {"a": 1.0}, 4)]
    rehearsal = register_of("", {"a": 0.0}, 2, "rehearsal")
    for mixed in (
        term_sheet([*lessons, rehearsal], {}, BERLIN, "week"),
        *arrange([*lessons, rehearsal], {}, BERLIN, "week"),
    ):
        values, (present, absent) = totals(mixed)
        assert values == [2, 0]
        assert re.fullmatch(r'=COUNTIF\(C(\d+),"P"\)\+COUNTIF\(E\1,"P"\)', present)
        assert absent.count("COUNTIF") == 2
    assert totals(term_sheet([rehearsal], {}, BERLIN, "week"))[0] == [0, 0], "the office counts lessons only"
    (alone,) = arrange([rehearsal], {}, BERLIN, "week")
    assert totals(alone)[0] == [0, 1], "a trial has nothing else"
