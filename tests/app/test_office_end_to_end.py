"""From a device to the office's file: `collect` accepts what `sync` delivered."""

from __future__ import annotations

import json
from datetime import timedelta

import openpyxl
import pytest

from tests.cli.running import run
from tests.office_server import OfficeServer
from tests.registers import START, a_home, a_lesson, a_register

LESSONS = [a_lesson(START + timedelta(days=day)) for day in range(3)]


@pytest.mark.parametrize("kind", ["api", "webdav"])
def test_the_office_reads_the_registers_that_a_device_delivered(tmp_path, kind):
    home = tmp_path / "home"
    a_home(home, [a_register(lesson, {"a": 1.0, "b": 0.0}) for lesson in LESSONS])
    (tmp_path / "token").write_text("secret-token")
    with OfficeServer(tmp_path / "server", kind=kind, certificates=tmp_path / "tls") as server:
        (home / "config.toml").write_text(
            f'[device]\nname = "room 204"\ntime_zone = "Europe/Berlin"\n[upstream]\nkind = "{kind}"\n'
            f'url = "{server.url}"\n'
            f'ca_file = "{server.ca_file}"\ntoken_file = "{tmp_path / "token"}"\n'
        )
        why = ("--by", "T", "--reason", "sat behind a pillar")
        run(home, "register", "correct", LESSONS[1].lesson_id, "--student", "b", "--verdict", "present", *why)
        synced = run(home, "sync")
        assert synced.exit_code == 0, synced.stderr
        listed = json.loads(run(home, "ledger", "--json").stdout)
        assert [(line["upstream"]["delivered"], line["upstream"]["wanted"]) for line in listed] == [
            (1, 1),
            (2, 2),
            (1, 1),
        ]
        (tmp_path / "keys.csv").write_text("device,public_key\n" + run(home, "ledger", "key").stdout)
        output = tmp_path / "term.xlsx"
        options = (
            "--token-file",
            str(tmp_path / "token"),
            "--ca-file",
            str(server.ca_file),
            "--time-zone",
            "Europe/Berlin",
        )
        result = run(
            home, "collect", server.url, "--output", str(output), "--keys", str(tmp_path / "keys.csv"), *options
        )
    assert (result.exit_code, result.stderr) == (0, "")
    assert "3 registers of 1 room written" in result.stdout
    book = openpyxl.load_workbook(output)
    marks = {row[1]: row[2:5] for row in book["2026-W47"].iter_rows(values_only=True)}
    assert (marks["a"], marks["b"]) == (("P", "P", "P"), ("A", "P", "A"))
    room = next(row for row in book["Rooms"].iter_rows(values_only=True) if row[0] == "room 204")
    assert room[3], "it said how it is"
