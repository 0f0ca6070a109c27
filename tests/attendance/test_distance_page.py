"""The workbook's page that says how far each student was from the rule, and the names of its pages."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from edge_daemon.attendance import distance_page
from edge_daemon.attendance.sheets import arrange
from edge_daemon.attendance.spreadsheet import write_workbook
from edge_daemon.types import Register
from tests.attendance.spreadsheet_looks import look
from tests.registers import APPLIED, START, a_lesson, a_register

BERLIN = ZoneInfo("Europe/Berlin")


def book_of(tmp_path: Path, *registers: Register, names: dict[str, str] | None = None, split: str = "none"):
    write_workbook(tmp_path / "x.xlsx", arrange(registers, names or {}, BERLIN, "week", split=split))
    return openpyxl.load_workbook(tmp_path / "x.xlsx")


def lesson(shares: dict[str, float], hours: float = 0, course: str = "7b", **more: object) -> Register:
    return a_register(a_lesson(START + timedelta(hours=hours), course), shares, **more)[0]


def rows(page) -> list[list[object]]:
    return [[None if cell == "" else cell for cell in row] for row in page.iter_rows(min_row=2, values_only=True)]


def test_each_student_of_each_lesson_has_a_line_with_numbers_that_can_be_sorted(tmp_path):
    first = lesson({"S1": 0.9, "S2": 0.3, "S3": 0.0}, not_assessed=["S3"])
    page = book_of(tmp_path, first, lesson({"S1": 0.4}, 1, "=1+1"), names={"S1": "=Ann"})["Distance"]
    day, room = datetime.fromisoformat("2026-11-16"), "room 204"
    assert rows(page) == [
        [day, time(8), time(8, 45), room, "7b", "S1", "=Ann", "P", 18, 20, 8, 10],
        [day, time(8), time(8, 45), room, "7b", "S2", None, "A?", 6, 20, 8, -2],
        [day, time(9), time(9, 45), room, "=1+1", "S1", "=Ann", "P?", 8, 20, 8, 0],
    ]
    assert {page.cell(4, column).data_type for column in (4, 5, 6, 7, 8)} == {"s"}
    assert [page.cell(2, column).number_format for column in (1, 2, 3, 12)] == [
        *("yyyy-mm-dd", "hh:mm", "hh:mm", "+0;-0;0"),
    ]


def test_the_distance_page_uses_the_rule_of_the_register_and_not_the_current_one(tmp_path):
    strict = replace(lesson({"S1": 0.9}), rule=replace(APPLIED, share=0.96, max_yaw_deg=30))
    book = book_of(tmp_path, strict)
    assert rows(book["Distance"])[0][-4:] == [18, 20, 20, -2]
    assert "present from 96 % of the pictures on, head turned 30°" in book["2026-W47"]["A5"].value


def test_a_register_without_its_rule_has_no_distance_page(tmp_path):
    unsaid = replace(lesson({"S1": 0.9, "S2": 0.35}), rule=None)
    book = book_of(tmp_path, unsaid)
    assert book.sheetnames == ["2026-W47"]
    page = book["2026-W47"]
    assert page["A5"].value in (None, "")
    assert not [cell for row in page.iter_rows() for cell in row if cell.comment and "rule" in cell.comment.text]
    mixed = book_of(tmp_path, unsaid, lesson({"S1": 0.9}, 1))
    assert len(rows(mixed["Distance"])) == 1
    assert mixed["2026-W47"]["A5"].value == "Rule: not the same in all lessons, see the notes at their heads"


def test_the_distance_page_prints_in_landscape_with_its_heads_on_each_page(tmp_path):
    page = book_of(tmp_path, lesson({"S1": 0.9}))["Distance"]
    assert (page.page_setup.orientation, page.page_setup.paperSize, page.page_setup.fitToHeight) == ("landscape", 9, 0)
    assert (page.sheet_properties.pageSetUpPr.fitToPage, page.page_setup.fitToWidth) == (True, None)  # None: one
    assert (page.print_title_rows, page.freeze_panes, page.auto_filter.ref) == ("$1:$1", "A2", "A1:L2")


def test_heads_and_cells_of_the_distance_page_have_their_texts_and_formats(tmp_path):
    page = book_of(tmp_path, lesson({"S1": 0.9}))["Distance"]
    heads = ["Date", "Start", "End", "Room", "Course", "Student id", "Name", "Mark", "Facing the class", "Pictures"]
    assert [cell.value for cell in page[1]] == [*heads, "Needed", "Distance"]
    left = "Calibri 10, bold, ink FFFFFF, ground 24405C, left, wrapped"
    centre = "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped"
    assert [look(cell) for cell in page[1]] == [left] * 8 + [centre] * 4
    text = "Calibri 11, ink 1F2933, left, vcenter, bottom thin D5DAE0"
    number = "Calibri 11, ink 1F2933, center, vcenter, bottom thin D5DAE0"
    times = [f"{text}, as yyyy-mm-dd", f"{text}, as hh:mm", f"{text}, as hh:mm"]
    assert [look(cell) for cell in page[2]] == [*times, *[text] * 5, *[number] * 3, f"{number}, as +0;-0;0"]
    widths = [round(one.width - 0.71) for one in page.column_dimensions.values() for _ in range(one.min, one.max + 1)]
    assert widths == [11, 7, 7, 14, 16, 13, 26, 6, 10, 9, 9, 9]
    assert page.row_dimensions[1].height == pytest.approx(30, abs=0.5)
    assert page.sheet_view.showGridLines is False
    footer = page.oddFooter
    assert (footer.left.text, footer.left.size, footer.right.text, footer.right.size) == ("&A", 8, "page &P of &N", 8)


def test_a_note_at_the_last_head_says_what_the_numbers_mean(tmp_path):
    page = book_of(tmp_path, lesson({"S1": 0.9}))["Distance"]
    (noted,) = [cell for row in page.iter_rows() for cell in row if cell.comment]
    assert (noted.coordinate, noted.comment.author) == ("L1", "edge-daemon")
    assert noted.comment.text == (
        "Needed: in so many of the pictures the rule of the lesson asks a student to face the class."
        " Distance: pictures over it, or, below zero, short of it."
    )
    file = zipfile.ZipFile(tmp_path / "x.xlsx")
    assert '<sz val="9"/>' in file.read("xl/comments2.xml").decode()
    drawing = file.read("xl/drawings/vmlDrawing2.vml").decode()
    assert re.findall(r"width:([\d.]+)pt", drawing) == ["211.5"], "2.2 times as wide as a note without a size"


def test_a_rehearsal_without_a_clock_has_no_times(tmp_path):
    register = lesson({"S1": 0.9})
    register = replace(register, lesson=replace(register.lesson, end=register.lesson.start, origin="rehearsal"))
    row = rows(book_of(tmp_path, register)["Distance"])[0]
    assert row[:3] == [datetime.fromisoformat("2026-11-16"), None, None]


def test_a_student_who_does_not_belong_to_a_lesson_has_no_line_of_it(tmp_path):
    book = book_of(tmp_path, lesson({"S1": 0.9}), lesson({"S2": 0.9}, 1))
    assert [row[5] for row in rows(book["Distance"])] == ["S1", "S2"]


def test_a_page_that_is_full_goes_on_on_another_one(tmp_path, monkeypatch):
    assert distance_page._MOST_ROWS == 1_000_000, "with the head below the 1,048,576 rows of spreadsheet programs"
    monkeypatch.setattr(distance_page, "_MOST_ROWS", 2)
    book = book_of(tmp_path, lesson(dict.fromkeys("abcde", 1.0)))
    pages = ["Distance", "Distance 2", "Distance 3"]
    assert book.sheetnames == ["2026-W47", *pages]
    assert [[row[5] for row in rows(book[name])] for name in pages] == [["a", "b"], ["c", "d"], ["e"]]


@pytest.mark.parametrize(
    ("courses", "names"),
    [
        (["7b", "7B"], ["2026-W47 7B", "2026-W47 7b (2)"]),
        (["a[b]:c*?/\\d"], ["2026-W47 a b c d"]),
        (["x" * 40, "x" * 41], ["2026-W47 " + "x" * 22, "2026-W47 " + "x" * 18 + " (2)"]),
        (
            ["\U0001f3b5" * 30, "\U0001f3b5" * 31],
            ["2026-W47 " + "\U0001f3b5" * 11, "2026-W47 " + "\U0001f3b5" * 9 + " (2)"],
        ),
        (["'7b'"], ["2026-W47 '7b"]),
        (["7X"], ["2026-W47 7X"]),
        (["x" * 21 + "'" + "y" * 9], ["2026-W47 " + "x" * 21]),  # an apostrophe can't be the last character
        (["a" + "\U0001f3b5" * 30], ["2026-W47 a" + "\U0001f3b5" * 10]),  # half a character doesn't stay
    ],
)
def test_a_page_of_a_class_has_a_name_that_spreadsheet_programs_take(tmp_path, courses, names):
    registers = [lesson({"S1": 1.0}, hour, course) for hour, course in enumerate(courses)]
    book = book_of(tmp_path, *registers, split="class")
    assert book.sheetnames == [*names, "Distance"]
    assert all(len(name.encode("utf-16-le")) <= 2 * 31 for name in book.sheetnames)


@pytest.mark.parametrize(("lessons", "pages"), [(1, None), (13, None), (14, 2), (30, 3)])
def test_a_wide_sheet_prints_on_pages_beside_each_other_so_that_it_can_be_read(tmp_path, lessons, pages):
    registers = [lesson({"S1": 1.0}, number, "7b") for number in range(lessons)]
    page = book_of(tmp_path, *registers)["2026-W47"]
    assert page.page_setup.fitToWidth == pages  # None: one
    assert page.print_title_cols == "$A:$B"


@pytest.mark.parametrize(("name", "pages"), [("x" * 17, None), ("x" * 18, 2)])
def test_a_page_has_room_for_210_characters(tmp_path, name, pages):
    """Names and ids take 31 or 32 characters, 13 lessons 143, and the totals 36."""
    registers = [lesson({"S1": 1.0}, number, "7b") for number in range(13)]
    assert book_of(tmp_path, *registers, names={"S1": name})["2026-W47"].page_setup.fitToWidth == pages


@pytest.mark.parametrize(("lessons", "last"), [(1, 8), (4, 11), (15, 10), (30, 12)])
def test_a_long_rule_stands_in_lines_within_the_first_page(tmp_path, lessons, last):
    """What goes on beside the last column of the page is cut off on paper."""
    rule = replace(APPLIED, models={f"{number}": f"blazeface-full-{number:03}-float16" for number in range(14)})
    found = [replace(lesson({"S1": 0.9}, number), rule=rule) for number in range(lessons)]
    page = book_of(tmp_path, *found)["2026-W47"]
    assert page["A5"].value.endswith("blazeface-full-013-float16")
    (merged,) = page.merged_cells.ranges
    assert (merged.min_row, merged.max_row, merged.min_col) == (5, 5, 1)
    assert merged.max_col == last
    assert page["A5"].alignment.wrap_text
    assert page.row_dimensions[5].height > 12.5 * len(page["A5"].value) / 242
