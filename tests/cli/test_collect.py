"""`edge-daemon collect`: the office's program, on a computer without cameras."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import openpyxl
import pytest

from edge_daemon.attendance.document import Document, to_json
from edge_daemon.device.signing import Signer, fingerprint
from edge_daemon.timestamps import written
from tests import office_ca
from tests.cli.running import CommandResult, run
from tests.office_server import OfficeServer
from tests.office_tree import OfficeRoom
from tests.registers import START

OTHER = Signer(b"another device's key, 32 bytes..")
NOW = datetime.now(timezone.utc)
EVIL = "=cmd|' /C calc'!A0"


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "server"


@pytest.fixture
def rooms(root) -> list[OfficeRoom]:
    """Two rooms with two lessons each; the second lesson of the first room was corrected."""
    rooms = [OfficeRoom(root, name) for name in ("room 1", "room 2")]
    for number, room in enumerate(rooms):
        one = room.register(START, {f"{number}a": 1.0, f"{number}b": 0.0}, f"{number}x")
        two = room.register(START + timedelta(days=7), {f"{number}a": 1.0, f"{number}b": 0.0}, f"{number}x")
        room.deliver(one)
        room.deliver(two)
        if number == 0:
            room.correct(two, "0b", "present")
        room.heartbeat(NOW - timedelta(minutes=5))
    return rooms


def collect(source: object, output: Path, *arguments: str) -> CommandResult:
    return run(
        output.parent / "no home",
        "collect",
        str(source),
        "--output",
        str(output),
        "--time-zone",
        "Europe/Berlin",
        *arguments,
    )


def book_of(root: Path, tmp_path: Path, *arguments: str, source: object = None, left_out: bool = False):
    result = collect(source or root, tmp_path / "term.xlsx", *arguments)
    assert result.exit_code == (3 if left_out else 0), result.stderr
    return openpyxl.load_workbook(tmp_path / "term.xlsx"), result


def rows(page) -> list[tuple]:
    return [row for row in page.iter_rows(values_only=True) if any(cell is not None for cell in row)]


def room_rows(book) -> dict[str, dict]:
    found = rows(book["Rooms"])
    head = next(n for n, row in enumerate(found) if row[0] == "Room")
    return {row[0]: dict(zip(found[head], row, strict=True)) for row in found[head + 1 :]}


def left_out(book) -> list[tuple[str, str]]:
    found = rows(book["Left out"])
    head = next(n for n, row in enumerate(found) if row[0] == "Where")
    return [(row[0], row[1]) for row in found[head + 1 :]]


def mark(page, student: str, column: int) -> str:
    return next(row for row in page.iter_rows(values_only=True) if row[1] == student)[column]


def test_the_term_has_a_sheet_a_week_with_the_highest_revision_of_each_lesson(root, rooms, tmp_path):
    book, result = book_of(root, tmp_path)
    assert book.sheetnames == ["Rooms", "Left out", "Months", "Events", "2026-W47", "2026-W48"]
    first, second = book["2026-W47"], book["2026-W48"]
    assert [mark(first, s, 2) for s in ("0a", "0b", "1a", "1b")] == ["P", "A", "P", "A"]
    totals = {row[0]: row[2] for row in first.iter_rows(values_only=True) if row[0]}
    assert totals["Present"] == '=COUNTIF(C12:C15,"P")'
    assert totals["Absent"] == '=COUNTIF(C12:C15,"A")'
    assert totals["Present of those decided"].startswith("=IF(")
    assert [mark(second, s, 2) for s in ("0a", "0b", "1a", "1b")] == ["P", "P", "P", "A"]
    assert result.stdout.endswith(f"4 registers of 2 rooms written to {tmp_path / 'term.xlsx'}\n")
    assert result.stderr == ""
    assert left_out(book) == []
    assert {name: row["State"] for name, row in room_rows(book).items()} == {"room 1": "well", "room 2": "well"}


def test_lessons_of_the_same_time_share_a_column_unless_a_student_is_in_both(root, rooms, tmp_path):
    OfficeRoom(root, "room 3").deliver(OfficeRoom(root, "room 3").register(START, {"0a": 0.0}, "guests"))
    book, _ = book_of(root, tmp_path)
    page = book["2026-W47"]
    assert [page.cell(11, column).value for column in (3, 4)] == ["0x, 1x", "guests"]
    assert (mark(page, "0a", 2), mark(page, "0a", 3), mark(page, "1a", 3)) == ("P", "A", None)
    assert "room 2: 1x, 20 of 20 captures" in page.cell(7, 3).comment.text


def test_each_class_or_room_may_have_sheets_of_its_own(root, rooms, tmp_path):
    order = ["Rooms", "Left out", "Months", "Events"]
    book, _ = book_of(root, tmp_path, "--split", "class", "--by", "month")
    assert book.sheetnames == [*order, "2026-11 0x", "2026-11 1x"]
    assert [mark(book["2026-11 1x"], "1b", column) for column in (2, 3)] == ["A", "A"]
    assert not [row for row in rows(book["2026-11 1x"]) if row[1] in ("0a", "0b")]
    book, _ = book_of(root, tmp_path, "--split", "room")
    assert book.sheetnames == [
        *(*order, "2026-W47 room 1", "2026-W47 room 2", "2026-W48 room 1", "2026-W48 room 2"),
    ]


def test_more_pages_than_a_book_can_have_are_refused_in_one_line(root, rooms, tmp_path, monkeypatch):
    monkeypatch.setattr("edge_daemon.attendance.term_book._MOST_PAGES", 6)
    result = collect(root, tmp_path / "term.xlsx", "--split", "room")
    assert (result.exit_code, list(tmp_path.glob("term*"))) == (2, [])
    assert result.stderr == (
        "edge-daemon: 2026-W48 room 1: would need more than 6 pages; use --by month, or --since with a later day\n"
    )


def test_a_week_begins_when_the_school_says_and_its_days_are_those_of_school(root, rooms, tmp_path):
    book, _ = book_of(root, tmp_path, "--first-day", "tuesday", "--weekend", "sunday, monday")
    assert book.sheetnames[-2:] == ["2026-W46", "2026-W47"]  # lessons on Mondays end these weeks
    assert book["2026-W46"]["A2"].value == "2026-W46 · 2026-11-10 to 2026-11-16"
    book, _ = book_of(root, tmp_path, "--first-day", "sunday", "--weekend", "friday,saturday")
    assert book["2026-W47"]["A2"].value == "2026-W47 · 2026-11-15 to 2026-11-19"
    book, _ = book_of(root, tmp_path, "--weekend", "none")
    assert book["2026-W47"]["A2"].value == "2026-W47 · 2026-11-16 to 2026-11-22"
    refused = collect(root, tmp_path / "term.xlsx", "--weekend", "caturday")
    assert refused.exit_code == 2
    assert "--weekend: 'caturday' is not a day of the week; use such as friday,saturday" in refused.stderr


def test_times_of_rooms_are_times(root, rooms, tmp_path):
    book, _ = book_of(root, tmp_path)
    page = book["Rooms"]
    cell = next(row for row in page.iter_rows() if row[0].value == "room 1")[5]
    assert (cell.value, cell.number_format) == (datetime.fromisoformat("2026-11-23 08:00"), "yyyy-mm-dd hh:mm")


def test_csv_for_a_program_with_a_decimal_comma(root, rooms, tmp_path):
    result = collect(root, tmp_path / "term.csv", "--locale", "fr")
    assert result.exit_code == 0, result.stderr
    with (tmp_path / "term.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file, delimiter=";"))
    assert {line["share"] for line in lines} == {"1,0000", "0,0000"}
    before = (tmp_path / "term.csv").read_bytes()
    assert collect(root, tmp_path / "term.csv", "--locale", "xx").exit_code == 2
    assert (tmp_path / "term.csv").read_bytes() == before


def test_the_month_counts_students_and_the_events_are_in_ed_fis_words(root, rooms, tmp_path):
    late = rooms[1].register(START + timedelta(hours=2), {"1a": 1.0, "1b": 0.5}, "1x")
    flagged = tuple(replace(v, flags=("late",)) if v.tally.student_id == "1b" else v for v in late.verdicts)
    rooms[1].deliver(replace(late, verdicts=flagged))
    book, _ = book_of(root, tmp_path)
    table = rows(book["Months"])
    head = next(n for n, row in enumerate(table) if row[0] == "Name")
    students = {row[1]: dict(zip(table[head], row, strict=True)) for row in table[head + 1 :]}
    b = students["1b"]
    assert (b["Term\npresent"], b["Term\nabsent"], b["Term\ntardy"], b["Term\npresent %"]) == (1, 2, 1, 0.3333)
    assert b["2026-11\nabsent"] == 2
    events = [(row[0], row[3], row[5], row[7]) for row in rows(book["Events"])[1:]]
    assert events == [
        (datetime.fromisoformat("2026-11-16"), "room 1", "0b", "Unexcused Absence"),
        (datetime.fromisoformat("2026-11-16"), "room 2", "1b", "Unexcused Absence"),
        (datetime.fromisoformat("2026-11-16"), "room 2", "1b", "Tardy"),
        (datetime.fromisoformat("2026-11-23"), "room 2", "1b", "Unexcused Absence"),
    ]


def test_csv_has_every_student_and_lesson_with_the_ed_fi_term(root, rooms, tmp_path):
    names = tmp_path / "roster.csv"
    names.write_text(f"student_id,name\n0a,{EVIL}\n0b,Zoë\n", "utf-8")
    result = collect(root, tmp_path / "term.csv", "--names", str(names))
    assert result.exit_code == 0, result.stderr
    with (tmp_path / "term.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 8
    corrected = next(line for line in lines if line["corrected_by"])
    assert (corrected["student_id"], corrected["name"], corrected["attendance_event"]) == ("0b", "Zoë", "In Attendance")
    assert corrected["revision"] == "2"
    assert {line["name"] for line in lines if line["student_id"] == "0a"} == {f"'{EVIL}"}


def test_formulas_in_names_rooms_and_courses_stay_text(root, tmp_path):
    evil = OfficeRoom(root, "=1+1 <script>")
    evil.deliver(evil.register(START, {"=S1": 0.0, "@x": 1.0}, "+course"))
    evil.heartbeat(NOW, version="=cmd", service={"state": "degraded", "problems": {"camera": "=HYPERLINK(1)"}})
    names = tmp_path / "roster.csv"
    names.write_text(f'\ufeffstudent_id,name,email\n=S1,"{EVIL}",x\n', "utf-8")
    book, _ = book_of(root, tmp_path, "--names", str(names))
    ours = ("=COUNTIF(", "=IF(")
    for page in book:
        for cell in (cell for row in page.iter_rows() for cell in row if cell.data_type == "f"):
            assert cell.value.startswith(ours), (page.title, cell.coordinate, cell.value)
    assert EVIL in [cell.value for row in book["Events"].iter_rows() for cell in row]


# --- what is not believed -------------------------------------------------------------------------------------------


def register_files(root: Path) -> list[Path]:
    return sorted((root / "v1/devices/room 1/registers").rglob("*.json"))


def spoil(file: Path, what: str, room: OfficeRoom) -> None:
    register = room.register(START, {"0a": 1.0, "0b": 0.0}, "0x")
    text = file.read_text("utf-8")
    changed = (
        {
            "changed": text.replace('"verdict":"absent"', '"verdict":"present"'),
            "resigned": None,
            "unsigned": to_json(Document(register, None, None, None)),
            "cut": text[: len(text) // 2],
            "empty": "",
            "no object": "[1]",
            "portal": "<!DOCTYPE html><title>Welcome</title>",
            "other form": json.dumps(json.loads(text), indent=1),
            "deep": "[" * 200_000,
            "number": text.replace('"captures_taken":20', '"captures_taken":NaN'),
            "large": text + " " * 5_000_000,
            "surrogate": text.replace('"0x"', '"\\ud800"'),
        }[what]
        if what not in ("bytes", "link", "folder", "fifo")
        else None
    )
    if what == "resigned":
        room.deliver(replace(register, verdicts=tuple(replace(v, verdict="present") for v in register.verdicts)), OTHER)
    elif changed is not None:
        file.write_text(changed, "utf-8")
    else:
        file.unlink()
        if what == "bytes":
            file.write_bytes(b"\xff\xfe\x00{")
        elif what == "link":
            file.symlink_to("/etc/hostname")
        elif what == "fifo":
            os.mkfifo(file)


@pytest.mark.parametrize(
    ("what", "expected_message"),
    [
        ("changed", "was changed after it was signed"),
        ("resigned", f"was signed by another key (fingerprint {fingerprint(OTHER.public_key)})"),
        ("unsigned", "is not signed"),
        ("cut", "is not a register document"),
        ("empty", "is not a register document"),
        ("no object", "is not a register document"),
        ("portal", "is not a register document"),
        ("other form", "was rewritten"),
        ("deep", "is not a register document"),
        ("number", "is not a register document"),
        ("large", "is larger than 4 MiB"),
        ("surrogate", "was changed after it was signed"),
        ("bytes", "is not UTF-8"),
        ("link", "is not a regular file"),
        ("fifo", "is not a regular file"),
    ],
)
def test_a_document_that_is_not_as_its_room_signed_it_is_named_and_left_out(
    root, rooms, tmp_path, what, expected_message
):
    file = next(f for f in register_files(root) if '"2026-11-16' in f.read_text())
    spoil(file, what, rooms[0])
    book, result = book_of(root, tmp_path, left_out=True)
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"left out: {file.relative_to(root / 'v1/devices')}: ")
    assert expected_message in line
    assert [expected_message in what for _, what in left_out(book)] == [True]
    assert {row[1] for row in rows(book["2026-W47"])} - {None, "", "Student id"} == {"1a", "1b"}
    assert room_rows(book)["room 1"]["State"] == "faulty"
    assert next(iter(room_rows(book))) == "room 1", "who needs somebody comes first"


def test_copies_are_no_registers_of_their_own_and_another_document_of_a_revision_is_named(root, rooms, tmp_path):
    file = register_files(root)[0]
    shutil.copy(file, file.with_name(f"{file.stem} (conflicted copy).json"))
    shutil.copy(file, file.with_name(f".{file.name}"))
    _, result = book_of(root, tmp_path)
    assert "4 registers of 2 rooms (1 file with the same again) written" in result.stdout
    room = rooms[0]
    text = room.deliver(room.register(START, {"0a": 0.0, "0b": 0.0}, "0x")).read_text("utf-8")
    shutil.rmtree(root)
    room.root.mkdir()
    again = OfficeRoom(root, "room 1")
    delivered = again.deliver(again.register(START, {"0a": 1.0, "0b": 0.0}, "0x"))
    delivered.with_name("1 (2).json").write_text(text, "utf-8")
    book, result = book_of(root, tmp_path, left_out=True)
    assert "1 (2).json: differs from another revision 1 of this lesson, both signed" in result.stderr
    assert mark(book["2026-W47"], "0a", 2) == "P"


def test_a_document_of_another_room_and_a_missing_revision_are_named(root, rooms, tmp_path):
    file = register_files(root)[0]
    stray = root / "v1/devices/room 2/registers/stray/1.json"
    stray.parent.mkdir()
    shutil.copy(file, stray)
    second = next(f for f in register_files(root) if f.name == "2.json")
    (second.parent / "1.json").unlink()
    book, result = book_of(root, tmp_path, left_out=True)
    assert "room 2/registers/stray/1.json: is a document of room 1, not of this room" in result.stderr
    assert "revision 1 is not here; revision 2 is taken" in result.stderr
    assert mark(book["2026-W48"], "0b", 2) == "P"


def test_another_seed_than_the_promised_one_is_named(root, rooms, tmp_path):
    lesson = rooms[0].lesson(START, "0x")
    rooms[0].promise([lesson], START - timedelta(hours=2), "ab" * 32)
    rooms[0].promise([lesson], START + timedelta(hours=2), "cd" * 32)  # too late to say anything
    book, _ = book_of(root, tmp_path)
    assert left_out(book) == [
        (
            f"room 1: register {lesson.lesson_id}",
            "reveals another seed than the one that was promised before the lesson",
        )
    ]


def test_a_problem_of_many_documents_is_listed_a_few_times_and_then_counted(root, rooms, tmp_path):
    for day in range(35):
        rooms[0].deliver(rooms[0].register(START + timedelta(days=day, hours=3), {"x": 1.0}), OTHER)
    book, result = book_of(root, tmp_path, left_out=True)
    lines = result.stderr.splitlines()
    assert len(lines) == 31
    assert lines[-1].startswith("left out: 5 more of room 1: was signed by another key")
    assert len(left_out(book)) == 35


# --- keys -----------------------------------------------------------------------------------------------------------


def keys_file(tmp_path: Path, **keys: str) -> str:
    path = tmp_path / "keys.csv"
    path.write_text("device,public_key\n" + "".join(f"{name.replace('_', ' ')},{key}\n" for name, key in keys.items()))
    return str(path)


def test_without_a_list_the_servers_keys_are_used_and_their_fingerprints_are_printed(root, rooms, tmp_path):
    book, result = book_of(root, tmp_path)
    assert "keys are as the server has them" in result.stdout
    assert f"  room 1: {fingerprint(rooms[0].signer.public_key)}" in result.stdout
    assert room_rows(book)["room 1"]["Key is of"] == "the server"


def test_a_list_decides_though_the_server_has_another_key(root, rooms, tmp_path):
    """An attacker with access to the server signed all of room 1 again and put the key there."""
    shutil.rmtree(root / "v1/devices/room 1")
    thief = OfficeRoom(root, "room 1")
    thief.signer = OTHER
    thief.put("v1/devices/room 1/key.json", {"device": "room 1", "public_key": OTHER.public_key})
    thief.deliver(thief.register(START, {"0a": 1.0, "0b": 1.0}, "0x"))
    assert len(rows(book_of(root, tmp_path)[0]["2026-W47"])) > 0, "nothing shows without the list"
    keys = keys_file(tmp_path, room_1=rooms[0].signer.public_key, room_2=rooms[1].signer.public_key.upper())
    book, result = book_of(root, tmp_path, "--keys", keys, left_out=True)
    assert f"was signed by another key (fingerprint {fingerprint(OTHER.public_key)})" in result.stderr
    assert "keys are as the server" not in result.stdout
    assert room_rows(book)["room 1"]["State"] == "faulty"
    assert room_rows(book)["room 2"]["Key is of"] == "your list"


def test_where_the_list_fits_no_register_the_list_is_named(root, rooms, tmp_path):
    keys = keys_file(tmp_path, room_1=OTHER.public_key, room_2=OTHER.public_key)
    result = collect(root, tmp_path / "t.xlsx", "--keys", str(keys))
    assert result.exit_code == 2
    assert "see what was left out, and --keys" in result.stderr.splitlines()[-1]


def test_a_room_that_is_not_in_the_list_is_one_line_and_one_that_got_a_new_key_has_two(root, rooms, tmp_path):
    again = OfficeRoom(root, "room 1")
    again.signer = OTHER
    again.deliver(again.register(START + timedelta(days=1), {"0a": 1.0}, "0x"))
    keys = tmp_path / "keys.csv"
    keys.write_text(f"public_key,device\n{rooms[0].signer.public_key},room 1\n{OTHER.public_key},room 1\n")
    book, result = book_of(root, tmp_path, "--keys", str(keys), left_out=True)
    assert result.stderr.splitlines() == ["left out: room 2: is not in the list of keys; 2 documents are left out"]
    assert mark(book["2026-W47"], "0a", 3) == "P"


def test_a_server_without_keys_gives_that_of_the_first_document(root, tmp_path):
    room = OfficeRoom(root, "room 1", with_key=False)
    room.deliver(room.register(START, {"a": 1.0}))
    room.deliver(room.register(START + timedelta(days=1), {"a": 1.0}))
    _, result = book_of(root, tmp_path)
    assert fingerprint(room.signer.public_key) in result.stdout
    assert result.stderr == ""


# --- rooms that need somebody ---------------------------------------------------------------------------------------


def test_rooms_that_are_faulty_silent_or_late_come_first_with_the_reason(root, tmp_path):
    start = NOW.replace(microsecond=0) - timedelta(days=3)
    rooms = {name: OfficeRoom(root, name) for name in ("a well", "b late", "c silent", "d faulty", "e off", "f moved")}
    for room in rooms.values():
        room.deliver(room.register(start, {"s": 1.0}))
        room.heartbeat(NOW)
    late = rooms["b late"]
    late.promise([late.lesson(start + timedelta(hours=3))], start, "ab" * 32)
    moved = rooms["f moved"].lesson(start + timedelta(hours=3))
    rooms["f moved"].promise([moved], start, "ab" * 32)
    gone = {"lesson_id": moved.lesson_id, "start": written(moved.start), "end": written(moved.end)}
    day = moved.start.date().isoformat()
    rooms["f moved"].put(f"v1/devices/f moved/days/{day}.json", {"lessons_withdrawn": [gone, "odd", {"start": 7}]})
    rooms["c silent"].heartbeat(NOW - timedelta(days=9))
    rooms["d faulty"].heartbeat(
        NOW,
        clock="unsynchronised",
        queue={"mail": {"state": "open", "parked": 2}},
        service={"state": "degraded", "problems": {"camera": "it does not answer"}},
        computer={"disk_free_mb": 100, "temperature_c": 85.5, "power_now": ["under_voltage"]},
    )
    day = (NOW - timedelta(days=1)).date().isoformat()
    rooms["e off"].put(f"v1/devices/e off/days/{day}.json", {"lessons_not_held": {"the device was off": 3, "x": 1}})
    book, result = book_of(root, tmp_path)
    found = room_rows(book)
    assert list(found) == ["d faulty", "e off", "c silent", "b late", "a well", "f moved"]
    reasons = {name: row["What somebody should look at"] for name, row in found.items()}
    assert reasons["a well"] is None
    assert reasons["b late"] == "no register here of 1 lesson that it promised"
    assert reasons["f moved"] == "1 promised lesson withdrawn by its timetable, as its unsigned log says"
    assert reasons["c silent"] == "not heard of for 9 days"
    assert reasons["e off"] == "4 lessons without a register in 14 days, 3 because: the device was off"
    for part in ("it does not answer", "not know the time", "2 items refused", "100 MB free", "86 °C", "under voltage"):
        assert part in reasons["d faulty"]
    assert "silent: c silent: not heard of for 9 days" in result.stdout


@pytest.mark.parametrize(
    "heartbeat",
    [
        "",
        "[]",
        "nonsense",
        '{"at": 7, "queue": [1], "service": "x", "computer": null, "clock": {}}',
        '{"queue": {"upstream": {"waiting": "many", "oldest": "yesterday"}}, "computer": {"temperature_c": true}}',
    ],
)
def test_a_heartbeat_of_another_kind_says_nothing_and_harms_nothing(root, rooms, tmp_path, heartbeat):
    (root / "v1/devices/room 1/status.json").write_text(heartbeat)
    book, _ = book_of(root, tmp_path)
    assert room_rows(book)["room 1"]["What somebody should look at"] == "it never sent its state"


# --- mistakes of the user -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected_message"),
    [
        (("{root}", "--output", "{tmp}/term.ods"), "use .xlsx or .csv"),
        (("{root}", "--output", "{tmp}/no/term.xlsx"), "no such folder"),
        (("{root}", "--output", "{tmp}"), "ending"),
        (("{tmp}/nothing", "--output", "{tmp}/t.xlsx"), "no such folder"),
        (("{tmp}", "--output", "{tmp}/t.xlsx"), "has no folder v1/devices"),
        (("{root}", "--output", "{tmp}/t.xlsx", "--keys", "{tmp}/none.csv"), "check the path"),
        (("{root}", "--output", "{tmp}/t.xlsx", "--keys", "{tmp}/bad.csv"), "line 2: is not a public key"),
        (("{root}", "--output", "{tmp}/t.xlsx", "--names", "{tmp}/bad.csv"), "columns student_id, name are missing"),
        (("{root}", "--output", "{tmp}/t.xlsx", "--time-zone", "Mars/Base"), "is not a time zone"),
        (("{root}", "--output", "{tmp}/t.xlsx", "--since", "2030-01-01"), "has no register"),
        (("http://office.example/x", "--output", "{tmp}/t.xlsx"), "http without s"),
        (("https://", "--output", "{tmp}/t.xlsx"), "is not a server address"),
        (("https://u:p@office.example/x", "--output", "{tmp}/t.xlsx"), "password"),
        (("https://office.example/x", "--output", "{tmp}/t.xlsx", "--token-file", "{tmp}/none"), "--token-file"),
    ],
)
def test_mistakes_are_one_line(root, rooms, tmp_path, arguments, expected_message):
    (tmp_path / "bad.csv").write_text("device,public_key\nroom 1,abc\n")
    before = set(tmp_path.iterdir())
    result = run(tmp_path / "no home", "collect", *(a.format(root=root, tmp=tmp_path) for a in arguments))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.stderr
    assert expected_message in result.stderr
    assert set(tmp_path.iterdir()) == before


def test_since_leaves_earlier_lessons_out_by_the_schools_midnight(root, rooms, tmp_path):
    book, _ = book_of(root, tmp_path, "--since", "2026-11-23")
    assert "2026-W47" not in book.sheetnames
    assert "2026-W48" in book.sheetnames


@pytest.mark.parametrize("part", ["", "v1", "v1/devices"])
def test_any_folder_above_the_devices_will_do(root, rooms, tmp_path, part):
    assert "4 registers of 2 rooms" in book_of(root, tmp_path, source=root / part)[1].stdout


# --- the office's server --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["api", "webdav"])
def test_a_server_gives_the_same_documents_as_its_folder_and_no_mail(root, rooms, tmp_path, kind):
    rooms[0].put("v1/devices/room 1/mail/x@y.json", {"to": "a@b"})
    rooms[0].promise(
        [rooms[0].lesson(START, "0x")],
        START - timedelta(hours=2),
        rooms[0].register(START, {"0a": 1.0}).plan.seed_sha256,
    )
    token = tmp_path / "token"
    token.write_text("secret-token\n")
    with OfficeServer(root, kind=kind, certificates=tmp_path) as server:
        options = ("--token-file", str(token), "--ca-file", str(server.ca_file), "--keep", str(tmp_path / "kept"))
        book, result = book_of(root, tmp_path, *options, source=server.url)
        gets = [seen.path for seen in server.seen if seen.method == "GET" and seen.path.endswith(".json")]
        assert not [path for path in gets if "/mail/" in path]
        assert len([path for path in gets if "/registers/" in path]) == 5
        server.seen.clear()
        again, _ = book_of(root, tmp_path, *options, source=server.url + "/")
        assert not [
            s for s in server.seen if "/registers/" in s.path and s.path.endswith(".json") and s.method == "GET"
        ]
    local, _ = book_of(root, tmp_path)
    for name in ("Events", "Months", "2026-W47", "2026-W48"):
        assert rows(book[name]) == rows(again[name]) == rows(local[name])
    assert "4 registers of 2 rooms" in result.stdout


NGINX = """
daemon off; {user} pid {folder}/pid; error_log stderr; events {{ }}
http {{
    access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/good.pem; ssl_certificate_key {folder}/good.pem;
        location /attendance/ {{ alias {root}/; autoindex on; autoindex_format json; gzip on; gzip_types *; }}
    }}
}}
"""


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_plain_nginx_that_lists_its_folders_will_do(root, rooms, tmp_path):
    ca_file = office_ca.make(tmp_path / "nginx")
    place = socket.socket()  # bound to the end, so that nobody else gets the port; nginx reuses it
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", 0))
    port = place.getsockname()[1]
    user = "user root root;" if os.getuid() == 0 else ""
    config = tmp_path / "nginx" / "nginx.conf"
    config.write_text(NGINX.format(folder=config.parent, port=port, root=root, user=user))
    server = subprocess.Popen(["nginx", "-p", str(config.parent), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < ends:
            time.sleep(0.02)
        source = f"https://localhost:{port}/attendance"
        book, result = book_of(root, tmp_path, "--ca-file", str(ca_file), source=source)
    finally:
        server.terminate()
        server.wait(60)
        place.close()
    assert "4 registers of 2 rooms" in result.stdout
    assert mark(book["2026-W48"], "0b", 2) == "P"


@pytest.mark.parametrize(
    ("fault", "exit_code", "expected_message"),
    [
        ("401", 2, "refuses the login"),
        ("captive-portal", 2, "can't list its folders"),
        ("expired", 1, "certificate"),
        ("404", 2, "has no v1/devices"),
    ],
)
def test_a_server_that_does_not_give_is_one_line(
    root, rooms, tmp_path, fault, exit_code, expected_message, monkeypatch
):
    monkeypatch.setattr("edge_daemon.app.collect.mirror.time.sleep", lambda _: None)
    with OfficeServer(root, certificates=tmp_path, token="") as server:
        server.always = fault
        result = collect(server.url, tmp_path / "t.xlsx", "--ca-file", str(server.ca_file))
    assert (result.exit_code, result.stderr.count("\n")) == (exit_code, 1), result.stderr
    assert expected_message in result.stderr
    assert not (tmp_path / "t.xlsx").exists()


def test_an_unknown_certificate_authority_is_reported_with_the_option_of_this_command(
    root, rooms, tmp_path, monkeypatch
):
    monkeypatch.setattr("edge_daemon.app.collect.mirror.time.sleep", lambda _: None)
    with OfficeServer(root, certificates=tmp_path, token="") as server:
        result = collect(server.url, tmp_path / "t.xlsx")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.stderr
    assert "--ca-file" in result.stderr
    assert "upstream." not in result.stderr, "this computer has no settings of a device"


def test_names_that_a_server_lists_can_not_leave_the_folder(root, rooms, tmp_path, monkeypatch):
    from edge_daemon.app.collect import server_listing

    evil = {f"v1/devices/{name}/key.json": "x" for name in ("..", "../../x", "a/../..", ".hidden", "a\\b", "")}
    honest = server_listing.index

    def with_evil(server, after=""):
        found = honest(server, after)
        return replace(found, files={**found.files, **evil})

    monkeypatch.setattr(server_listing, "index", with_evil)
    with OfficeServer(root, certificates=tmp_path, token="") as server:
        options = ("--ca-file", str(server.ca_file), "--keep", str(tmp_path / "kept" / "here"))
        book_of(root, tmp_path, *options, source=server.url)
        asked = {seen.path for seen in server.seen}
    assert not [path for path in asked if ".." in path or "hidden" in path]
    assert [p.name for p in (tmp_path / "kept").iterdir()] == ["here"]


# --- the computer ---------------------------------------------------------------------------------------------------


def test_collect_from_a_folder_needs_no_camera_no_model_and_no_network_library(root, rooms, tmp_path):
    code = (
        "import sys\n"
        "from edge_daemon.__main__ import run\n"
        f"code = run(['collect', {str(root)!r}, '--output', {str(tmp_path / 't.xlsx')!r}, '--time-zone', 'UTC'])\n"
        "heavy = ('numpy', 'cv2', 'ai_edge_litert', 'tflite_runtime', 'picamera2', 'icalendar', 'requests')\n"
        "found = [name for name in heavy if name in sys.modules]\n"
        "sys.exit(f'imported: {found}' if found else code)\n"
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    assert (tmp_path / "t.xlsx").stat().st_size > 5000


def test_a_device_that_is_not_in_the_list_and_has_delivered_nothing_leaves_nothing_out(root, rooms, tmp_path):
    fresh = root / "v1" / "devices" / "room 9"
    fresh.mkdir(parents=True)
    (fresh / "status.json").write_text('{"device": "room 9"}')
    keys = tmp_path / "keys.csv"
    keys.write_text("device,public_key\n" + "".join(f"{r.device},{r.signer.public_key}\n" for r in rooms))
    result = collect(root, tmp_path / "t.xlsx", "--keys", str(keys))
    assert result.exit_code == 0
    assert "odd: room 9: is not in the list of keys; it has delivered no register yet" in result.stderr
