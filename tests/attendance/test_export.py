from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import re
import stat
import tempfile
import time
from dataclasses import replace
from datetime import date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from edge_daemon.attendance.document import Document, from_json, to_json
from edge_daemon.attendance.export import Export, check_output, guarded, write_export
from edge_daemon.attendance.register import correct
from edge_daemon.attendance.sightings_csv import write_sightings
from edge_daemon.attendance.week import school_week
from edge_daemon.errors import RegisterError, StoreError
from edge_daemon.types import Box, Sighting
from tests.nobody import as_nobody
from tests.registers import START, a_lesson, a_register

NAMES = {
    "S1": "=cmd|' /C calc'!A0",
    "S2": 'O’Brien "Bob", Jr.',
    "S3": "محمد عبد الرحمن",
    "S4": "Zoë 🎓 👩‍🏫",
    "S5": "x" * 300,
    "S6": "+49 30 1234",
    "S7": "-1",
    "S8": "@SUM(A1:A9)",
    "=S9": "\ttab",
    "007": "https://example.org",
    "line": "two\nlines\x07bell",
}
SHARES = dict.fromkeys(NAMES, 1.0) | {"S2": 0.4, "S3": 0.0, "S4": 0.9}


def export_of(registers, names=NAMES, by="week"):
    documents = [Document(register, None, None, None) for register in registers]
    return Export(date(2026, 11, 16), date(2026, 11, 30), documents, names, ZoneInfo("Europe/Berlin"), by)


@pytest.fixture
def registers():
    first, _ = a_register(a_lesson(), SHARES, not_assessed=["S4"])
    second, _ = a_register(a_lesson(START + timedelta(days=1), '=HYPERLINK("x")'), SHARES)
    third, _ = a_register(a_lesson(START + timedelta(days=7), "7b", "rehearsal"), SHARES)
    return [first, correct(second, "S3", "present", by="=Ms Ünal", reason="sat behind\na pillar", at=START), third]


def cells(page):
    return [cell for row in page.iter_rows() for cell in row if cell.value is not None]


def workbook(tmp_path, export, name="out.xlsx"):
    write_export(tmp_path / name, export)
    return openpyxl.load_workbook(tmp_path / name)


def row_of(page, student_id):
    return next(row for row in page.iter_rows() if row[1].value == student_id)


def test_a_sheet_a_week_with_students_in_rows_and_lessons_in_columns(tmp_path, registers):
    book = workbook(tmp_path, export_of(registers))
    assert book.sheetnames == ["2026-W47", "2026-W48", "Distance"]
    page = book["2026-W47"]
    assert [row_of(page, s)[2].value for s in ("S1", "S3", "S4")] == ["P", "A", "–"]
    assert [row_of(page, s)[3].value for s in ("S1", "S3", "S4")] == ["P", "P", "P"]
    assert workbook(tmp_path, export_of(registers, by="month")).sheetnames == ["2026-11", "Distance"]


def test_every_text_of_a_roster_reaches_the_sheet_as_text(tmp_path, registers):
    page = workbook(tmp_path, export_of(registers))["2026-W47"]
    for student_id, name in NAMES.items():
        row = row_of(page, student_id)
        # XLSX writes control characters as _x0007_, which openpyxl does not undo.
        assert row[0].value in (name, name.replace("\x07", "_x0007_"))
        assert row[0].data_type == row[1].data_type == "s"
        assert row[0].hyperlink is None
    ours = ("=COUNTIF(", "=IF(")
    assert all(cell.value.startswith(ours) for cell in cells(page) if cell.data_type == "f")
    assert any(cell.value == '=HYPERLINK("x")' and cell.data_type == "s" for cell in cells(page))


def test_totals_are_formulas_with_their_values(tmp_path, registers):
    write_export(tmp_path / "out.xlsx", export_of(registers))
    values = openpyxl.load_workbook(tmp_path / "out.xlsx", data_only=True)["2026-W47"]
    formulas = openpyxl.load_workbook(tmp_path / "out.xlsx")["2026-W47"]
    assert [cell.value for cell in row_of(values, "S3")[4:9]] == [1, 1, 0, 0, 0.5]
    assert [cell.value for cell in row_of(values, "S4")[4:9]] == [1, 0, 0, 1, 1]
    row = row_of(formulas, "S3")[0].row
    assert [cell.value for cell in row_of(formulas, "S3")[4:9]] == [
        f'=COUNTIF(C{row}:D{row},"P")',
        f'=COUNTIF(C{row}:D{row},"A")',
        f'=COUNTIF(C{row}:D{row},"*~?")',
        f'=COUNTIF(C{row}:D{row},"–")',
        f'=IF(E{row}+F{row}=0,"",E{row}/(E{row}+F{row}))',
    ]
    foot = {row[0].value: [cell.value for cell in row[2:4]] for row in values.iter_rows() if row[0].value}
    assert foot["Present"] == [8, 10], "a doubted presence is to confirm"
    assert foot["Absent"] == [1, 0]
    assert foot["Present of those decided"] == [pytest.approx(8 / 9), 1]


