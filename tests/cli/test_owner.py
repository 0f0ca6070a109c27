"""Another user's state folder: reading commands run, and writing commands name the command to use instead."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from edge_daemon.cli import cli
from edge_daemon.cli.owner import FOR_ROOT, READING, check_owner
from edge_daemon.errors import StoreError
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from tests.cli.running import run
from tests.registers import a_lesson, a_register, keep

ANOTHER = 54321
ROOT = os.geteuid() == 0
LESSON = a_lesson()
SETTINGS = '[upstream]\nurl = "https://127.0.0.1:9/attendance"\n'


@pytest.fixture
def home(demo_home, tmp_path, monkeypatch) -> Path:
    """The folder of another user, with students and a register, opened by root."""
    folder = Path(shutil.copytree(demo_home, tmp_path / "home"))
    with (folder / "config.toml").open("a") as file:
        file.write(SETTINGS)
    db = open_register(folder / "register.sqlite")
    keep(db, *a_register(LESSON, {"s1": 0.0, "s2": 1.0}))
    db.conn.close()
    if ROOT:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, ANOTHER, ANOTHER)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
    return folder


def leaves(group: click.Group = cli, before: str = "") -> Iterator[str]:
    """Yield the name of every command that does something, as typed by a user."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from leaves(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def state(folder: Path) -> dict[str, tuple[int, float]]:
    """Return owner and modification time of everything in a folder."""
    return {str(p): (p.stat().st_uid, p.stat().st_mtime) for p in (folder, *folder.rglob("*"))}


WRITING = {
    "checkin accept": ["note.json"],
    "checkin enrol": ["s1"],
    "checkin from": ["clip.mp4", "s1"],
    "checkin note": ["note.json"],
    "checkin run": [],
    "checkin verify": ["s1"],
    "enrol import": ["roster.csv"],
    "enrol remove": ["s1"],
    "maintain backup": [],
    "maintain check": [],
    "maintain inbox": [],
    "maintain retention": [],
    "maintain renew-keys": [],
    "office-key pin": ["ab" * 32],
    "office-key unpin": ["ab" * 32],
    "outbox resend": ["--since", "2026-09-01"],
    "outbox retry": ["--all-parked"],
    "enrol capture": ["s1"],
    "register confirm": [LESSON.lesson_id, "--held", "--by", "J. Miller"],
    "register correct": [
        *(LESSON.lesson_id, "--student", "s1", "--verdict", "present"),
        *("--by", "J. Miller", "--reason", "was there"),
    ],
    "rehearse": ["--frames", "pictures"],
    "run": [],
    "sync": ["--once"],
}


def test_every_command_is_known_to_write_or_not():
    assert {*WRITING, *READING, *FOR_ROOT, "firstboot"} == set(leaves())  # firstboot takes no home


@pytest.mark.parametrize("command", WRITING)
def test_a_command_that_writes_refuses_in_one_line_and_touches_nothing(home, command):
    before = state(home)
    result = run(home, *command.split(), *WRITING[command])
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert "belongs to the user " in result.stderr
    assert f"edge-daemon --home {home} {command} …`" in result.stderr
    assert state(home) == before


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        ("run", "`sudo systemctl start edge-daemon.service`, then `attendance status`"),
        ("sync", "`sudo systemctl start edge-daemon-sync.service`, then `attendance status`"),
        ("maintain backup", "`sudo systemctl start edge-daemon-backup.service`, then `journalctl -u "),
        ("maintain inbox", "`attendance maintain inbox …`"),
    ],
)
def test_on_an_installed_device_the_right_command_is_named(home, command, instead):
    installed = Home(None)
    installed.state_dir = installed.delivery_dir = home
    with pytest.raises(StoreError) as refused:
        check_owner(installed, command)
    assert instead in refused.value.hint


