"""`attendance`: the program as the service's user; files that this user can't use are named before anything starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from edge_daemon.cli import cli

SCRIPT = Path(__file__).parents[2] / "provisioning" / "device" / "attendance"
SERVICE = "--reuid=edge-daemon --regid=edge-daemon"
NOBODY = 65534
SYSTEMD_RUN = """#!/bin/sh
printf '%s\\n' "$@" >"$(dirname "$0")/words"
for last; do :; done; echo "starts ... $last"
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root may be another")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody can enter, with a home in it that only its owner can."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        (Path(name) / "home" / "photos" / "s1").mkdir(parents=True)
        (Path(name) / "home").chmod(0o700)
        (Path(name) / "home" / "ROSTER.csv").write_text("student_id,consent\n")
        yield Path(name)


def attendance(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a folder, with a user that every system has and a systemd-run that only says what it is to start."""
    text = SCRIPT.read_text()
    assert SERVICE in text
    script, tools = folder / "attendance", folder / "tools"
    script.write_text(text.replace(SERVICE, f"--reuid={NOBODY} --regid={NOBODY}"))
    tools.mkdir(exist_ok=True)
    (tools / "systemd-run").write_text(SYSTEMD_RUN)
    (tools / "systemd-run").chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    return subprocess.run(
        ["sh", script, *arguments], cwd=folder / "home", env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("enrol", "import", "ROSTER.csv"), "ROSTER.csv: the user edge-daemon can't read it"),
        (("enrol", "import", "/etc/hostname", "--photos", "photos"), "photos: the user edge-daemon can't read it"),
        (("export", "--from", "2026-11-01", "--output", "ONE.csv"), "ONE.csv: the user edge-daemon can't write there"),
        (("mail", "preview", "abc", "--output", "photos"), "photos: the user edge-daemon can't write there"),
    ],
)
def test_a_file_in_a_closed_home_is_refused_in_one_line_with_a_folder_that_works(folder, arguments, named):
    done = attendance(folder, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"attendance: {folder}/home/{named}; work in a folder of its own: install -d ")


def test_in_the_folder_that_it_names_files_are_read_and_results_written(folder):
    subprocess.run(["install", "-d", "-m", "770", "-o", str(NOBODY), folder / "home"], check=True)
    done = attendance(folder, "enrol", "import", "ROSTER.csv", "--photos", "photos")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"starts ... {folder}/home/photos\n", "")
    assert attendance(folder, "export", "--output", "ONE.csv").stdout == f"starts ... {folder}/home/ONE.csv\n"


def test_a_command_without_files_starts_from_any_folder(folder):
    """Also where a folder has the name of a word: photographs lie in folders of the students' ids."""
    assert attendance(folder, "enrol", "remove", "photos").stdout == "starts ... photos\n"


def words(folder: Path) -> list[str]:
    """Return what the last call handed to systemd-run."""
    return (folder / "tools" / "words").read_text().splitlines()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("enrol import ROSTER.csv --photos photos", "enrol import HERE/ROSTER.csv --photos HERE/photos"),
        ("enrol import --photos=photos --readmit photos /etc/hostname",
         "enrol import --photos=HERE/photos --readmit photos /etc/hostname"),
        ("rehearse --frames photos --sightings new.csv", "rehearse --frames HERE/photos --sightings HERE/new.csv"),
        ("audit --frames photos --output new.png", "audit --frames HERE/photos --output HERE/new.png"),
        ("outbox copy stick", "outbox copy HERE/stick"),
        ("maintain inbox ROSTER.csv", "maintain inbox HERE/ROSTER.csv"),
        ("collect photos --output t.xlsx --keys k.csv", "collect HERE/photos --output HERE/t.xlsx --keys HERE/k.csv"),
        ("collect https://office.example --output t.xlsx", "collect https://office.example --output HERE/t.xlsx"),
        ("register correct photos s1 --reason ROSTER.csv", "register correct photos s1 --reason ROSTER.csv"),
    ],
)  # fmt: skip
def test_a_relative_path_means_the_callers_folder_and_the_program_starts_in_the_root(folder, given, meant):
    subprocess.run(["install", "-d", "-m", "770", "-o", str(NOBODY), folder / "home"], check=True)
    done = attendance(folder, *given.split())
    assert done.returncode == 0, done.stderr
    started = words(folder)
    assert "WorkingDirectory=/" in started
    program = started.index("/opt/edge-daemon/venv/bin/python")
    assert started[program + 1 : program + 6] == ["-I", "-u", "-X", "faulthandler", "-m"]
    assert " ".join(started[program + 7 :]) == meant.replace("HERE", f"{folder}/home")


def files_of(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield the options and arguments that name files, of every command."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from files_of(
                command.get_command(context, name), click.Context(command, parent=context, info_name=name)
            )
        return
    for parameter in command.params:
        if isinstance(parameter.type, click.Path) or parameter.metavar in ("FILE", "DIR"):
            yield context.command_path, parameter.opts[0]


def test_the_wrapper_knows_every_option_that_names_a_file():
    text = SCRIPT.read_text()
    for command, name in files_of(cli, click.Context(cli, info_name="attendance")):
        if command.split()[-1] not in ("firstboot", "update"):  # for root itself
            assert f"{name} |" in text or f"{name})" in text or f'"{command.partition(" ")[2]}' in text, (command, name)
