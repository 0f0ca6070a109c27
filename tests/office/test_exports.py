"""CSV by template, and Parquet: the registers in the words of another system."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest

from edge_daemon_office.backup import write_backup
from edge_daemon_office.decisions.models import Excuse
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import read_home
from edge_daemon_office.ingest.run import ingest
from edge_daemon_office.interfaces.csv_export import write_csv
from edge_daemon_office.interfaces.parquet import write_parquet
from edge_daemon_office.interfaces.term_report import COLUMNS, write_term
from edge_daemon_office.registers.models import Lesson, Mark
from tests.office.school_tree import pinned_room
from tests.registers import START

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
SETTINGS = """
[schools.north]
tree = "tree"
[schools.north.csv.moodle]
delimiter = ";"
encoding = "utf-8-sig"
date_format = "%d.%m.%Y"
skip = ["to_confirm", "not_assessed"]
columns = [["ID", "student_id"], ["Name", "name"], ["Date", "day"], ["From", "start"],
  ["Status", "word"], ["Why", "excuse_code"]]
[schools.north.csv.moodle.words]
present = "P"
absent = "A"
excused = "E"
"""
FIRST, LAST = date(2026, 11, 1), date(2026, 12, 31)


@pytest.fixture
def school(office, tmp_path):
    (tmp_path / "office.toml").write_text(SETTINGS, "utf-8")
    one = replace(office.schools["north"], csv=read_home(tmp_path).schools["north"].csv)
    one.roster.write_text("student_id,name,courses\ns1,=cmd(),7b\ns2,Zoë Ünal,7b\n", "utf-8")
    room = pinned_room(one, "room 1")
    for day in (0, 20):
        room.deliver(room.register(START + timedelta(days=day), {"s1": 0.9, "s2": 0.0, "s3": 0.42}))
    ingest(one, NOW)
    about = {"first_day": date(2026, 12, 6), "last_day": date(2026, 12, 6), "code": "illness", "at": NOW}
    Excuse.objects.create(school="north", excuse_id="1", student_id="s2", **about)
    return one


def test_the_terms_figures_are_those_of_the_pages_by_student_and_course(school, tmp_path):
    path = tmp_path / "term.csv"
    assert write_term(school, FIRST, LAST, path) == 3
    head, *rows = csv.reader(path.read_text("utf-8-sig").splitlines())
    assert tuple(head) == COLUMNS
    assert rows == [
        ["s1", "'=cmd()", "7b", "2", "0", "0", "0", "0", "100.0"],
        ["s2", "Zoë Ünal", "7b", "0", "2", "1", "0", "0", "0.0"],
        ["s3", "", "7b", "0", "0", "0", "2", "0", ""],
    ]
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(OfficeError, match="can't be written"):
        write_term(school, FIRST, LAST, tmp_path / "missing" / "term.csv")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OfficeError, match="can't be written: is not a regular file"):
        write_term(school, FIRST, LAST, path)
    with pytest.raises(OfficeError, match="can't be written: is not a regular file"):
        write_backup(read_home(tmp_path), path)
    assert path.is_fifo()


def test_a_csv_file_has_the_columns_and_words_of_its_template(school, tmp_path):
    path = tmp_path / "marks.csv"
    count = write_csv(school, school.csv["moodle"], FIRST, LAST, path)
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbfID;Name;")
    assert path.stat().st_mode & 0o077 == 0
    rows = list(csv.reader(data.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert rows[1:] == [
        ["s1", "'=cmd()", "16.11.2026", "08:00", "P", ""],
        ["s2", "Zoë Ünal", "16.11.2026", "08:00", "A", ""],
        ["s1", "'=cmd()", "06.12.2026", "08:00", "P", ""],
        ["s2", "Zoë Ünal", "06.12.2026", "08:00", "E", "illness"],
    ]
    assert count == 4  # s3 is close to the limit: to confirm, and left out
    assert write_csv(school, replace(school.csv["moodle"], skip=frozenset()), FIRST, LAST, path) == 6
    ascii_only = replace(school.csv["moodle"], encoding="ascii")
    before = path.read_bytes()
    with pytest.raises(OfficeError, match="can't be written in ascii"):
        write_csv(school, ascii_only, FIRST, LAST, path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.glob(".marks*")] == []


@pytest.mark.parametrize(
    ("old", "new", "expected_message"),
    [
        ('["Date", "day"]', '["Date", "face"]', "schools.north.csv.moodle.columns: has an unknown column"),
        ('delimiter = ";"', 'delimiter = "; "', "schools.north.csv.moodle.delimiter: is not one sign"),
        ("utf-8-sig", "utf-9", "schools.north.csv.moodle.encoding: is unknown"),
        ('skip = ["to_confirm"', 'skip = ["maybe"', "schools.north.csv.moodle.skip: is not a list of states"),
        ('present = "P"', 'here = "P"', "schools.north.csv.moodle.words.here: is not a setting"),
    ],
)
def test_a_wrong_template_is_named_by_its_key(tmp_path, old, new, expected_message):
    (tmp_path / "office.toml").write_text(SETTINGS.replace(old, new), "utf-8")
    with pytest.raises(OfficeError) as caught:
        read_home(tmp_path)
    assert expected_message in caught.value.line()


def test_settings_of_ed_fi_are_checked(tmp_path):
    (tmp_path / "secret").write_text("s3cret\n", "utf-8")
    path = tmp_path / "office.toml"
    usual = (
        '[schools.north]\ntree = "t"\n[schools.north.edfi]\nurl = "https://edfi.example.org/api/"\nclient_id = "k"\n'
    )
    usual += 'secret_file = "secret"\nschool_id = 255901001\n'
    path.write_text(usual + 'categories = {excused = "uri://state.example/x#E"}\n', "utf-8")
    edfi = read_home(tmp_path).schools["north"].edfi
    assert (edfi.url, edfi.client_secret, edfi.school_id) == ("https://edfi.example.org/api", "s3cret", 255901001)
    assert edfi.mapping == tmp_path / "north-edfi.csv"
    assert edfi.categories["excused"] == "uri://state.example/x#E"
    assert edfi.categories["late"].endswith("#Tardy")
    assert "s3cret" not in repr(edfi)
    for old, new, expected_message in (
        ("https://edfi.example.org", "http://edfi.example.org", "edfi.url: is not an https address"),
        ("school_id = 255901001", "", "edfi.school_id: is missing"),
        ('secret_file = "secret"', 'secret_file = "none"', "edfi.secret_file: can't be read"),
    ):
        path.write_text(usual.replace(old, new), "utf-8")
        with pytest.raises(OfficeError) as caught:
            read_home(tmp_path)
        assert expected_message in caught.value.line()


def test_parquet_has_each_lesson_and_mark_once_by_school_and_month(school, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra of the office")
    folder = tmp_path / "lake"
    for _ in range(2):  # a second export replaces the first
        count = write_parquet(school, folder)
        assert (count.months, count.lessons, count.marks) == (2, 2, 6)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))
    assert files == [
        f"{name}/school=north/month={one}/part.parquet" for name in ("lessons", "marks") for one in (202611, 202612)
    ]
    table = parquet.read_table(folder / "marks")
    assert set(table.column("month").to_pylist()) == {202611, 202612}
    rows = {(one["lesson_id"], one["student_id"]): one for one in table.to_pylist()}
    for mark in Mark.objects.all():
        row = rows.pop((mark.lesson_id, mark.student_id))
        assert (row["day"], row["start"], row["standing"], row["share"]) == (
            mark.day,
            mark.start,
            mark.standing,
            mark.share,
        )
    assert rows == {}
    lessons = parquet.read_table(folder / "lessons").to_pylist()
    assert [one["sha256"] for one in lessons] == list(Lesson.objects.order_by("day").values_list("sha256", flat=True))
    assert write_parquet(school, folder, date(2026, 12, 1)).months == 1
