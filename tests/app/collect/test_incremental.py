"""`--keep`: the next run lists, reads and proves only what is new."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import openpyxl
import pytest

from edge_daemon.app.collect import document_findings, proof_index
from tests.cli.running import CommandResult, run
from tests.office_server import OfficeServer
from tests.office_tree import OfficeRoom
from tests.registers import START

LESSONS = 6
NOW = datetime.now(timezone.utc)


@pytest.fixture
def rooms(tmp_path) -> list[OfficeRoom]:
    rooms = [OfficeRoom(tmp_path / "server", name) for name in ("a", "b")]
    for room in rooms:
        for day in range(LESSONS):
            room.deliver(room.register(START + timedelta(days=day), {f"{room.device}1": 1.0}))
        room.promise([room.lesson(START)], START - timedelta(hours=1), "00" * 32)
        room.heartbeat(NOW)
    age_files(tmp_path)
    return rooms


def age_files(tmp_path: Path, seconds: float = 3600) -> None:
    """Set the modification times to an hour ago, each different, so that no file looks as if it were being written."""
    for number, place in enumerate(sorted((tmp_path / "server").rglob("*"), reverse=True)):
        at = time.time() - seconds + number
        if place.stat().st_mtime > time.time() - seconds / 2:
            os.utime(place, (at, at))


@pytest.fixture
def proven(monkeypatch) -> list[str]:
    """The documents that are proven."""
    found: list[str] = []
    honest = document_findings.signed_fields
    monkeypatch.setattr(document_findings, "read_text", lambda path: (found.append(path.name), _read(path))[1])
    monkeypatch.setattr(document_findings, "signed_fields", honest)
    return found


_read = document_findings.read_text


def collect(tmp_path: Path, source: object, *arguments: str, output: str = "term.xlsx") -> CommandResult:
    options = ("--keep", str(tmp_path / "kept"), "--time-zone", "UTC", *arguments)
    result = run(tmp_path, "collect", str(source), "--output", str(tmp_path / output), *options)
    assert result.exit_code == 0, result.stderr
    return result


def marks(tmp_path: Path) -> dict[str, list]:
    """The marks in the weeks' sheets."""
    book = openpyxl.load_workbook(tmp_path / "term.xlsx")
    return {page.title: list(page.iter_rows(values_only=True)) for page in book if page.title.startswith("2026-W")}


def test_of_a_folder_only_what_is_new_is_read_and_proven(rooms, tmp_path, proven):
    collect(tmp_path, rooms[0].root)
    assert len(proven) == 2 * (LESSONS + 1)
    proven.clear()
    first = (tmp_path / "term.xlsx").read_bytes()
    result = collect(tmp_path, rooms[0].root)
    assert proven == []
    assert "nothing is new" in result.stdout
    assert (tmp_path / "term.xlsx").read_bytes() == first
    rooms[0].correct(rooms[0].register(START, {"a1": 0.0}), "a1", "present")
    result = collect(tmp_path, rooms[0].root)
    assert proven == ["2.json"]
    assert "nothing is new" not in result.stdout
    marks_before = marks(tmp_path)
    (tmp_path / "kept" / proof_index.NAME).unlink()
    collect(tmp_path, rooms[0].root)
    assert marks(tmp_path) == marks_before, "as a run that knows nothing"


def test_a_document_that_was_changed_in_its_place_is_proven_again(rooms, tmp_path, proven):
    collect(tmp_path, rooms[0].root)
    collect(tmp_path, rooms[0].root)
    proven.clear()
    file = next((rooms[0].root / "v1/devices/a/registers").rglob("1.json"))
    text = file.read_text("utf-8")
    file.write_text(text.replace('"verdict":"present"', '"verdict":"absent" '), "utf-8")
    result = run(
        tmp_path, "collect", str(rooms[0].root), "--output", str(tmp_path / "t.csv"), "--keep", str(tmp_path / "kept")
    )
    assert result.exit_code == 3
    assert "was changed after it was signed" in result.stderr
    assert proven == ["1.json"]


def test_another_list_of_keys_another_day_and_another_file_are_not_the_last_run(rooms, tmp_path):
    collect(tmp_path, rooms[0].root)
    keys = tmp_path / "keys.csv"
    keys.write_text(f"device,public_key\na,{rooms[0].signer.public_key}\nb,{'ab' * 32}\n")
    result = run(
        *(tmp_path, "collect", str(rooms[0].root), "--output", str(tmp_path / "term.xlsx")),
        *("--keep", str(tmp_path / "kept"), "--keys", str(keys), "--time-zone", "UTC"),
    )
    assert result.exit_code == 3
    assert result.stderr.count("was signed by another key") == LESSONS + 1
    assert f"{LESSONS} registers of 2 rooms written" in result.stdout
    assert f"{2 * LESSONS} registers of 2 rooms written" in collect(tmp_path, rooms[0].root).stdout
    since = (START + timedelta(days=2)).date().isoformat()
    assert (
        f"{2 * LESSONS - 4} registers of 2 rooms written" in collect(tmp_path, rooms[0].root, "--since", since).stdout
    )
    (tmp_path / "term.xlsx").unlink()
    assert "registers of 2 rooms written" in collect(tmp_path, rooms[0].root, "--since", since).stdout


