"""The term's workbook of the office: its pages, their content, and the continuation of a page that is too long."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from edge_daemon.attendance import term_book as module
from edge_daemon.attendance.register import correct
from edge_daemon.attendance.term import Months, events_of, term_sheet
from edge_daemon.attendance.term_book import Cells, TermBook, term_book
from edge_daemon.errors import RegisterError
from edge_daemon.types import Register
from tests.attendance.spreadsheet_looks import look
from tests.registers import START, a_lesson, a_register

BERLIN = ZoneInfo("Europe/Berlin")
NAMES = {"S2": "Bo", "S1": "=Ann"}
ROOMS = Cells(
    ("Room", "Present %", "What is wrong", "Count"),
    (18, 9, 70, 17),
    (
        ("room 1", 0.5, "x" * 150, 7),
        ("room 2", None, "", 0),
        ("room 3", 1, "=1+1", 2.5),
        ("room 4", 0.25, "y" * 70, 1),
    ),
    ("as of today", "second line"),
)


def _register(shares: dict[str, float], hours: float = 0, course: str = "7b", origin: str = "timetable") -> Register:
    return a_register(a_lesson(START + timedelta(hours=hours), course, origin), shares)[0]


def _with_flags(register: Register, student_id: str, *flags: str) -> Register:
    verdicts = [replace(v, flags=flags) if v.tally.student_id == student_id else v for v in register.verdicts]
    return replace(register, verdicts=tuple(verdicts))


def _registers() -> list[Register]:
    first = _with_flags(_register({"S1": 1.0, "S2": 0.0}), "S1", "late")
    first = correct(first, "S2", "absent", by="T", reason="was not there", at=START)
    second = _with_flags(_register({"S1": 0.9, "S2": 1.0}, 24 * 20), "S1", "left_early")
    third = _register({"S1": 0.0, "S3": 1.0}, 24 * 20 + 2)
    undecided = replace(third.verdicts[1], verdict="inconclusive")
    return [first, second, replace(third, verdicts=(third.verdicts[0], undecided))]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("term") / "term.xlsx"
    months, registers = Months(BERLIN), _registers()
    with term_book(path, ["2026-W47"], with_problems=True) as pages:
        pages.rooms(ROOMS, ["faulty", "silent", "late", "well"])
        pages.left_out(Cells(("File", "Why"), (30, 61), [("a.json", "odd")]))
        pages.sheet(term_sheet(registers[:1], NAMES, BERLIN, "week"))
        for register in registers:
            months.add(register)
            for event in events_of(register, BERLIN):
                pages.event(event, NAMES.get(event.student_id, ""))
        pages.months(months, NAMES)
    return openpyxl.load_workbook(path)


def _values(page, first: int = 1) -> list[list[object]]:
    return [list(row) for row in page.iter_rows(min_row=first, values_only=True)]


def _widths(page) -> list[float]:
    found = []
    for one in page.column_dimensions.values():
        found += [round(one.width - 0.71)] * (one.max - one.min + 1)
    return found


def test_pages_stand_in_the_order_in_which_they_are_needed(book):
    assert book.sheetnames == ["Rooms", "Left out", "Months", "Events", "2026-W47"]


def test_without_problems_there_is_no_page_of_them(tmp_path):
    with term_book(tmp_path / "x.xlsx", [], with_problems=False):
        pass
    assert openpyxl.load_workbook(tmp_path / "x.xlsx").sheetnames == ["Rooms", "Months", "Events"]


def test_a_page_has_its_title_remarks_heads_and_rows(book):
    assert _values(book["Rooms"]) == [
        ["Attendance · Rooms", None, None, None],
        ["as of today", None, None, None],
        ["second line", None, None, None],
        [None] * 4,
        ["Room", "Present %", "What is wrong", "Count"],
        ["room 1", 0.5, "x" * 150, 7],
        ["room 2", None, None, 0],
        ["room 3", 1, "=1+1", 2.5],
        ["room 4", 0.25, "y" * 70, 1],
    ]
    assert book["Rooms"]["C8"].data_type == "s"  # never a formula
    assert _values(book["Left out"]) == [
        ["Attendance · Left out", None],
        [None] * 2,
        ["File", "Why"],
        ["a.json", "odd"],
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("A1", "Calibri 16, bold, ink 24405C, vcenter"),
        ("A2", "Calibri 9, ink 6B7682, vcenter"),
        ("A5", "Calibri 10, bold, ink FFFFFF, ground 24405C, left, wrapped"),
        ("B5", "Calibri 10, bold, ink FFFFFF, ground 24405C, center, vcenter, wrapped"),
        ("A6", "Calibri 11, bold, ink A32A1E, ground FBE0DD, vcenter"),
        ("A7", "Calibri 11, bold, ink A32A1E, ground FBE0DD, vcenter"),
        ("A8", "Calibri 11, bold, ink 8A5A00, ground FFF1CC, vcenter"),
        ("A9", "Calibri 11, bold, ink 1E6B34, ground E3F3E6, vcenter"),
        ("B6", "Calibri 11, ink 1F2933, center, vcenter, bottom thin D5DAE0, as 0%"),
        ("B7", "Calibri 11, ink 1F2933, center, vcenter, bottom thin D5DAE0, as 0%"),
        ("C6", "Calibri 11, ink 1F2933, vcenter, wrapped, bottom thin D5DAE0"),
        ("D6", "Calibri 11, ink 1F2933, center, vcenter, bottom thin D5DAE0"),
    ],
)
def test_how_a_page_looks(book, cell, expected):
    assert look(book["Rooms"][cell]) == expected


def test_text_of_a_narrow_column_is_not_broken_into_lines(book):
    assert look(book["Left out"]["A4"]) == "Calibri 11, ink 1F2933, left, vcenter, bottom thin D5DAE0"
    assert "wrapped" in look(book["Left out"]["B4"])


def test_a_row_is_as_high_as_the_lines_of_its_widest_text(book):
    heights = {number: row.height for number, row in book["Rooms"].row_dimensions.items() if row.height}
    # 150 characters in 70 are 3 lines, 70 are 2: the last one has not always room.
    assert heights == pytest.approx({1: 26, 5: 32, 6: 48, 7: 16, 8: 16, 9: 32}, abs=0.5)


def test_a_very_long_text_has_twenty_lines_at_most(tmp_path):
    with term_book(tmp_path / "x.xlsx", [], with_problems=False) as pages:
        rows = [("a", "x" * 61 * 19), ("a", "x" * 61 * 90), ("x" * 999, "a")]
        pages.rooms(Cells(("Room", "Long"), (60, 61), rows), [])
    page = openpyxl.load_workbook(tmp_path / "x.xlsx")["Rooms"]
    assert [page.row_dimensions[row].height for row in (4, 5, 6)] == pytest.approx([320, 320, 16], abs=0.5)
    assert ["wrapped" in look(page[cell]) for cell in ("A4", "B4")] == [False, True], "wider than 60 characters"


def test_what_stays_in_view_is_filtered_and_prints(book):
    page = book["Rooms"]
    assert (page.freeze_panes, page.auto_filter.ref) == ("B6", "A5:D9")
    assert _widths(page) == [18, 9, 70, 17]
    assert page.sheet_view.showGridLines is False
    assert (page.page_setup.orientation, page.page_setup.paperSize, page.page_setup.fitToHeight) == ("landscape", 9, 0)
    assert (page.sheet_properties.pageSetUpPr.fitToPage, page.page_setup.fitToWidth) == (True, None)  # None: one
    assert page.print_title_rows == "$5:$5"
    footer = page.oddFooter
    assert (footer.left.text, footer.left.size, footer.right.text, footer.right.size) == ("&A", 8, "page &P of &N", 8)


def test_a_time_on_a_page_is_a_day_with_its_minute(tmp_path):
    at = datetime(2026, 11, 16, 8, 15, 59)  # noqa: DTZ001 - a cell has no zone
    with term_book(tmp_path / "x.xlsx", [], with_problems=False) as pages:
        pages.rooms(Cells(("Room", "Last seen"), (18, 16), [("room 1", at)]), [])
    cell = openpyxl.load_workbook(tmp_path / "x.xlsx")["Rooms"]["B4"]
    assert (cell.value, cell.number_format) == (at.replace(second=0), "yyyy-mm-dd hh:mm")


def test_a_page_without_rows_has_no_filter(tmp_path):
    with term_book(tmp_path / "x.xlsx", [], with_problems=False) as pages:
        pages.rooms(Cells(("Room",), (18,), []), [])
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert (book["Rooms"].auto_filter.ref, book["Rooms"].freeze_panes) == (None, "B4")
    assert (book["Events"].auto_filter.ref, book["Events"].freeze_panes) == (None, "A2")


def test_events_are_listed_in_ed_fis_words(book):
    page, lessons = book["Events"], [register.lesson.lesson_id for register in _registers()]
    heads, *rows = _values(page)
    assert heads == [
        *("Date", "Start", "End", "Room", "Course", "Student id", "Name", "Ed-Fi attendance event", "Share", "Flags"),
        *("Corrected by", "Note", "Lesson id", "Facing the class", "Needed", "Distance"),
    ]
    note = (
        "Corrected by T, 2026-11-16: was not there; facing the class in 0 pictures (0%);"
        " 8 short of the rule (8 of 20 pictures)"
    )
    first, then = datetime.fromisoformat("2026-11-16"), datetime.fromisoformat("2026-12-06")
    room = ["room 204", "7b"]
    assert rows == [
        [first, time(8), time(8, 45), *room, "S1", "=Ann", "Tardy", 1, "late", None, None, lessons[0], 20, 8, 12],
        [
            *(first, time(8), time(8, 45), *room, "S2", "Bo", "Unexcused Absence", 0, "corrected", "T", note),
            *(lessons[0], 0, 8, -8),
        ],
        [
            *(then, time(8), time(8, 45), *room, "S1", "=Ann", "Early departure", 0.9, "left_early", None, None),
            *(lessons[1], 18, 8, 10),
        ],
        [
            *(then, time(10), time(10, 45), *room, "S1", "=Ann", "Unexcused Absence", 0, None, None, None),
            *(lessons[2], 0, 8, -8),
        ],
    ]
    assert [page[f"{column}2"].number_format for column in "ABCP"] == ["yyyy-mm-dd", "hh:mm", "hh:mm", "+0;-0;0"]
    assert page.auto_filter.ref == "A1:P5"
    assert _widths(page) == [11, 7, 7, 14, 14, 13, 26, 24, 8, 20, 18, 50, 38, 10, 9, 9]
    assert page.row_dimensions[1].height == pytest.approx(20, abs=0.5)
    assert look(page["A1"]) == "Calibri 10, bold, ink FFFFFF, ground 24405C, left, wrapped"
    assert page["I2"].number_format == "0%"
    assert page["H2"].number_format == "General"
    assert page.print_title_rows == "$1:$1"


def test_a_share_is_rounded_to_four_decimals(tmp_path):
    register = _register({"a": 0.0, "b": 1.0})
    (event,) = events_of(register, BERLIN)
    event = replace(event, entry=replace(event.entry, verdict=replace(event.entry.verdict, share=1 / 3)))
    with term_book(tmp_path / "x.xlsx", [], with_problems=False) as pages:
        pages.event(event, "")
    assert openpyxl.load_workbook(tmp_path / "x.xlsx")["Events"]["I2"].value == 0.3333


def test_an_event_has_all_its_flags_and_no_counts_where_the_rule_is_not_known(tmp_path):
    register = replace(_with_flags(_register({"a": 1.0}), "a", "late", "left_early"), rule=None)
    (event,) = events_of(register, BERLIN)
    with term_book(tmp_path / "x.xlsx", [], with_problems=False) as pages:
        pages.event(event, "")
    (row,) = _values(openpyxl.load_workbook(tmp_path / "x.xlsx")["Events"], 2)
    assert (row[9], row[13:]) == ("late left_early", [None, None, None])


def test_months_have_the_counts_of_each_student_in_total_and_by_month(book):
    page = book["Months"]
    remark = "Present % is of the lessons that were decided. Open: to confirm, or not assessed."
    counted = ["present %", "present", "absent", "tardy", "left early", "open"]
    heads = [
        "Name",
        "Student id",
        *(f"{month}\n{word}" for month in ("Term", "2026-11", "2026-12") for word in counted),
    ]
    assert _values(page) == [
        ["Attendance · Months", *[None] * 19],
        [remark, *[None] * 19],
        [None] * 20,
        heads,
        ["Bo", "S2", 0.5, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0],
        ["=Ann", "S1", 0.6667, 2, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0.5, 1, 1, 0, 1, 0],
        [None, "S3", None, 0, 0, 0, 0, 1, None, 0, 0, 0, 0, 0, None, 0, 0, 0, 0, 1],
    ]
    assert _widths(page) == [24, 14, *[10] * 18]
    assert page.row_dimensions[5].height == pytest.approx(16, abs=0.5)
    assert page.freeze_panes == "C5"
    assert page["C5"].number_format == "0%"
    assert "left" in look(page["B4"])
    assert "center" in look(page["C4"])


def test_a_student_who_was_not_assessed_counts_as_open(tmp_path):
    months = Months(BERLIN)
    register, _ = a_register(a_lesson(), {"a": 1.0}, not_assessed=["a"])
    months.add(register)
    with term_book(tmp_path / "x.xlsx", [], with_problems=False) as pages:
        pages.months(months, {})
    assert _values(openpyxl.load_workbook(tmp_path / "x.xlsx")["Months"], 5)[0][:8] == [None, "a", None, 0, 0, 0, 0, 1]


def _book_of(path: Path) -> TermBook:
    return term_book(path, ["2026-W47"], with_problems=False)


def test_more_lessons_at_a_time_than_a_sheet_has_columns_are_refused(tmp_path, monkeypatch):
    sheet = term_sheet([_register({"a": 1.0}), _register({"a": 1.0}, 2)], {}, BERLIN, "week")
    with _book_of(tmp_path / "x.xlsx") as pages:
        monkeypatch.setattr(module, "_MOST_COLUMNS", 2)
        pages.sheet(sheet)
        monkeypatch.setattr(module, "_MOST_COLUMNS", 1)
        with pytest.raises(RegisterError) as error:
            pages.sheet(sheet)
    assert error.value.line() == (
        "2026-W47: has 2 columns, more than a sheet may; collect the rooms in several parts, or write .csv"
    )


def test_a_class_has_a_page_of_its_own_as_long_as_a_book_may_have_one_more(tmp_path, monkeypatch):
    sheet = term_sheet([_register({"a": 1.0})], {}, BERLIN, "week", part="7b")
    monkeypatch.setattr(module, "_MOST_PAGES", 5)
    with _book_of(tmp_path / "x.xlsx") as pages:  # begins with four
        pages.sheet(sheet)
        with pytest.raises(RegisterError) as error:
            pages.sheet(sheet)
    assert error.value.line() == (
        "2026-W47 7b: would need more than 5 pages; use --by month, or --since with a later day"
    )
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert book.sheetnames == ["Rooms", "Months", "Events", "2026-W47", "2026-W47 7b"]
    assert "a" in {row[1] for row in _values(book["2026-W47 7b"])}


def test_where_a_page_of_events_is_full_another_one_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST_ROWS", 4)
    events = list(events_of(_register(dict.fromkeys("abcdefg", 0.0)), BERLIN))
    with _book_of(tmp_path / "x.xlsx") as pages:
        for event in events:
            pages.event(event, "")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert book.sheetnames == ["Rooms", "Months", "Events", "2026-W47", "Events 2", "Events 3"]
    of_pages = [book[name] for name in ("Events", "Events 2", "Events 3")]
    assert [[row[5] for row in _values(page)] for page in of_pages] == [
        ["Student id", "a", "b", "c"],
        ["Student id", "d", "e", "f"],
        ["Student id", "g"],
    ]
    assert [page.auto_filter.ref for page in of_pages] == ["A1:P4", "A1:P4", "A1:P2"]
    assert {page.freeze_panes for page in of_pages} == {"A2"}
    assert _widths(of_pages[2]) == _widths(of_pages[0])


def test_a_page_takes_as_many_rows_as_it_has(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST_ROWS", 5)
    with _book_of(tmp_path / "x.xlsx") as pages:
        pages.rooms(Cells(("Room",), (18,), [(f"room {n}",) for n in range(5)]), [])
    page = openpyxl.load_workbook(tmp_path / "x.xlsx")["Rooms"]
    assert [row[0] for row in _values(page, 4)] == ["room 0", "room 1"]
    assert page.auto_filter.ref == "A3:A5"


def test_the_limits_are_those_of_spreadsheet_programs():
    assert (module._MOST_ROWS, module._MOST_COLUMNS, module._MOST_PAGES) == (2**20, 16_000, 400)
