"""The look of the office's sheet: positions, fonts and colours, and how it prints."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from edge_daemon.attendance.register import correct
from edge_daemon.attendance.sheet_styles import safe
from edge_daemon.attendance.sheets import arrange
from edge_daemon.attendance.spreadsheet import workbook_bytes, write_workbook
from tests.attendance.spreadsheet_looks import look
from tests.registers import START, a_lesson, a_register

BERLIN = ZoneInfo("Europe/Berlin")
NAMES = {"S1": "Ann", "S2": "B" * 50, "S3": "Cy"}
RULE = (
    "Rule: present from 40 % of the pictures on, head turned 50° from the front at most, 50 % of the planned pictures"
    " at least; program 0.1.0, networks embedder-int8"
)
REHEARSED = "Calibri 10, bold, italic, ink FFFFFF, ground 6E7F91, center, vcenter, wrapped"
MARK = "Calibri 11, ink 1F2933, center, vcenter, frame thin D5DAE0"


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """A lesson with every kind of mark, a rehearsal of all courses, and a student in the first one only."""
    shares = {"S1": 1.0, "S2": 0.4, "S3": 0.0, "S4": 0.9, "S5": 1.0}
    first, _ = a_register(a_lesson(course="7b"), shares, not_assessed=["S4"])
    first = correct(first, "S3", "present", by="T", reason="r", at=START)
    rehearsal, _ = a_register(a_lesson(START + timedelta(hours=2), "", "rehearsal"), {"S1": 1.0, "S2": 0.0})
    path = tmp_path_factory.mktemp("sheet") / "week.xlsx"
    write_workbook(path, arrange([rehearsal, first], NAMES, BERLIN, "week"))
    return path


@pytest.fixture(scope="module")
def page(path):
    return openpyxl.load_workbook(path)["2026-W47"]


@pytest.mark.parametrize(
    ("cell", "text", "expected"),
    [
        ("A1", "Attendance · room 204", "Calibri 16, bold, ink 24405C, vcenter"),
        ("A2", "2026-W47 · 2026-11-16 to 2026-11-20", "Calibri 9, ink 6B7682, vcenter"),
        (
            "A4",
            "dashed frame: look again, see the note    solid frame: corrected by hand, see the note",
            "Calibri 9, ink 6B7682, vcenter",
        ),
        ("A5", RULE, "Calibri 9, ink 6B7682, vcenter, wrapped"),
        ("A7", "Weekday", "Calibri 10, bold, ink FFFFFF, ground 24405C, left, wrapped"),
        ("B7", None, "Calibri 10, bold, ink FFFFFF, ground 24405C, left, wrapped"),
        ("A8", "Date", "Calibri 10, bold, ink FFFFFF, ground 24405C, left, wrapped"),
        ("A10", "End", "Calibri 10, bold, ink FFFFFF, ground 24405C, left, wrapped"),
        ("A11", "Name", "Calibri 10, bold, ink FFFFFF, ground 24405C, left, wrapped"),
        ("B11", "Student id", "Calibri 10, bold, ink FFFFFF, ground 24405C, left, wrapped"),
        (
            "C7",
            datetime.fromisoformat("2026-11-16"),
            "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped, as ddd",
        ),
        (
            "C8",
            datetime.fromisoformat("2026-11-16"),
            "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped, as yyyy-mm-dd",
        ),
        ("C9", time(8), "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped, as hh:mm"),
        ("C10", time(8, 45), "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped, as hh:mm"),
        ("C11", "7b", "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped"),
        ("D8", datetime.fromisoformat("2026-11-16"), f"{REHEARSED}, as yyyy-mm-dd"),
        ("D11", "(rehearsal)", REHEARSED),
        ("E7", "Total", "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped"),
        ("E8", None, "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped"),
        ("I11", "Present %", "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped"),
        ("A12", "Ann", "Calibri 11, ink 1F2933, left, vcenter, bottom thin D5DAE0"),
        ("B12", "S1", "Calibri 11, ink 1F2933, left, vcenter, bottom thin D5DAE0"),
        ("C12", "P", MARK),
        ("C13", "P?", "Calibri 11, italic, ink 1F2933, center, vcenter, frame mediumDashed B7791F"),
        ("C14", "P", "Calibri 11, bold, underlined, ink 1F2933, center, vcenter, frame medium 24405C"),
        ("C15", "–", MARK),
        ("D13", "A", MARK),
        ("D14", None, MARK),
        ("E12", '=COUNTIF(C12,"P")', "Calibri 11, ink 1F2933, center, vcenter, bottom thin D5DAE0, as 0;;"),
        ("H12", '=COUNTIF(C12,"–")', "Calibri 11, ink 1F2933, center, vcenter, bottom thin D5DAE0, as 0;;"),
        (
            "I12",
            '=IF(E12+F12=0,"",E12/(E12+F12))',
            "Calibri 11, ink 1F2933, center, vcenter, bottom thin D5DAE0, as 0%",
        ),
        ("A17", "Present", "Calibri 11, bold, ink 1F2933, ground F4F6F8, left, vcenter, top thin D5DAE0"),
        ("B17", None, "Calibri 11, bold, ink 1F2933, ground F4F6F8, left, vcenter, top thin D5DAE0"),
        ("A18", "Absent", "Calibri 11, bold, ink 1F2933, ground F4F6F8, left, vcenter, top thin D5DAE0"),
        (
            "A19",
            "Present of those decided",
            "Calibri 11, bold, ink 1F2933, ground F4F6F8, left, vcenter, top thin D5DAE0",
        ),
        (
            "C17",
            '=COUNTIF(C12:C16,"P")',
            "Calibri 11, bold, ink 1F2933, ground F4F6F8, center, vcenter, top thin D5DAE0",
        ),
        (
            "D18",
            '=COUNTIF(D12:D16,"A")',
            "Calibri 11, bold, ink 1F2933, ground F4F6F8, center, vcenter, top thin D5DAE0",
        ),
        (
            "C19",
            '=IF(C17+C18=0,"",C17/(C17+C18))',
            "Calibri 11, ink 1F2933, ground F4F6F8, center, vcenter, top thin D5DAE0, as 0%",
        ),
        ("E17", None, "Calibri 11"),
    ],
)
def test_each_cell_has_its_text_and_format(page, cell, text, expected):
    assert ((page[cell].value or None), look(page[cell])) == (text, expected)


def test_the_heads_of_the_totals_are_the_marks(page):
    assert [page.cell(11, column).value for column in range(5, 10)] == ["P", "A", "?", "–", "Present %"]
    assert [page.cell(7, column).value or "" for column in range(5, 10)] == ["Total", "", "", "", ""]
    assert page.dimensions == "A1:I19"


def test_the_legend_has_the_colours_of_the_marks_that_it_explains(path):
    rich = openpyxl.load_workbook(path, rich_text=True)["2026-W47"]["A3"].value
    assert [(part.text, part.font.color.rgb, part.font.b, part.font.sz) for part in rich] == [
        *(("P", "FF1E6B34", True, 9), (" present    ", "FF6B7682", False, 9)),
        *(("A", "FFA32A1E", True, 9), (" absent    ", "FF6B7682", False, 9)),
        *(
            ("?", "FF8A5A00", True, 9),
            (" to confirm (P? and A?: the device has doubts)    ", "FF6B7682", False, 9),
        ),
        *(("–", "FF5B6470", True, 9), (" not assessed    ", "FF6B7682", False, 9)),
    ]


def test_marks_are_coloured_by_what_they_are_and_the_share_from_half_to_all(page):
    rules = [
        (str(ranges.sqref), rule.formula, rule.operator, rule.dxf.fill.bgColor.rgb, rule.dxf.font.color.rgb)
        for ranges in page.conditional_formatting
        for rule in ranges.rules
        if rule.type == "cellIs"
    ]
    assert rules == [
        ("C12:D16", ['"P"'], "equal", "FFE3F3E6", "FF1E6B34"),
        ("C12:D16", ['"A"'], "equal", "FFFBE0DD", "FFA32A1E"),
        ("C12:D16", ['"?"'], "equal", "FFFFF1CC", "FF8A5A00"),
        ("C12:D16", ['"–"'], "equal", "FFECEEF1", "FF5B6470"),
        ("C12:D16", ['"P?"'], "equal", "FFFFF1CC", "FF8A5A00"),
        ("C12:D16", ['"A?"'], "equal", "FFFFF1CC", "FF8A5A00"),
    ]
    ((ranges, scale),) = [
        (str(ranges.sqref), rule.colorScale)
        for ranges in page.conditional_formatting
        for rule in ranges.rules
        if rule.colorScale is not None
    ]
    assert ranges == "I12:I16"
    assert [(end.type, end.val) for end in scale.cfvo] == [("num", 0.5), ("num", 1)]
    assert [colour.rgb for colour in scale.color] == ["FFFBE0DD", "FFE3F3E6"]


def test_heights_widths_and_what_stays_in_view(page):
    heights = {number: row.height for number, row in page.row_dimensions.items() if row.height}
    # XlsxWriter 3.2.0 rounds to half points, newer ones to quarters.
    expected = {1: 26.25, 5: 28, 6: 6, **dict.fromkeys(range(7, 12), 17.25), **dict.fromkeys(range(12, 20), 18)}
    assert heights == pytest.approx(expected, abs=0.25)
    widths = {key: (one.min, one.max, round(one.width - 0.71)) for key, one in page.column_dimensions.items()}
    # A name takes 34 characters at most, an id 12 at least, a lesson the longest word of its head, a share 12.
    assert widths == {"A": (1, 1, 34), "B": (2, 2, 12), "C": (3, 4, 13), "E": (5, 8, 6), "I": (9, 9, 12)}
    assert page.freeze_panes == "C12"
    assert page.auto_filter.ref == "A11:I16"
    assert page.sheet_view.showGridLines is False


def test_a_sheet_prints_on_a4_landscape_one_page_wide_with_its_heads_on_each_page(page):
    assert (page.page_setup.orientation, page.page_setup.paperSize) == ("landscape", 9)
    assert (page.sheet_properties.pageSetUpPr.fitToPage, page.page_setup.fitToWidth) == (True, None)  # None: one
    assert page.page_setup.fitToHeight == 0
    margins = page.page_margins
    assert (margins.left, margins.right, margins.top, margins.bottom) == (0.4, 0.4, 0.5, 0.6)
    assert (page.print_title_rows, page.print_title_cols) == ("$7:$11", "$A:$B")
    assert page.print_area == "'2026-W47'!$A$1:$I$19"
    footer = page.oddFooter
    assert (footer.left.text, footer.left.size, footer.right.text, footer.right.size) == ("&A", 8, "page &P of &N", 8)


def test_the_file_says_what_it_is_and_ids_of_digits_are_no_mistake(path):
    book = openpyxl.load_workbook(path)
    assert (book.properties.title, book.properties.description) == ("Attendance", "Written by edge-daemon")
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    assert '<ignoredError sqref="A12:B16" numberStoredAsText="1"/>' in sheet


def test_notes_say_what_is_behind_a_lesson_and_a_mark(page, path):
    notes = {cell.coordinate: cell.comment for row in page.iter_rows() for cell in row if cell.comment}
    assert sorted(notes) == ["C13", "C14", "C7", "D7"]
    assert notes["C13"].text == (
        "close to the limit: chance may have decided\nfacing the class in 8 pictures (40%)"
        "\n0 over the rule (8 of 20 pictures)"
    )
    assert notes["C14"].text == (
        "Corrected by T, 2026-11-16: r\nfacing the class in 0 pictures (0%)\n8 short of the rule (8 of 20 pictures)"
    )
    assert re.fullmatch(r"[0-9a-f-]{36}\n20 of 20 captures\nrule: present from 40 % .*", notes["C7"].text)
    assert {note.author for note in notes.values()} == {"edge-daemon"}
    file = zipfile.ZipFile(path)
    assert set(re.findall(r'<sz val="(\d+)"/>', file.read("xl/comments1.xml").decode())) == {"9"}
    drawing = file.read("xl/drawings/vmlDrawing1.vml").decode()
    sizes = set(re.findall(r"width:([\d.]+)pt;height:([\d.]+)pt", drawing))
    # 2.2 times as wide as xlsxwriter's 96 pt, and 0.26 of 55.5 pt for each line: three of a mark, six of a lesson.
    assert {width for width, _ in sizes} == {"211.5"}
    assert sorted(float(height) for _, height in sizes) == pytest.approx([3 * 0.26 * 55.5, 6 * 0.26 * 55.5], abs=0.8)


def _sheet(*courses: str, names: dict[str, str] | None = None, note: str = ""):
    registers = [
        a_register(a_lesson(START + timedelta(hours=hour), course), {"S1": 1.0})[0]
        for hour, course in enumerate(courses)
    ]
    (sheet,) = arrange(registers, names or {}, BERLIN, "week")
    return replace(sheet, columns=tuple(replace(column, note=note, rules=()) for column in sheet.columns))


def _worksheet(tmp_path, sheet):
    write_workbook(tmp_path / "x.xlsx", [sheet])
    return openpyxl.load_workbook(tmp_path / "x.xlsx").worksheets[0]


@pytest.mark.parametrize(
    ("course", "width", "head_height"),
    [
        ("7b", 11, 17.5),  # a date
        ("Physics", 11, 17.5),
        ("Mathematics", 12.5, 17.5),
        ("Mathematics advanced", 12.5, 30),  # 20 characters in lines of 11
        ("Social-and-natural-sciences", 14, 42.5),  # never wider; 27 characters in lines of 12.5
        ("a" * 200, 14, 80),  # and never higher than six lines
    ],
)
def test_a_column_is_as_wide_as_the_longest_word_of_its_heads(tmp_path, course, width, head_height):
    page = _worksheet(tmp_path, _sheet(course))
    assert page.column_dimensions["C"].width - 0.71 == pytest.approx(width, abs=0.1)
    assert page.row_dimensions[11].height == pytest.approx(head_height, abs=0.3)


@pytest.mark.parametrize(("name", "width"), [("", 16), ("x" * 14, 16), ("x" * 20, 22), ("x" * 32, 34), ("x" * 90, 34)])
def test_the_column_of_names_is_as_wide_as_the_longest_name_and_two_more(tmp_path, name, width):
    page = _worksheet(tmp_path, _sheet("7b", names={"S1": name}))
    assert page.column_dimensions["A"].width - 0.71 == pytest.approx(width, abs=0.01)


@pytest.mark.parametrize(("student_id", "width"), [("x" * 10, 12), ("x" * 11, 13), ("x" * 20, 22), ("x" * 21, 22)])
def test_the_column_of_ids_is_12_to_22_characters_wide(tmp_path, student_id, width):
    register, _ = a_register(a_lesson(), {student_id: 1.0})
    page = _worksheet(tmp_path, *arrange([register], {}, BERLIN, "week"))
    assert page.column_dimensions["B"].width - 0.71 == pytest.approx(width, abs=0.01)


@pytest.mark.parametrize(("note", "lines"), [("x", 1), ("x" * 43, 1), ("x" * 44, 2), ("a\nb\nc", 3), ("x\n" * 9, 9)])
def test_a_note_is_as_high_as_its_lines_of_44_characters(tmp_path, note, lines):
    _worksheet(tmp_path, _sheet("7b", note=note))
    drawing = zipfile.ZipFile(tmp_path / "x.xlsx").read("xl/drawings/vmlDrawing1.vml").decode()
    (height,) = re.findall(r"height:([\d.]+)pt", drawing)
    assert float(height) == pytest.approx(55.5 * max(0.5, 0.26 * lines), abs=0.75)


@pytest.mark.parametrize(("split", "named"), [("none", ""), ("class", " · 7b"), ("room", "")])
def test_the_second_line_names_the_class_of_the_sheet_and_no_room_twice(tmp_path, split, named):
    register, _ = a_register(a_lesson(course="7b"), {"S1": 1.0})
    page = _worksheet(tmp_path, *arrange([register], {}, BERLIN, "week", split=split))
    assert page["A2"].value == f"2026-W47{named} · 2026-11-16 to 2026-11-20"


def test_a_short_rule_and_the_legend_are_quiet(tmp_path):
    sheet = _sheet("7b")
    short = replace(sheet, columns=tuple(replace(column, rules=("half",)) for column in sheet.columns))
    page = _worksheet(tmp_path, short)
    assert (page["A5"].value, look(page["A5"])) == ("Rule: half", "Calibri 9, ink 6B7682, vcenter")
    assert look(page["A3"]) == "Calibri 9, ink 6B7682, vcenter"


def test_a_lesson_with_a_note_of_its_own_has_that_one(tmp_path):
    assert _worksheet(tmp_path, _sheet("7b", note="three rooms"))["C7"].comment.text == "three rooms"


def test_all_courses_at_once_are_called_so_and_empty_names_are_empty(tmp_path):
    page = _worksheet(tmp_path, _sheet(""))
    assert (page["C11"].value, page["A12"].value or "") == ("all", "")


def test_a_student_of_later_lessons_has_the_marks_there_and_rehearsals_are_not_counted(tmp_path):
    lessons = [
        ({"S1": 1.0}, "timetable"),
        ({"S2": 1.0}, "timetable"),
        ({"S2": 1.0}, "rehearsal"),
        ({"S1": 1.0, "S2": 0.0}, "timetable"),
    ]
    registers = [
        a_register(a_lesson(START + timedelta(hours=hour), "7b", origin), shares)[0]
        for hour, (shares, origin) in enumerate(lessons)
    ]
    write_workbook(tmp_path / "x.xlsx", arrange(registers, {}, BERLIN, "week"))
    page = openpyxl.load_workbook(tmp_path / "x.xlsx").worksheets[0]
    assert [page.cell(12, column).value for column in range(2, 7)] == ["S1", "P", None, None, "P"]
    assert [page.cell(13, column).value for column in range(2, 7)] == ["S2", None, "P", "P", "A"]
    counts = [f'=COUNTIF(C13:D13,"{mark}")+COUNTIF(F13,"{mark}")' for mark in ("P", "A", "*~?", "–")]
    assert [page.cell(13, column).value for column in range(7, 11)] == counts
    values = openpyxl.load_workbook(tmp_path / "x.xlsx", data_only=True).worksheets[0]
    assert [values.cell(13, column).value for column in range(7, 12)] == [1, 1, 0, 0, 0.5]
    foot = [[values.cell(row, column).value for column in range(3, 7)] for row in (14, 15, 16)]
    assert foot == [[1, 1, 1, 1], [0, 0, 0, 1], [1, 1, 1, 0.5]]


def test_the_totals_of_a_row_count_every_lesson_of_a_run(tmp_path):
    registers = [a_register(a_lesson(START + timedelta(hours=hour), "7b"), {"S1": 1.0})[0] for hour in range(4)]
    write_workbook(tmp_path / "x.xlsx", arrange(registers, {}, BERLIN, "week"))
    page = openpyxl.load_workbook(tmp_path / "x.xlsx").worksheets[0]
    assert page.cell(12, 7).value == '=COUNTIF(C12:F12,"P")'


def test_a_sheet_without_students_has_its_heads_and_prints(tmp_path):
    page = _worksheet(tmp_path, replace(_sheet("7b"), rows=()))
    assert page.auto_filter.ref == "A11:H12"
    assert page.print_area.endswith("!$A$1:$H$14")
    assert not list(page.conditional_formatting)
    assert page["A12"].value is None


def test_a_share_of_nothing_is_empty(tmp_path):
    register, _ = a_register(a_lesson(), {"S1": 1.0}, not_assessed=["S1"])
    write_workbook(tmp_path / "x.xlsx", arrange([register], {}, BERLIN, "week"))
    page = openpyxl.load_workbook(tmp_path / "x.xlsx", data_only=True).worksheets[0]
    assert [page.cell(12, column).value for column in range(3, 9)] == ["–", 0, 0, 0, 1, None]
    assert [page.cell(row, 3).value for row in (13, 14, 15)] == [0, 0, None]


def test_a_message_gets_the_same_sheet_without_a_file():
    content = workbook_bytes([_sheet("7b")])
    assert content.startswith(b"PK")
    assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames == ["2026-W47", "Distance"]


@pytest.mark.parametrize(
    ("text", "cell"), [("x" * 32_767, "x" * 32_767), ("x" * 32_768, "x" * 32_767), ("a\ud83db", "a?b"), ("é–", "é–")]
)
def test_a_cell_holds_32767_whole_characters(text, cell):
    assert safe(text) == cell