@pytest.mark.parametrize("kind", ["api", "webdav"])
def test_of_a_server_only_what_is_new_is_asked_for(rooms, tmp_path, proven, kind):
    with OfficeServer(rooms[0].root, kind=kind, certificates=tmp_path / "ca", token="") as server:
        ca = ("--ca-file", str(server.ca_file))
        collect(tmp_path, server.url, *ca)
        asked = [(one.method, one.path) for one in server.seen]
        assert (
            len([one for one in asked if one[0] == "GET" and "/registers/" in one[1] and one[1].endswith("json")]) == 12
        )
        server.seen.clear()
        proven.clear()
        result = collect(tmp_path, server.url, *ca)
        asked = [(one.method, one.path.removeprefix("/office/")) for one in server.seen]
        assert proven == []
        assert "nothing is new" in result.stdout
        assert not [path for method, path in asked if method == "GET" and path.endswith(".json")]
        lessons = [path for method, path in asked if method == "PROPFIND" and path.count("/") > 4]
        assert lessons == []
        assert len(asked) == (1 if kind == "api" else len(asked))
        rooms[1].correct(rooms[1].register(START, {"b1": 0.0}), "b1", "present")
        server.seen.clear()
        collect(tmp_path, server.url, *ca)
        listed = {one.path for one in server.seen if one.method == "PROPFIND" and one.path.count("/") > 6}
        assert len(listed) == (0 if kind == "api" else 1), "the one folder that has changed"
        assert proven == ["2.json"]


def test_a_server_whose_times_of_change_say_nothing_is_listed_whole(rooms, tmp_path, proven):
    """Some servers give every folder the same time; a correction in an old folder must be found all the same."""

    def same_times() -> None:
        for place in (tmp_path / "server").rglob("*"):
            os.utime(place, (1_000_000_000, 1_000_000_000))

    same_times()
    with OfficeServer(rooms[0].root, kind="webdav", certificates=tmp_path / "ca", token="") as server:
        collect(tmp_path, server.url, "--ca-file", str(server.ca_file))
        rooms[1].correct(rooms[1].register(START, {"b1": 0.0}), "b1", "present")
        same_times()
        proven.clear()
        collect(tmp_path, server.url, "--ca-file", str(server.ca_file))
    assert proven == ["2.json"]


def test_an_index_that_is_damaged_or_of_another_release_is_begun_anew(rooms, tmp_path, proven, monkeypatch):
    collect(tmp_path, rooms[0].root)
    index = tmp_path / "kept" / proof_index.NAME
    for damage in (b"no database", b"", index.read_bytes()[:5000]):
        index.write_bytes(damage)
        proven.clear()
        assert f"{2 * LESSONS} registers of 2 rooms" in collect(tmp_path, rooms[0].root).stdout
        assert len(proven) == 2 * (LESSONS + 1)
    monkeypatch.setattr(proof_index, "_FORM", "another release")
    proven.clear()
    collect(tmp_path, rooms[0].root)
    assert len(proven) == 2 * (LESSONS + 1)


def test_a_run_with_nothing_new_loads_neither_spreadsheets_nor_rosters(rooms, tmp_path):
    arguments = ["collect", str(tmp_path / "server"), "--output", str(tmp_path / "term.xlsx"), "--time-zone", "UTC"]
    arguments += ["--keep", str(tmp_path / "kept")]
    code = (
        "import sys\nfrom edge_daemon.__main__ import run\n"
        "assert run(sys.argv[1:]) == 0\n"
        "print(*sorted({'xlsxwriter', 'edge_daemon.gallery.roster', 'numpy'} & sys.modules.keys()), file=sys.stderr)"
    )
    loaded = []
    for _ in range(2):
        completed = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        loaded.append(completed.stderr.splitlines()[-1].split())
    assert loaded == [["xlsxwriter"], []]


@pytest.mark.parametrize("page", [3, 1000])
def test_a_feed_names_what_came_since_and_a_cursor_that_is_forgotten_costs_a_list(rooms, tmp_path, page):
    with OfficeServer(rooms[0].root, certificates=tmp_path / "ca", token="") as server:
        server.feed_limit, ca = page, ("--ca-file", str(server.ca_file))
        collect(tmp_path, server.url, *ca)
        listed = [one for one in server.answered if one.path.endswith("/v1/documents")]
        assert len(listed) == -(-len(server.documents()) // page)
        for wanted in ("nothing", "one"):
            if wanted == "one":
                rooms[0].correct(rooms[0].register(START, {"a1": 0.0}), "a1", "present")
            server.seen.clear(), server.answered.clear()
            result = collect(tmp_path, server.url, *ca)
            asked = [one.path.removeprefix("/office/") for one in server.seen]
            assert len(asked) == (1 if wanted == "nothing" else 2), asked
            assert ("nothing is new" in result.stdout) == (wanted == "nothing")
            names = [json.loads(one.body)["documents"] for one in server.answered if one.path.endswith("/documents")]
            assert sum(map(len, names)) == (wanted == "one"), "not everything again"
        marks_before = marks(tmp_path)
        server.forget_cursors()
        assert "nothing is new" in collect(tmp_path, server.url, *ca).stdout
        assert marks(tmp_path) == marks_before


def test_the_feed_names_documents_that_could_not_be_fetched_again(rooms, tmp_path):
    with OfficeServer(rooms[0].root, certificates=tmp_path / "ca", token="") as server:
        ca = ("--ca-file", str(server.ca_file))
        collect(tmp_path, server.url, *ca)
        file = rooms[0].deliver(rooms[0].register(START + timedelta(days=30), {"a1": 1.0}))
        options = ("--keep", str(tmp_path / "kept"), "--time-zone", "UTC", *ca)
        server.sticky["GET", file.relative_to(rooms[0].root).as_posix()] = "403"
        result = run(tmp_path, "collect", server.url, "--output", str(tmp_path / "term.xlsx"), *options)
        assert (result.exit_code, "is listed, but can't be fetched (403)" in result.stderr) == (3, True)
        server.sticky.clear()
        result = collect(tmp_path, server.url, *ca)
        assert f"{2 * LESSONS + 1} registers of 2 rooms written" in result.stdout