def test_the_process_that_delivers_needs_its_own_folder_only(tmp_path, monkeypatch):
    """The registers are another user's, shown as nobody in the user namespace (PrivateUsers=)."""
    installed = Home(None)
    installed.state_dir, installed.delivery_dir = tmp_path / "registers", tmp_path / "sync"
    installed.delivery_dir.mkdir()
    installed.state_dir.mkdir()
    owners = {installed.state_dir: 65534, installed.delivery_dir: ANOTHER}
    found = os.stat_result((0o40710, *[0] * 9))
    monkeypatch.setattr(Path, "stat", lambda path, **_: os.stat_result((*found[:4], owners[path], *found[5:])))
    monkeypatch.setattr(os, "access", lambda path, _: path == installed.delivery_dir)
    monkeypatch.setattr(os, "geteuid", lambda: ANOTHER)
    check_owner(installed, "sync")
    with pytest.raises(StoreError, match="belongs to the user nobody"):
        check_owner(installed, "outbox retry")
    owners[installed.delivery_dir] = 65534
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StoreError, match=r"edge-daemon-sync\.service"):
        check_owner(installed, "sync")


def test_a_user_who_can_not_enter_an_installed_folder_gets_the_same_advice(home, monkeypatch):
    installed = Home(None)
    installed.state_dir = home
    monkeypatch.setattr(os, "geteuid", lambda: ANOTHER + 1)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StoreError, match="attendance outbox retry"):
        check_owner(installed, "outbox retry")


@pytest.mark.parametrize(
    "command", sorted({*WRITING, "config show", "doctor", "ledger key", "status"} - {"enrol import"})
)
def test_a_home_that_does_not_exist_is_refused_and_not_made(tmp_path, command):
    result = run(tmp_path / "typo", *command.split(), *WRITING.get(command, []))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"edge-daemon: {tmp_path / 'typo'}: there is no such folder; ")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "typo").exists()


def test_the_owner_may(tmp_path):
    assert run(tmp_path, "maintain", "backup").exit_code == 0


@pytest.mark.skipif(not ROOT, reason="only root reads what is another user's")
@pytest.mark.parametrize("command", sorted(READING))
def test_a_command_that_looks_leaves_nothing_of_roots_behind(home, command, tmp_path, demo_frames):
    arguments = {
        "audit": ["--frames", str(demo_frames), "--pictures", "1"],
        "collect": [str(tmp_path), "--output", str(tmp_path / "term.csv")],
        "enrol show": ["S001"],
        "export": ["--from", "2026-01-01", "--to", "2026-12-31", "--output", str(tmp_path / "one.csv")],
        "mail preview": [LESSON.lesson_id, "--output", str(tmp_path / "mails")],
        "mail test": ["--to", "office@school.example"],
        "outbox copy": [str(tmp_path)],
        "outbox show": ["1"],
        "plan check": [LESSON.lesson_id],
        "register show": [LESSON.lesson_id],
    }
    db = open_register(home / "register.sqlite")  # another's, which keeps the files beside the database where they are
    result = run(home, *command.split(), *arguments.get(command, []))
    assert "belongs to the user" not in result.stderr
    assert {uid for uid, _ in state(home).values()} == {ANOTHER}
    db.conn.close()


def test_the_command_is_named_by_its_path_for_sudo_has_a_search_path_of_its_own(home, tmp_path, monkeypatch):
    program = tmp_path / "venv" / "bin" / "edge-daemon"
    monkeypatch.setattr(sys, "argv", [str(program)])
    result = run(home, "maintain", "backup")
    assert f"{program} --home {home} maintain backup …`" in result.stderr


def test_the_folder_of_an_installed_device_needs_its_keys_also_by_its_path(home, monkeypatch):
    monkeypatch.setattr("edge_daemon.cli.owner._name", lambda _uid: "edge-daemon")
    result = run(home, "rehearse", "--frames", "pictures")
    assert result.stderr.rstrip().endswith("use `attendance rehearse …`")
