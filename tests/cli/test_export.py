from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click
import openpyxl
import pytest

from edge_daemon.cli.days import DAY
from edge_daemon.device.secrets import device_key
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store.database import open_gallery
from edge_daemon.store.gallery import GalleryChange, replace_roster
from edge_daemon.types import Student
from tests.cli.running import run
from tests.registers import START, a_home, a_lesson, a_register

NAMES = {"b": "=Zoë 🎓", "a": "محمد"}


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    lessons = [
        a_lesson(START),
        a_lesson(START + timedelta(days=7), "chess"),
        a_lesson(START + timedelta(days=8), "7b", "rehearsal"),
        a_lesson(datetime(2026, 11, 30, 23, 30, tzinfo=timezone.utc), "at night"),  # 1 December in Berlin
    ]
    a_home(folder, [a_register(lesson, {"a": 1.0, "b": 0.0}, captures=4) for lesson in lessons])
    (folder / "config.toml").write_text('[device]\ntime_zone = "Europe/Berlin"\n', "utf-8")
    return folder


def enrol(home):
    db = open_gallery(home / "gallery.sqlite")
    store = GalleryStore(db, device_key(home / "device.key"))
    rows = [
        store.sealed_student(Student(i, name, "", "", True, ()), {}, position, store.new_key(i))
        for position, (i, name) in enumerate(NAMES.items())
    ]
    change = GalleryChange(rows, templates=(), replaced=frozenset(), look_alikes=(), tombstones=())
    assert replace_roster(db, change, expected_keys=())
    db.conn.close()


def export(home, output, first="2026-11-01", last="2026-11-30", *options):
    return run(home, "export", "--from", first, "--to", last, "--output", str(output), *options)


def lines_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_days_are_those_of_the_school_and_the_last_one_is_included(home, tmp_path):
    out = tmp_path / "out.csv"
    assert export(home, out).stdout == f"3 registers written to {out}\n"
    assert {line["date"] for line in lines_of(out)} == {"2026-11-16", "2026-11-23", "2026-11-24"}
    assert export(home, out, "2026-12-01", "2026-12-01").exit_code == 0
    assert {(line["date"], line["start"]) for line in lines_of(out)} == {("2026-12-01", "00:30")}
    assert export(home, out, "2026-11-16", "2026-11-16").exit_code == 0
    assert len(lines_of(out)) == 2


def test_lessons_can_be_chosen(home, tmp_path):
    out = tmp_path / "out.csv"
    export(home, out, "2026-11-01", "2026-11-30", "--course", "chess")
    assert {line["course"] for line in lines_of(out)} == {"chess"}
    export(home, out, "2026-11-01", "2026-11-30", "--without-rehearsals")
    assert {line["origin"] for line in lines_of(out)} == {"timetable"}


def test_sheets_are_weekly_or_monthly(home, tmp_path):
    out = tmp_path / "out.xlsx"
    export(home, out)
    assert openpyxl.load_workbook(out).sheetnames == ["2026-W47", "2026-W48", "Distance"]
    export(home, out, "2026-11-01", "2026-12-31", "--by", "month")
    assert openpyxl.load_workbook(out).sheetnames == ["2026-11", "2026-12", "Distance"]


def test_each_class_or_room_may_have_sheets_of_its_own(home, tmp_path):
    out = tmp_path / "out.xlsx"
    export(home, out, "2026-11-01", "2026-11-30", "--by", "month", "--split", "class")
    assert openpyxl.load_workbook(out).sheetnames == ["2026-11 7b", "2026-11 chess", "Distance"]
    export(home, out, "2026-11-01", "2026-11-30", "--by", "month", "--split", "room")
    assert openpyxl.load_workbook(out).sheetnames == ["2026-11 room 204", "Distance"]


def test_the_settings_say_when_a_week_begins(home, tmp_path):
    (home / "config.toml").write_text(
        '[device]\ntime_zone = "Europe/Berlin"\n[week]\nfirst_day = "tuesday"\nweekend = []\n', "utf-8"
    )
    out = tmp_path / "out.xlsx"
    export(home, out)
    book = openpyxl.load_workbook(out)
    # A lesson on Monday 16, one on Monday 23 and one on Tuesday 24 November.
    assert book.sheetnames == ["2026-W46", "2026-W47", "2026-W48", "Distance"]
    assert [page["A2"].value.partition(" · ")[2] for page in book.worksheets[:3]] == [
        *("2026-11-10 to 2026-11-16", "2026-11-17 to 2026-11-23", "2026-11-24 to 2026-11-30"),
    ]