def test_a_correction_is_exported_with_its_author_and_reason(tmp_path, registers):
    page = workbook(tmp_path, export_of(registers))["2026-W47"]
    corrected, plain = row_of(page, "S3")[3], row_of(page, "S1")[3]
    assert "Corrected by =Ms Ünal, 2026-11-16: sat behind\na pillar" in corrected.comment.text
    assert plain.comment is None
    assert corrected.font.b
    assert corrected.border.left.style != plain.border.left.style


def test_a_borderline_mark_is_framed_and_has_a_note(tmp_path, registers):
    page = workbook(tmp_path, export_of(registers))["2026-W47"]
    borderline, plain = row_of(page, "S2")[2], row_of(page, "S1")[2]
    assert "close to the limit" in borderline.comment.text
    assert borderline.border.left.style == "mediumDashed"
    assert plain.border.left.style == "thin"


def test_the_sheet_is_coloured_frozen_filtered_and_prints_on_one_page_width(tmp_path, registers):
    page = workbook(tmp_path, export_of(registers))["2026-W47"]
    rules = [rule for ranges in page.conditional_formatting for rule in ranges.rules]
    assert {rule.formula[0] for rule in rules if rule.type == "cellIs"} == {'"P"', '"A"', '"?"', '"–"', '"P?"', '"A?"'}
    assert all(rule.dxf.fill.bgColor.rgb for rule in rules if rule.type == "cellIs")
    first = row_of(page, "S1")[2]
    assert page.freeze_panes == first.coordinate
    assert page.auto_filter.ref.startswith(f"A{first.row - 1}:")
    assert page.page_setup.orientation == "landscape"
    assert (page.sheet_properties.pageSetUpPr.fitToPage, page.page_setup.fitToHeight) == (True, 0)
    assert page.print_title_rows
    assert page.column_dimensions["A"].width <= 40
    legend = " ".join(str(cell.value) for cell in cells(page) if cell.row < first.row)
    assert all(word in legend for word in ("present", "absent", "not assessed", "to confirm", "look again"))


def test_a_rehearsal_says_so(tmp_path, registers):
    page = workbook(tmp_path, export_of(registers))["2026-W48"]
    assert any("(rehearsal)" in str(cell.value) for cell in cells(page))


def test_a_lesson_without_students_makes_a_sheet_without_formulas(tmp_path):
    empty, _ = a_register(a_lesson(), {})
    page = workbook(tmp_path, export_of([empty]))["2026-W47"]
    assert not [cell for cell in cells(page) if cell.data_type == "f"]


def test_csv_has_a_line_a_student_and_lesson_and_no_formula(tmp_path, registers):
    write_export(tmp_path / "out.csv", export_of(registers))
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 3 * len(NAMES)
    texts = [value for line in lines for name, value in line.items() if name != "distance"]
    assert not [value for value in texts if value.startswith(("=", "+", "-", "@", "\t"))]
    assert all(re.fullmatch(r"-?\d*", line["distance"]) for line in lines)
    by_id = {line["student_id"]: line for line in lines[len(NAMES) : 2 * len(NAMES)]}
    assert by_id["S1"]["name"] == "'=cmd|' /C calc'!A0"
    assert by_id["S2"]["name"] == NAMES["S2"]
    assert by_id["'=S9"]["name"] == "'\ttab"
    assert by_id["S3"]["verdict"] == "present"
    assert (by_id["S3"]["corrected_by"], by_id["S3"]["correction_reason"]) == ("'=Ms Ünal", "sat behind\na pillar")
    assert by_id["S3"]["flags"] == "corrected"
    assert (by_id["S2"]["date"], by_id["S2"]["start"], by_id["S2"]["share"]) == ("2026-11-17", "08:00", "0.4000")
    rule = [tuple(by_id[one][name] for name in ("rule_share", "captures_needed", "distance")) for one in ("S1", "S2")]
    assert rule == [("0.4000", "8", "12"), ("0.4000", "8", "0")]


def test_flags_of_a_line_stand_with_a_space_between_them(tmp_path, registers):
    first = registers[0]
    verdicts = (replace(first.verdicts[0], flags=("borderline", "late")), *first.verdicts[1:])
    flagged = replace(first, verdicts=verdicts, register_flags=("room_empty", "too_dark"))
    write_export(tmp_path / "out.csv", export_of([flagged]))
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        line = next(csv.DictReader(file))
    assert (line["flags"], line["register_flags"], line["held"]) == ("borderline late", "room_empty too_dark", "")


def test_the_times_of_a_sheet_are_the_schools_and_its_weeks_and_classes_too(tmp_path, registers):
    """A lesson of Sunday, 23:00 UTC: a Monday in Berlin, and in a week that begins on Sunday of the same week."""
    late, _ = a_register(a_lesson(START + timedelta(days=6, hours=16)), {"S1": 1.0})
    export = export_of([late, registers[0]])
    assert workbook(tmp_path, export).sheetnames[:2] == ["2026-W47", "2026-W48"]
    assert workbook(tmp_path, replace(export, zone=ZoneInfo("UTC"))).sheetnames[0] == "2026-W47"
    page = workbook(tmp_path, export)["2026-W48"]
    assert [page.cell(row, 3).value for row in (8, 9)] == [datetime.fromisoformat("2026-11-23"), clock(0)]
    sunday = school_week("sunday", ())
    assert workbook(tmp_path, replace(export, week=sunday, zone=ZoneInfo("UTC"))).sheetnames[1] == "2026-W48"
    assert workbook(tmp_path, replace(export, split="class")).sheetnames[:2] == ["2026-W47 7b", "2026-W48 7b"]


