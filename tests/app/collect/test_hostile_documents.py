"""Bad files in one room's folder are left out and named, and every other room is written."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import openpyxl
import pytest

from edge_daemon.attendance import term_book
from edge_daemon.device.signing import signed
from tests.cli.running import CommandResult, run
from tests.office_tree import OfficeRoom
from tests.registers import START

NOW = datetime.now(timezone.utc)


@pytest.fixture
def rooms(tmp_path) -> tuple[OfficeRoom, OfficeRoom]:
    bad, good = (OfficeRoom(tmp_path / "server", name) for name in ("bad", "good"))
    for room in (bad, good):
        room.deliver(room.register(START, {f"{room.device} s": 1.0}))
        room.heartbeat(NOW)
    return bad, good


def collect(tmp_path: Path, *arguments: str, output: str = "term.csv") -> CommandResult:
    place = str(tmp_path / output)
    return run(
        tmp_path, "collect", str(tmp_path / "server"), "--output", place, "--time-zone", "Asia/Tokyo", *arguments
    )


def students(tmp_path: Path) -> list[str]:
    with (tmp_path / "term.csv").open(encoding="utf-8-sig", newline="") as file:
        return [line["student_id"] for line in csv.DictReader(file)]


def document(room: OfficeRoom, **more: object) -> dict[str, object]:
    """Return the fields of a register, some of them changed."""
    file = next((room.root / f"v1/devices/{room.device}/registers").rglob("1.json"))
    return {**json.loads(file.read_text("utf-8")), "lesson_id": "evil", **more}


def student(**more: object) -> dict[str, object]:
    fields = {"student_id": "s", "frames_seen": 1, "frames_attentive": 1, "share": 1, "verdict": "present", "flags": []}
    return {**fields, "first_seen": None, "last_seen": None, **more}


NUMBERS = {
    "share of 401 digits": {"students": [student(share=10**400)]},
    "share beyond one": {"students": [student(share=1.5)]},
    "a revision of 2^31": {"revision": 2**31},
    "a revision of 30 million": {"revision": 30_000_000},
    "captures of 401 digits": {"captures_taken": 10**400, "captures_planned": 10**400},
    "a count of 2^63": {"unknown_faces": 2**63},
    "the year 9999": {"start": "9999-12-31T23:00:00Z", "end": "9999-12-31T23:59:59Z"},
    "the year 1": {"start": "0001-01-01T00:00:00Z", "end": "0001-01-01T01:00:00Z"},
    "seen in the year 9999": {"students": [student(first_seen="9999-12-31T23:59:59Z")]},
    "a correction of the year 9999": {
        "corrections": [
            {"student_id": "s", "verdict": "absent", "by": "x", "reason": "y", "at": "9999-12-31T23:59:59-01:00"}
        ]
    },
    "no object": {"students": [[]]},
    "a device that is not a text": {"device": {"a": 1}},
}


@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize("what", NUMBERS)
def test_a_document_that_no_device_makes_is_named_and_left_out(rooms, tmp_path, what, is_signed):
    bad, _ = rooms
    fields = document(bad, **NUMBERS[what])
    text = signed(fields, bad.signer) if is_signed else json.dumps({**fields, "signature": "00" * 64})
    bad.put("v1/devices/bad/registers/evil/1.json", text)
    for output in ("term.csv", "term.xlsx"):
        result = collect(tmp_path, output=output)
        assert result.exit_code == 3, result.stderr
        (line,) = result.stderr.splitlines()
        assert line.startswith("left out: bad/registers/evil/1.json: ")
    assert students(tmp_path) == ["bad s", "good s"]


@pytest.mark.parametrize(
    "text",
    [
        '{"lesson_id":1e400,"captures":1e400,"signature":"00"}',
        '{"a":' * 5000 + "1" + "}" * 5000,
        '{"a":' + "[" * 900 + "]" * 900 + ',"public_key":"ab","signature":"cd"}',
        '{"revision":' + "9" * 100_000 + "}",
        '{"public_key":"\\ud800","signature":"\\ud800"}',
        '{"public_key":' + "[" * 100_000,
        '"signature":"' + "0" * 128 + '"' + '"public_key":"' + "0" * 64 + '"',
        ('"signature":"' + "0" * 128 + '",') * 20_000,
        "[" + "{}," * 1_300_000 + "{}]",
    ],
)
def test_a_text_that_was_made_to_end_the_run_is_one_line(rooms, tmp_path, text):
    rooms[0].put("v1/devices/bad/registers/evil/1.json", text)
    rooms[0].put("v1/devices/bad/commitments/evil.json", text)
    result = collect(tmp_path)
    assert result.exit_code == 3
    assert {line.partition(".json")[0] for line in result.stderr.splitlines()} == {
        "left out: bad/registers/evil/1",
        "left out: bad/commitments/evil",
    }
    assert students(tmp_path) == ["bad s", "good s"]


def test_nothing_of_a_document_is_parsed_before_its_signature_was_seen(rooms, tmp_path, monkeypatch):
    """The signature is checked over the text, so only signed documents reach a parser that could end the process."""
    from edge_daemon.attendance import proof

    order: list[str] = []
    seen, parse = proof.text_signer, proof.json_object
    monkeypatch.setattr(proof, "text_signer", lambda *a: (order.append("signature"), seen(*a))[1])
    monkeypatch.setattr(proof, "json_object", lambda *a: (order.append("parsed"), parse(*a))[1])
    assert collect(tmp_path).exit_code == 0
    assert order == ["signature", "parsed"] * 2, "one parse a document"


def test_a_heartbeat_of_the_year_9999_is_named_and_the_room_is_written(rooms, tmp_path):
    rooms[0].put("v1/devices/bad/status.json", {"device": "bad", "at": "9999-12-31T23:59:59Z"})
    result = collect(tmp_path, output="term.xlsx")
    assert (result.exit_code, result.stderr) == (3, "left out: bad/status.json: names an impossible time\n")
    page = openpyxl.load_workbook(tmp_path / "term.xlsx")["Rooms"]
    assert {"bad", "good"} <= {row[0] for row in page.iter_rows(values_only=True)}


@pytest.mark.parametrize(
    "status",
    [
        {"at": "9999-12-31T23:59:59-14:00"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "2026-11-30T00:00:00Z", "queue": {"upstream": {"oldest": "9999-12-31T23:59:59Z", "waiting": 10**400}}},
        {"last_register": {"end": "9999-12-31T23:59:59Z"}, "computer": {"disk_free_mb": -(10**400)}},
    ],
)
def test_no_heartbeat_ends_the_run(rooms, tmp_path, status):
    rooms[0].put("v1/devices/bad/status.json", status)
    day = (NOW - timedelta(days=1)).date().isoformat()
    rooms[0].put(f"v1/devices/bad/days/{day}.json", '{"starts":1e400,"captures_missed":{"x":1e400,"y":-7}}')
    assert collect(tmp_path, output="term.xlsx").exit_code in (0, 3)
    assert (tmp_path / "term.xlsx").stat().st_size > 5000


def test_cells_of_a_csv_are_text_also_flags_and_lesson_ids(rooms, tmp_path):
    bad, _ = rooms
    register = bad.register(START + timedelta(days=1), {"s": 1.0})
    flagged = tuple(replace(one, flags=("=HYPERLINK(1)",)) for one in register.verdicts)
    bad.deliver(replace(register, lesson=replace(register.lesson, lesson_id="@evil"), verdicts=flagged))
    assert collect(tmp_path).exit_code == 0
    with (tmp_path / "term.csv").open(encoding="utf-8-sig", newline="") as file:
        line = next(line for line in csv.DictReader(file) if line["student_id"] == "s")
    assert (line["flags"], line["lesson_id"]) == ("'=HYPERLINK(1)", "'@evil")


def test_events_that_fill_a_page_go_on_on_another(rooms, tmp_path, monkeypatch):
    monkeypatch.setattr(term_book, "_MOST_ROWS", 4)
    rooms[0].deliver(rooms[0].register(START + timedelta(days=1), {f"a{n}": 0.0 for n in range(8)}))
    assert collect(tmp_path, output="term.xlsx").exit_code == 0
    book = openpyxl.load_workbook(tmp_path / "term.xlsx")
    pages = [name for name in book.sheetnames if name.startswith("Events")]
    assert pages == ["Events", "Events 2", "Events 3"]
    rows = [list(book[name].iter_rows(values_only=True)) for name in pages]
    assert {page[0] for page in rows} == {rows[0][0]}, "each page has the heads"
    assert [row[5] for page in rows for row in page[1:]] == [f"a{n}" for n in range(8)]


def test_many_bad_documents_are_counted_and_need_no_memory(rooms, tmp_path):
    """Read 120 MB of documents that are no registers, some of them of the largest size."""
    folder = tmp_path / "server/v1/devices/bad/registers/evil"
    folder.mkdir()
    large = '{"a":[' + "{}," * 1_300_000 + '{}],"public_key":"' + "ab" * 32 + '","signature":"' + "cd" * 64 + '"}'
    for number in range(30):
        (folder / f"{number}.json").write_text(large)
    for number in range(1500):
        (folder / f"small {number}.json").write_text("{}")
    code = (
        "import sys\n"
        "from edge_daemon.__main__ import run\n"
        f"code = run(['collect', {str(tmp_path / 'server')!r}, '--output', {str(tmp_path / 'term.csv')!r}])\n"
        "peak = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(code, peak)\n"  # ru_maxrss would be that of the process of the tests where it is larger
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    exit_code, peak_kib = map(int, completed.stdout.splitlines()[-1].split())
    assert exit_code == 3
    assert peak_kib < 300 * 1024
    assert "530 more things are left out or odd" in completed.stderr
    assert students(tmp_path) == ["bad s", "good s"]
