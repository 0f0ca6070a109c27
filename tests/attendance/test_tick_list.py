"""The page to print and fill in by hand: its students, its layout, and when there is none."""

from __future__ import annotations

import io
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from edge_daemon.attendance.sheets import arrange
from edge_daemon.attendance.spreadsheet import workbook_bytes, write_workbook
from tests.attendance.spreadsheet_looks import look
from tests.registers import a_lesson, a_register

BERLIN = ZoneInfo("Europe/Berlin")
NAMES = {"S3": "=Cy", "S1": "Ann", "S2": "Bo"}
HEAD = "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped"
HEAD_LEFT = "Calibri 10, bold, ink FFFFFF, ground 24405C, left, wrapped"
TEXT = "Calibri 11, ink 1F2933, left, vcenter, bottom thin D5DAE0"
MARK = "Calibri 11, ink 1F2933, center, vcenter, frame thin D5DAE0"


def book_of(folder: Path, not_assessed: list[str], course: str = "7b", *, tick_list: bool = True):
    shares = {"S1": 1.0, "S2": 0.0, "S3": 0.0, "S4": 0.0}
    register, _ = a_register(a_lesson(course=course), shares, not_assessed=not_assessed)
    write_workbook(folder / "x.xlsx", arrange([register], NAMES, BERLIN, "week"), tick_list=tick_list)
    return openpyxl.load_workbook(folder / "x.xlsx")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return book_of(tmp_path_factory.mktemp("tick"), ["S3", "S4"])["Tick list"]


def test_the_tick_list_has_the_students_who_were_not_assessed_in_the_order_of_the_sheet(page):
    assert [[cell.value for cell in row] for row in page.iter_rows()] == [
        ["Tick list · 7b · room 204", *[None] * 5],
        [datetime.fromisoformat("2026-11-16"), time(8), time(8, 45), *[None] * 3],
        ["The device did not assess these students. Filled in by, on:", *[None] * 5],
        ["Name", "Student id", "Present", "Absent", "Late", "Note"],
        ["=Cy", "S3", "☐", "☐", "☐", None],
        ["", "S4", "☐", "☐", "☐", None],
    ]
    assert page["A5"].data_type == "s"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        *(("A1", "Calibri 16, bold, ink 24405C, vcenter"), ("A3", "Calibri 9, ink 6B7682, vcenter")),
        *(("A4", HEAD_LEFT), ("B4", HEAD_LEFT), ("C4", HEAD), ("D4", HEAD), ("E4", HEAD), ("F4", HEAD_LEFT)),
        *(("A5", TEXT), ("B5", TEXT), ("C5", MARK), ("D5", MARK), ("E5", MARK), ("F5", TEXT), ("F6", TEXT)),
        ("A2", f"{TEXT}, as yyyy-mm-dd"),
        *(("B2", f"{TEXT}, as hh:mm"), ("C2", f"{TEXT}, as hh:mm")),
    ],
)
def test_each_cell_of_the_tick_list_has_its_format(page, cell, expected):
    assert look(page[cell]) == expected


def test_the_tick_list_has_room_to_write_and_prints_on_a4(page):
    heights = {number: row.height for number, row in page.row_dimensions.items() if row.height}
    assert heights == pytest.approx({1: 26, 4: 20, 5: 26, 6: 26}, abs=0.5)
    widths = [(one.min, one.max, round(one.width - 0.71)) for one in page.column_dimensions.values()]
    assert widths == [(1, 1, 30), (2, 2, 14), (3, 5, 10), (6, 6, 28)]
    assert page.sheet_view.showGridLines is False
    assert (page.page_setup.orientation, page.page_setup.paperSize, page.page_setup.fitToHeight) == ("portrait", 9, 0)
    assert (page.sheet_properties.pageSetUpPr.fitToPage, page.page_setup.fitToWidth) == (True, None)  # None: one
    assert (page.print_title_rows, page.print_area) == ("$4:$4", "'Tick list'!$A$1:$F$6")
    footer = page.oddFooter
    assert (footer.left.text, footer.left.size, footer.right.text, footer.right.size) == ("&A", 8, "page &P of &N", 8)


def test_a_lesson_of_all_courses_says_so(tmp_path):
    assert book_of(tmp_path, ["S1"], course="")["Tick list"]["A1"].value == "Tick list · all · room 204"


def test_there_is_no_tick_list_where_every_student_was_assessed_or_the_setting_is_off(tmp_path):
    assert "Tick list" not in book_of(tmp_path, []).sheetnames
    assert "Tick list" not in book_of(tmp_path, ["S1"], tick_list=False).sheetnames


def test_the_workbook_of_a_message_has_the_page_only_if_it_is_wanted():
    register, _ = a_register(a_lesson(course="7b"), {"S1": 1.0, "S2": 0.0}, not_assessed=["S1"])
    sheets = arrange([register], NAMES, BERLIN, "week")
    wanted, usual = workbook_bytes(sheets, tick_list=True), workbook_bytes(sheets)
    assert "Tick list" in openpyxl.load_workbook(io.BytesIO(wanted)).sheetnames
    assert "Tick list" not in openpyxl.load_workbook(io.BytesIO(usual)).sheetnames