def test_csv_has_no_times_of_a_lesson_without_a_clock_as_in_the_sheet(tmp_path, registers):
    lesson = replace(registers[0].lesson, end=registers[0].lesson.start)
    write_export(tmp_path / "out.csv", export_of([replace(registers[0], lesson=lesson)]))
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        line = next(csv.DictReader(file))
    assert (line["date"], line["start"], line["end"]) == ("2026-11-16", "", "")


def test_csv_of_a_register_without_its_rule_has_no_distance(tmp_path, registers):
    write_export(tmp_path / "out.csv", export_of([replace(registers[0], rule=None)]))
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {(line["rule_share"], line["captures_needed"], line["distance"]) for line in lines} == {("", "", "")}
    assert {value for line in lines for name, value in line.items() if name.startswith("room_mask_")} == {""}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_only_what_looks_like_a_formula_is_guarded(start):
    assert guarded(start + "1") == f"'{start}1"
    assert guarded("1" + start) == "1" + start
    assert guarded("") == ""


def test_json_holds_the_documents_unchanged_and_the_names_beside_them(tmp_path, registers):
    export = export_of(registers, names={**NAMES, "elsewhere": "Eve"})
    write_export(tmp_path / "out.json", export)
    content = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert content["names"] == NAMES
    assert (content["from"], content["to"]) == ("2026-11-16", "2026-11-30")
    for register, document in zip(content["registers"], export.documents, strict=True):
        again = json.dumps(register, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(again.encode()).digest() == hashlib.sha256(to_json(document).encode()).digest()
        assert from_json(again).register.verdicts


@pytest.mark.parametrize("name", ["out.xlsx", "out.CSV", "out.json"])
def test_a_file_is_replaced_whole_and_belongs_to_its_owner_only(tmp_path, registers, name):
    (tmp_path / name).write_text("old")
    write_export(tmp_path / name, export_of(registers))
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() != b"old"
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["out.xlsx", "out.csv", "out.json"])
def test_a_failing_export_leaves_the_old_file_and_nothing_else(tmp_path, registers, monkeypatch, name):
    (tmp_path / name).write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RegisterError, match="can't be written: No space left on device"):
        write_export(tmp_path / name, export_of(registers))
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(name, "old")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.pdf", "ending '.pdf' is not known"),
        ("out", "no ending"),
        (".xlsx", "no ending"),
        ("nowhere/out.csv", "no such folder"),
        ("folder.xlsx", "is a folder"),
        ("file/out.csv", "no such folder"),
        (f"{'x' * 300}.csv", "can't be looked at: File name too long"),
    ],
)
def test_places_that_can_not_be_written_are_refused(tmp_path, name, message):
    (tmp_path / "folder.xlsx").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(RegisterError, match=message):
        check_output(tmp_path / name)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("closed/out.csv", "{}: this user may not look into the folder; name a file in a folder of your own"),
        ("seen/out.csv", "{}: this user may not write to the folder; name a file in a folder of your own"),
    ],
)
def test_a_folder_of_another_user_is_refused_with_advice(place, line):
    with tempfile.TemporaryDirectory() as folder:  # under one that everybody may enter, which pytest's own is not
        Path(folder).chmod(0o755)
        Path(folder, "closed").mkdir(mode=0o000)
        Path(folder, "seen").mkdir(mode=0o555)
        with as_nobody(), pytest.raises(RegisterError) as error:
            check_output(Path(folder, place))
        assert error.value.line() == line.format(Path(folder, place).parent)


def test_ten_thousand_students_are_exported_in_a_while(tmp_path):
    names = {f"S{number:05}": f"Student {number}" for number in range(10_000)}
    register, _ = a_register(a_lesson(), dict.fromkeys(names, 1.0), captures=8)
    began = time.process_time()
    for name in ("out.xlsx", "out.csv", "out.json"):
        write_export(tmp_path / name, export_of([register], names))
    assert time.process_time() - began < 60
    page = openpyxl.load_workbook(tmp_path / "out.xlsx", read_only=True).worksheets[0]
    assert sum(row[2] == "P" for row in page.iter_rows(values_only=True)) == 10_000


def test_ids_in_the_csv_of_sightings_are_guarded_and_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "sightings.csv"
    write_sightings(path, [Sighting(0, "@S1", 0.5, True, Box(1, 2, 3, 4))], {0: "=a.jpg"})
    assert path.read_text().splitlines()[1] == "'=a.jpg,'@S1,0.5000,1.0,2.0,3.0,4.0,1"
    before = path.read_bytes()
    monkeypatch.setattr("os.open", full)
    with pytest.raises(StoreError, match="No space left"):
        write_sightings(path, [], {})
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
