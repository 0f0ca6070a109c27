"""The command line of the office, run in separate processes as a user runs it."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from edge_daemon_office.__main__ import run
from edge_daemon_office.backup import unpack_files
from edge_daemon_office.django_setup import django_settings
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import read_home
from edge_daemon_office.pages.templatetags.office import percent_down
from tests.office.test_environment import office

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo") / "office"
    result = office(folder, "demo", "--no-serve")
    assert (result.returncode, result.stderr) == (0, "")
    return folder, result.stdout


def test_the_demo_has_rooms_registers_accounts_and_an_address(demo):
    folder, output = demo
    assert re.search(r"^3 rooms, 1\d\d registers, each signature checked$", output, re.M)
    assert re.findall(r"account (\w+)", output) == ["teacher", "office", "head", "technician", "dpo"]
    assert f"office --home {folder} serve`, then\nopen http://127.0.0.1:8470/ in a browser" in output
    assert office(folder, "ingest").returncode == 0  # nothing is left out
    assert office(folder, "demo").returncode == 2
    assert (folder / "office.sqlite").stat().st_mode & 0o077 == 0
    assert (folder / "secret-key").stat().st_mode & 0o077 == 0


def test_help_has_two_names_and_a_group_alone_shows_it_in_lines(tmp_path):
    for arguments in (("-h",), ("account", "-h")):
        result = office(tmp_path, *arguments)
        assert (result.returncode, re.findall(r"\w\.\.\.$", result.stdout, re.M)) == (0, [])
    result = office(tmp_path, "account")
    assert result.returncode == 2
    assert "\nCommands:\n  add " in result.stderr


@pytest.mark.parametrize(
    ("listen", "expected_message"), [("x", "--listen: is not an address"), (None, "choose another with --listen")]
)
def test_a_demo_at_an_unusable_address_is_not_made(tmp_path, listen, expected_message):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = office(tmp_path / "o", "demo", "--listen", listen or f"127.0.0.1:{taken.getsockname()[1]}")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert expected_message in result.stderr
    assert not (tmp_path / "o").exists()


def test_serve_shows_a_page_and_ends_on_a_signal(demo):
    folder, _ = demo
    text = (folder / "office.toml").read_text("utf-8")
    (folder / "office.toml").write_text(text.replace("127.0.0.1:8470", "127.0.0.1:18470"), "utf-8")
    command = [sys.executable, "-m", "edge_daemon_office", "--home", str(folder), "serve"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening on http://127.0.0.1:18470/\n"
        with urllib.request.urlopen("http://127.0.0.1:18470/sign-in/", timeout=20) as answer:
            assert answer.status == 200
            assert "Server" not in answer.headers
            assert b"<h1>Sign in</h1>" in answer.read()
    finally:
        process.terminate()
        process.wait(20)


def test_a_backup_brings_accounts_and_the_office_key_back_and_ingest_the_rest(demo, tmp_path):
    folder, _ = demo
    file = tmp_path / "office.backup"
    key = office(folder, "key").stdout
    assert re.fullmatch(r"[0-9a-f]{64} \(fingerprint [0-9a-f ]{24}\)\n", key)
    result = office(folder, "backup", str(file))
    assert (result.returncode, result.stderr) == (0, "")
    assert file.stat().st_mode & 0o077 == 0
    new = tmp_path / "new"
    result = office(new, "restore", str(file))
    assert (result.returncode, result.stderr) == (0, "")
    assert "accounts 5, courses of teachers 2" in result.stdout
    settings = (new / "office.toml").read_text("utf-8")
    (new / "office.toml").write_text(settings.replace('tree = "tree"', f'tree = "{folder / "tree"}"'), "utf-8")
    assert office(new, "ingest").returncode == 0
    assert rows(new) == rows(folder)
    assert rows(new)["registers_lesson"] > 100
    assert office(new, "key").stdout == key
    with pytest.raises(OfficeError, match="is an office already"):
        unpack_files(file, new)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(OfficeError, match="can't be read"):
        unpack_files(file, tmp_path / "third")
    assert not (tmp_path / "third").exists()


def rows(folder: Path) -> dict[str, int]:
    """Return how many rows each table has; sessions and migrations are left out."""
    with closing(sqlite3.connect(folder / "office.sqlite")) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        ours = [name for name in names if name.startswith(("registers_", "people_", "decisions_"))]
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ours}


def test_ingest_without_the_schools_server_takes_what_is_here_and_says_so_in_one_line(demo):
    folder, _ = demo
    text = (folder / "office.toml").read_text("utf-8")
    (folder / "server-token").write_text("secret\n", "ascii")
    (folder / "office.toml").write_text(f'{text}\n[schools.demo.server]\nurl = "https://127.0.0.1:9/x"\n', "utf-8")
    result = office(folder, "ingest")
    (folder / "office.toml").write_text(text, "utf-8")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("demo: https://127.0.0.1:9/x: does not answer")
    assert "3 devices" in result.stdout


def test_accounts_are_added_changed_and_refused(demo):
    folder, _ = demo
    add = ("account", "add", "Kim", "--role", "teacher", "--name", "Kim", "--course", "7a")
    assert "first password" in office(folder, *add).stdout
    assert office(folder, *add).stderr == "edge-daemon-office: kim: is taken; see `account list`\n"
    assert office(folder, "alerts", "--dry-run").stdout.startswith("no account has an address")
    assert office(folder, "account", "set", "kim", "--email", "kim@school.example").stdout == "kim: address changed\n"
    assert office(folder, "alerts", "--dry-run").stdout.startswith("kim: ")
    result = office(folder, "account", "set", "kim", "--course", "8b", "--disable")
    assert result.stdout == "kim: disabled, courses changed\n"
    listed = office(folder, "account", "list").stdout
    assert "demo; kim; teacher; Kim; 8b; disabled, no second factor" in listed


def test_erase_says_what_went_and_what_stays(demo):
    result = office(demo[0], "erase", "S1001")
    unasked = "edge-daemon-office: S1001: not erased: without a terminal nobody can be asked; add --yes\n"
    assert (result.returncode, result.stdout, result.stderr) == (2, "", unasked)
    result = office(demo[0], "erase", "S1001", "--yes")
    assert (result.returncode, result.stderr) == (0, "")
    assert "stays: the name, in" in result.stdout
    result = office(demo[0], "erase", "S9999", "--yes")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "edge-daemon-office: S9999: there is no such student; the page Students has the ids\n"


def test_check_says_what_a_trial_lacks(demo):
    folder, _ = demo
    result = office(folder, "check")
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "office.https is false: passwords cross the network in clear text",
        "office.totp is optional: a password that was seen is enough to read names",
    ]
    assert result.stdout == "2 things to do\n"
    (folder / "secret-key").write_text("short\n", "ascii")
    assert "the file secret-key is too short: delete it" in office(folder, "check").stderr
    (folder / "secret-key").unlink()
    text = (folder / "office.toml").read_text("utf-8")
    (folder / "office.toml").write_text(
        text.replace("https = false", "https = true").replace('"optional"', '"required"')
    )
    result = office(folder, "check")
    assert (result.returncode, result.stderr) == (0, "")
    (tree,) = re.findall(r'^tree = "(.*)"$', text, re.M)
    (folder / tree).rename(folder / "elsewhere")
    result = office(folder, "check")
    assert (result.returncode, result.stdout) == (1, "1 thing to do\n")
    assert result.stderr.startswith(f"schools.demo.tree: there is no folder {folder / tree}: make or mount it")
    (folder / "elsewhere").rename(folder / tree)
    (folder / "office.toml").write_text(text)


@pytest.mark.parametrize(
    ("old", "new", "expected_message"),
    [
        ('language = "en"', 'tongue = "en"', "office.tongue: is not a setting"),
        ("limit_percent = 85", "limit_percent = 0", "schools.demo.limit_percent: is out of range"),
        ("Europe/Berlin", "Berlin", "schools.demo.time_zone: 'Berlin' is not a time zone"),
        ("[office]", "[office", "can't be read"),
        ('database = ""', 'database = "mysql://x/y"', "is not an address of a PostgreSQL database"),
    ],
)
def test_a_wrong_setting_is_named_with_its_key(demo, tmp_path, old, new, expected_message):
    text = (demo[0] / "office.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "office.toml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(OfficeError) as error:
        django_settings(read_home(tmp_path))
    assert expected_message in error.value.line()


def test_a_course_or_device_that_is_not_there_yet_is_taken_with_a_warning(demo):
    folder, _ = demo
    result = office(folder, "account", "set", "teacher", "--course", "7a", "--course", "7ä")
    assert result.returncode == 0
    warning = "--course 7ä: no register and no student has this course yet; check its spelling: there is "
    assert result.stderr.startswith(warning)
    assert result.stderr.count("\n") == 1
    odd = ("room 101", "offers another key in its key.json", 2)
    for device, text, lines in (("room 2O4", "there is room 204", 1), odd):
        result = office(folder, "keys", "pin", device, "0" * 64)
        assert (result.returncode, result.stderr.count("\n")) == (0, lines)
        assert text in result.stderr
    listed = office(folder, "keys", "list").stdout
    assert listed.count("room 101: ") == 2
    assert "room 2O4: " + "0" * 64 in listed
    right = re.findall(r"room 101: (\w+) ", listed)[0]
    assert "stays trusted: " + "0" * 64 in office(folder, "keys", "pin", "room 101", right).stderr
    for device in ("room 2O4", "room 101"):
        assert office(folder, "keys", "unpin", device, "0" * 64).returncode == 0
    assert "0" * 64 not in office(folder, "keys", "list").stdout
    assert "is not pinned for this device" in office(folder, "keys", "unpin", "room 101", "0" * 64).stderr
    result = office(folder, "keys", "pin", " ", "0" * 64)
    assert (result.returncode, result.stdout) == (2, "")
    assert "DEVICE: is not a name of a device" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "where"),
    [(("account", "add", "z2", "--name", "M\udcfcller"), "--name"), (("keys", "pin", "\udcfc", "0"), "argument 3")],
)
def test_an_argument_that_is_not_utf8_is_named_and_not_quoted(capsys, arguments, where):
    assert run(arguments) == 2
    output = capsys.readouterr().err
    assert output == f"edge-daemon-office: {where}: is not valid UTF-8; check the terminal's character set\n"


def test_a_rate_below_a_limit_never_reads_like_the_limit():
    assert [percent_down(share) for share in (22 / 26, 0.29, 0.0, 1.0, None)] == ["84%", "29%", "0%", "100%", "–"]
