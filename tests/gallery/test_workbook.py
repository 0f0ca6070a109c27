"""Excel workbooks: the first sheet is read as Excel shows it; other files are refused."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from datetime import date

import openpyxl
import pytest

from edge_daemon.errors import RosterError
from edge_daemon.gallery.class_list import workbook
from edge_daemon.gallery.roster import read_names, read_roster

HEADER = ("Schüler-ID", "Name", "E-Mail", "Eltern-E-Mail", "Einwilligung")


def saved(path, *rows, formats=(), more=()):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "7a"
    for row in rows:
        sheet.append(row)
    for cell, number_format in formats:
        sheet[cell].number_format = number_format
    for title in more:
        book.create_sheet(title).append(("nothing",))
    book.save(path)
    return path


def test_a_workbook_is_read_whatever_its_name(tmp_path):
    path = saved(tmp_path / "roster.csv", HEADER, ("S1", "Zoë", "z@x.example", None, "ja"), ("S2", "Bo"))
    roster = read_roster(path)
    assert [(r.student.student_id, r.student.name, r.student.consent, r.line) for r in roster.rows] == [
        ("S1", "Zoë", True, 2), ("S2", "Bo", False, 3),
    ]  # fmt: skip
    assert roster.form.startswith("Excel workbook, sheet '7a'")


def test_numbers_truth_and_days_are_text_as_excel_shows_them(tmp_path):
    path = saved(
        tmp_path / "r.xlsx", (*HEADER, "Geburtstag"),
        (123, "A", None, None, True, date(2012, 5, 4)), (202612345678, "B", None, None, False, None),
        (45678.0, "C", None, None, 1, None), (2345, "D", None, None, "x", None),
        formats=(("A2", "000000"), ("A5", "000000")),
    )  # fmt: skip
    roster = read_roster(path)
    assert [(r.student.student_id, r.student.consent) for r in roster.rows] == [
        ("000123", True), ("202612345678", False), ("002345", True),
    ]  # fmt: skip
    assert "line 4: the student_id '45678' lost zeros in front" in str(roster.left_out[0])
    assert roster.rows[0].extra == {"Geburtstag": "2012-05-04"}


def test_days_and_long_numbers_in_the_id_are_damage(tmp_path):
    path = saved(
        tmp_path / "r.xlsx", HEADER, (date(2026, 7, 3), "A", None, None, "x"),
        (1234567890123450000, "B", None, None, "x"), ("S3", "C", None, None, "x"),
    )  # fmt: skip
    roster = read_roster(path)
    assert [row.student.student_id for row in roster.rows] == ["S3"]
    assert [one.line for one in roster.left_out] == [2, 3]


def test_only_the_first_sheet_counts_and_blank_rows_do_not(tmp_path):
    path = saved(tmp_path / "r.xlsx", (), ("Klasse 7a",), HEADER, (), ("S1", "A", "", "", "ja"), more=("7b",))
    roster = read_roster(path)
    assert [row.student.student_id for row in roster.rows] == ["S1"]
    assert "only the first of 2 sheets is read ('7a')" in map(str, roster.remarks)


def test_names_for_the_office_come_out_of_a_workbook_too(tmp_path):
    assert read_names(saved(tmp_path / "r.xlsx", ("id", "Vorname", "Nachname"), (7, "Ann", "Lee"))) == {"7": "Ann Lee"}


def refusal(path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(RosterError) as caught:
        read_roster(path)
    return caught.value.line()


def test_a_file_that_is_no_workbook_is_named(tmp_path):
    path = tmp_path / "r.xlsx"
    assert "an old Excel file (.xls) or has a password" in refusal(path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert "a damaged Excel file" in refusal(path, b"PK\x03\x04" + bytes(100))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("content.xml", "<office/>")
    assert "not an Excel workbook" in refusal(path, packed.getvalue())
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook")
    assert "can't be read as a workbook" in refusal(path, packed.getvalue())
    whole = saved(path, HEADER, ("S1", "A", "", "", "ja")).read_bytes()
    assert "Excel" in refusal(path, whole[: len(whole) // 2])


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MAX_UNPACKED_BYTES", 1000)
    path = saved(tmp_path / "r.xlsx", HEADER, ("S1", "A", "", "", "ja"))
    with pytest.raises(RosterError, match="when unpacked"):
        read_roster(path)


def test_a_column_that_was_formatted_to_its_end_is_no_list_of_a_million(tmp_path):
    path = saved(tmp_path / "r.xlsx", HEADER, ("S1", "A", "", "", "ja"), formats=(("A60000", "@"),))
    assert len(read_roster(path).rows) == 1


def test_openpyxl_is_not_imported_without_a_workbook():
    code = (
        "import sys\n"
        "import edge_daemon.gallery.oneroster, edge_daemon.gallery.pulled_roster\n"
        "from edge_daemon.gallery.pulled_roster import parse_pulled_roster\n"
        "parse_pulled_roster(b'student_id,name,email,guardian_email,consent\\nS1,A,,,yes\\n')\n"
        "print(sorted({'openpyxl', 'cv2'} & set(sys.modules)))"
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert completed.stdout.strip() == "[]"


def test_messages_of_the_library_on_a_damaged_workbook_are_not_printed(tmp_path, capsys):
    path = saved(tmp_path / "roster.xlsx", HEADER, ("S1", "Zoë"))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    damaged = parts["xl/styles.xml"].replace(b'name="Normal" xfId="0"', b'name="Normal" xfId="17"')
    assert damaged != parts["xl/styles.xml"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, damaged if name == "xl/styles.xml" else content)
    with pytest.raises(RosterError, match="can't be read as a workbook"):
        read_roster(path)
    assert capsys.readouterr().out == ""
