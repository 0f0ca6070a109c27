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
from tests.install.wrapper import NOBODY, SCRIPT, Wrapper

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root may be another")


@pytest.fixture
def wrapper() -> Iterator[Wrapper]:
    """A folder that everybody can enter, with a home in it that only its owner can."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        wrapper = Wrapper(Path(name))
        wrapper.prepare()
        (wrapper.folder / "home" / "photos" / "s1").mkdir(parents=True)
        (wrapper.folder / "home").chmod(0o700)
        (wrapper.folder / "home" / "ROSTER.csv").write_text("student_id,consent\n")
        yield wrapper


@pytest.fixture
def open_wrapper(wrapper) -> Wrapper:
    """The same with a folder that the service's user can enter and write."""
    subprocess.run(["install", "-d", "-m", "770", "-o", str(NOBODY), wrapper.folder / "home"], check=True)
    return wrapper


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("enrol", "import", "ROSTER.csv"), "ROSTER.csv: the user USER can't read it"),
        (("enrol", "import", "/etc/hostname", "--photos", "photos"), "photos: the user USER can't read it"),
        (("export", "--from", "2026-11-01", "--output", "ONE.csv"), "ONE.csv: the user USER can't write there"),
        (("mail", "preview", "abc", "--output", "photos"), "photos: the user USER can't write there"),
        (("enrol", "show", "s1", "--output=s1.html"), "s1.html: the user USER can't write there"),
        (("outbox", "copy", "photos"), "photos: the user USER can't write there"),
    ],
)
def test_a_file_in_a_closed_home_is_refused_in_one_line_with_a_folder_that_works(wrapper, arguments, named):
    result = wrapper.call(*arguments)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    path = named.replace("USER", str(NOBODY))
    assert result.stderr.startswith(
        f"attendance: {wrapper.folder}/home/{path}; work in a folder of its own: install -d "
    )
    assert not (wrapper.folder / "tools/line").exists(), "nothing was started"


def test_in_the_folder_that_it_names_files_are_read_and_results_written(open_wrapper):
    home = open_wrapper.folder / "home"
    result = open_wrapper.call("enrol", "import", "ROSTER.csv", "--photos", "photos")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert open_wrapper.words() == ["enrol", "import", f"{home}/ROSTER.csv", "--photos", f"{home}/photos"]
    assert open_wrapper.values("BindReadOnlyPaths") == [f'"{home}/ROSTER.csv"', f'"{home}/photos"'], (
        "hidden but for these"
    )
    assert open_wrapper.values("BindPaths") == []
    open_wrapper.call("export", "--output", "ONE.csv")
    assert open_wrapper.values("BindPaths") == [f'"{home}"']
    assert open_wrapper.values("BindReadOnlyPaths") == []


def test_a_name_with_quotes_and_blanks_is_one_path(open_wrapper):
    odd = open_wrapper.folder / "home" / 'my "photos" \\ 2: all'
    odd.mkdir()
    assert open_wrapper.call("rehearse", "--frames", odd.name).returncode == 0
    escaped = str(odd).replace("\\", "\\\\").replace('"', '\\"')
    assert open_wrapper.values("BindReadOnlyPaths") == [f'"{escaped}"']
    assert open_wrapper.words()[2] == str(odd)


def test_a_result_in_the_common_temporary_folder_lands_there(wrapper):
    """There a folder of the sandbox's own would swallow it."""
    wrapper.call("mail", "preview", "abc", "--output", "/tmp/new-folder-of-this-test")
    assert wrapper.values("ReadWritePaths") == ["/tmp"]
    assert wrapper.values("PrivateTmp")[-1] == "no"


def test_a_command_without_files_starts_from_any_folder(wrapper):
    """Also where a folder has the name of a word: photographs lie in folders of the students' ids."""
    assert wrapper.call("enrol", "remove", "photos").returncode == 0
    assert wrapper.words() == ["enrol", "remove", "photos"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("enrol import ROSTER.csv --photos photos", "enrol import HERE/ROSTER.csv --photos HERE/photos"),
        ("enrol import --photos=photos --readmit photos /etc/hostname",
         "enrol import --photos=HERE/photos --readmit photos /etc/hostname"),
        ("rehearse --frames photos --sightings new.csv", "rehearse --frames HERE/photos --sightings HERE/new.csv"),
        ("audit --frames photos --output new.png", "audit --frames HERE/photos --output HERE/new.png"),
        ("outbox copy photos", "outbox copy HERE/photos"),
        ("maintain inbox ROSTER.csv", "maintain inbox HERE/ROSTER.csv"),
        ("collect photos --output t.xlsx --keys k.csv", "collect HERE/photos --output HERE/t.xlsx --keys HERE/k.csv"),
        ("collect https://office.example --output t.xlsx", "collect https://office.example --output HERE/t.xlsx"),
        ("register correct photos s1 --reason ROSTER.csv", "register correct photos s1 --reason ROSTER.csv"),
    ],
)  # fmt: skip
def test_a_relative_path_means_the_callers_folder_and_the_program_starts_in_the_root(open_wrapper, given, meant):
    for path in ("home", "home/photos"):
        (open_wrapper.folder / path).chmod(0o777)
    result = open_wrapper.call(*given.split())
    assert result.returncode == 0, result.stderr
    assert open_wrapper.values("WorkingDirectory") == ["/"]
    assert " ".join(open_wrapper.words()) == meant.replace("HERE", f"{open_wrapper.folder}/home")


def test_the_exit_code_is_that_of_the_program(wrapper):
    (wrapper.folder / "tools/code").write_text("3")
    assert wrapper.call("status").returncode == 3


def test_nothing_is_left_in_the_runtime_folder(wrapper):
    wrapper.call("doctor")
    assert list((wrapper.folder / "run").iterdir()) == []


def test_without_a_device_key_one_line_says_so(wrapper):
    (wrapper.folder / "keys/edge-daemon.device-key").unlink()
    result = wrapper.call("enrol", "list")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "there is no device key" in result.stderr
    assert wrapper.call("timetable", "show").returncode == 0, "it needs none"


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        ("sync --once", "systemctl start edge-daemon-sync.service"),
        ("run", "systemctl start edge-daemon.service"),
        ("update X.edge", "sudo edge-daemon update"),
        ("lab expression faces", "docs/LAB.md"),
    ],
)
def test_a_command_that_attendance_does_not_run_is_refused_with_the_right_one(wrapper, command, instead):
    result = wrapper.call(*command.split())
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert instead in result.stderr


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
        if command.split()[1] in (
            "firstboot",
            "update",
            "manual",
            "lab",
        ):  # for root, or never on a device
            continue
        if name.startswith("--"):
            assert f"{name}=*" in text, (command, name)
            assert f"{name} |" in text or f"{name})" in text, (command, name)
        else:
            assert f"'{command.partition(' ')[2]}" in text, (command, name)