def test_csv_for_a_program_with_a_decimal_comma(home, tmp_path):
    out = tmp_path / "out.csv"
    export(home, out)
    plain = out.read_text("utf-8-sig")
    assert export(home, out, "2026-11-01", "2026-11-30", "--locale", "de-AT").exit_code == 0
    german = list(csv.DictReader(out.read_text("utf-8-sig").splitlines(), delimiter=";"))
    assert [line["share"] for line in german] == [
        line["share"].replace(".", ",") for line in csv.DictReader(plain.splitlines())
    ]
    assert german[0]["share"] == "1,0000"
    out.unlink()
    refused = export(home, out, "2026-11-01", "2026-11-30", "--locale", "klingon")
    assert (refused.exit_code, out.exists()) == (2, False)
    assert refused.stderr.startswith("edge-daemon: --locale klingon: is not a known language")


def test_names_are_joined_from_the_gallery_in_the_rosters_order(home, tmp_path):
    enrol(home)
    export(home, tmp_path / "out.xlsx")
    page = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    rows = [(row[0].value, row[1].value, row[2].value) for row in page.iter_rows() if row[1].value in NAMES]
    assert rows == [("=Zoë 🎓", "b", "A?"), ("محمد", "a", "P")]
    export(home, tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["names"] == NAMES
    assert "محمد" in run(home, "register", "show", a_lesson(START).lesson_id).stdout


def test_without_the_key_students_stand_by_their_ids_and_no_key_is_made(home, tmp_path):
    enrol(home)
    (home / "device.key").unlink()
    result = export(home, tmp_path / "out.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    assert {(line["student_id"], line["name"]) for line in lines_of(tmp_path / "out.csv")} == {("a", ""), ("b", "")}
    assert not (home / "device.key").exists()


def test_a_gallery_that_can_not_be_read_is_a_warning(home, tmp_path):
    enrol(home)
    (home / "device.key").chmod(0o600)
    (home / "device.key").write_bytes(bytes(32))
    result = export(home, tmp_path / "out.csv")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: ")
    assert result.stderr.endswith("only ids are shown\n")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("output", "first", "last", "message"),
    [
        ("out.pdf", "2026-11-01", "2026-11-30", "use .xlsx, .csv or .json"),
        ("out", "2026-11-01", "2026-11-30", "no ending"),
        ("folder.csv", "2026-11-01", "2026-11-30", "is a folder"),
        ("nowhere/out.csv", "2026-11-01", "2026-11-30", "no such folder"),
        ("out.csv", "2026-11-30", "2026-11-01", "the first day is after the last"),
        ("out.csv", "2026-13-01", "2026-11-01", "--from"),
        ("out.csv", "16.11.2026", "2026-11-30", "--from"),
        ("out.csv", "2026-11-01", "someday", "--to"),
        ("out.csv", "2025-01-01", "2025-12-31", "no registers in these days"),
        ("out.csv", "0001-01-01", "9999-12-31", "out of range"),
    ],
)
def test_mistakes_are_refused_in_one_line_and_nothing_is_written(home, tmp_path, output, first, last, message):
    (tmp_path / "folder.csv").mkdir()
    result = export(home, tmp_path / output, first, last)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.csv", "home"]


def test_before_the_first_lesson_there_is_nothing_to_export(tmp_path):
    result = export(tmp_path / "home", tmp_path / "out.csv")
    assert result.exit_code == 2
    assert "there is no such folder; name the folder of an installation with --home, or enrol first: `" in result.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(("word", "days"), [("yesterday", -1), ("today", 0), ("tomorrow", 1)])
def test_days_near_have_words(word, days):
    before = datetime.now().astimezone().date()
    found = DAY.convert(word, None, None).date()
    assert before + timedelta(days=days) <= found <= datetime.now().astimezone().date() + timedelta(days=days)


def test_another_word_is_no_day():
    with pytest.raises(click.BadParameter, match="is not a day; give YYYY-MM-DD, yesterday, today or tomorrow"):
        DAY.convert("someday", None, None)


def test_the_export_of_the_readme_finds_a_rehearsal_of_now(tmp_path):
    lesson = a_lesson(datetime.now(timezone.utc) - timedelta(minutes=45), "", "rehearsal")
    a_home(tmp_path, [a_register(lesson, {"s-1": 1.0}, captures=4)])
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (line,) = [one for one in readme.splitlines() if " export --from " in one]
    options = line.split(" export ")[1].replace("register.xlsx", str(tmp_path / "register.xlsx")).split()
    result = run(tmp_path, "export", *options)
    assert (result.exit_code, "1 register written" in result.stdout) == (0, True), result.stderr


def test_an_unknown_student_is_named_and_not_the_days(home, tmp_path):
    output = tmp_path / "one.csv"
    result = export(home, output, "2026-11-01", "2026-11-30", "--student", "nobody")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nobody has this id: it is on no register and not on the roster" in result.stderr
    known = export(home, output, "2020-01-01", "2020-01-02", "--student", "a")
    assert "there are no registers in these days" in known.stderr
    left = export(home, output, "2026-11-01", "2026-11-30", "--course", "9z", "--without-rehearsals")
    assert left.stderr.endswith(
        "2026-11-01 to 2026-11-30: --course 9z --without-rehearsals leaves out all 3 registers of these days;"
        " the courses of these days: 7b, chess\n"
    )
    assert not output.exists()
