"""How the process ends: its exit code and its stderr."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from edge_daemon import __version__, cli
from edge_daemon.__main__ import run
from edge_daemon.cli import cli as root
from edge_daemon.errors import CameraError
from tests.registers import a_home, a_lesson, a_register


def edge_daemon(*arguments, **options) -> subprocess.CompletedProcess:
    environment = {**os.environ, **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "edge_daemon", *map(str, arguments)],
        **{"capture_output": True, "text": True, "env": environment, "timeout": 60, **options},
    )


@pytest.fixture
def command(monkeypatch):
    """Add a command of the test to the program."""

    def put(body) -> None:
        monkeypatch.setattr(type(root), "get_command", lambda self, ctx, name: click.Command(name, callback=body))

    return put


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["dance"], "edge-daemon: No such command 'dance'; see edge-daemon --help"),
        (["--hom", "x"], "edge-daemon: No such option '--hom'"),
        (["rehearse"], "edge-daemon rehearse: Missing option '--frames'; see edge-daemon rehearse --help"),
        (["config", "show", "--xml"], "edge-daemon config show: No such option '--xml'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(capsys, arguments, says):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.replace("option: --hom", "option '--hom'").replace("option: --xml", "option '--xml'").startswith(says)
    assert err.count("\n") == 1


def test_without_a_command_the_commands_are_listed():
    result = edge_daemon()
    assert result.returncode == 2
    assert "rehearse" in result.stderr


def test_a_problem_of_the_user_is_one_line_and_its_exit_code(command, capsys):
    def body():
        raise CameraError("has no pictures\nat all", "DIR", "put some there")

    command(body)
    assert run(["x"]) == 2
    assert capsys.readouterr().err == "edge-daemon: DIR: has no pictures at all; put some there\n"


def test_a_fault_of_the_program_is_one_line_without_its_message(command, capsys):
    def body():
        raise RuntimeError("Jane Doe, jane@school.example")

    command(body)
    assert run(["x"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("edge-daemon: internal error, RuntimeError at test_process.py:")
    assert err.count("\n") == 1
    assert "Jane" not in err


def test_a_refusal_of_the_system_is_one_line_that_names_the_file(command, capsys, tmp_path):
    command(lambda: (tmp_path / "no" / "such").read_text())
    assert run(["x"]) == 1
    assert capsys.readouterr().err == f"edge-daemon: {tmp_path / 'no' / 'such'}: No such file or directory\n"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, click.Abort])
def test_an_interruption_is_quiet(command, capsys, interruption):
    def body():
        raise interruption

    command(body)
    assert run(["x"]) == 130
    assert capsys.readouterr().err.strip() == ""


def test_a_reader_that_goes_away_makes_no_noise():
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_daemon", "config", "show"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 1


def test_a_reader_that_takes_one_line_makes_no_noise():
    """Run `edge-daemon --help | head -1`, with more output than a pipe holds."""
    code = "from edge_daemon.__main__ import main; import click\n"
    code += "from edge_daemon.cli import cli; cli.get_command = lambda *_: click.Command('x', callback=lambda: "
    code += "[click.echo('line ' * 20) for _ in range(5000)]); main(['x'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"line")
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 1


@pytest.mark.parametrize("closed", [">&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_makes_no_traceback(closed, tmp_path):
    script = f"exec 3>&2; {sys.executable} -m edge_daemon --home {tmp_path} config show {closed}; echo $? >&3"
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert result.stderr == "0\n"


@pytest.mark.parametrize("locale", ["POSIX", "C", "no_SUCH"])
def test_without_a_locale_names_are_shown_and_nothing_breaks(locale, tmp_path):
    (tmp_path / "config.toml").write_text('[device]\nname = "raum-7"\n[timetable]\nroom = "Ü 7"\n', encoding="utf-8")
    result = edge_daemon("--home", tmp_path, "config", "show", env={"LC_ALL": locale, "PYTHONUTF8": "0"})
    assert (result.returncode, result.stderr) == (0, "")
    assert re.search(r'room = .*"(Ü|\\xdc) 7"', result.stdout)


def test_a_full_disk_for_the_output_is_one_line():
    with Path("/dev/full").open("w") as full:
        result = edge_daemon("config", "show", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert result.returncode == 1
    assert result.stderr == "edge-daemon: No space left on device\n"


def test_debugging_prints_the_traceback(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import socket\nsocket.gethostname = lambda: 1 / 0\n")
    fault = {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}
    assert "Traceback" not in edge_daemon("--home", tmp_path, "config", "show", env=fault).stderr
    debugged = edge_daemon("--home", tmp_path, "config", "show", env={**fault, "EDGE_DAEMON_DEBUG": "1"})
    assert "ZeroDivisionError" in debugged.stderr
    assert "Traceback" in debugged.stderr
    assert debugged.returncode == 1


def test_libraries_written_in_c_do_not_write_to_the_users_stderr(tmp_path):
    frames = tmp_path / "film.mp4"
    frames.write_bytes(b"no film" * 1000)
    result = edge_daemon("--home", tmp_path, "rehearse", "--frames", frames)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "is not a video" in result.stderr


def test_the_version_is_printed(capsys):
    assert run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_the_home_can_be_named_by_the_environment(tmp_path):
    (tmp_path / "config.toml").write_text('[device]\nname = "room-7"\n')
    assert 'name = "room-7"' in edge_daemon("config", "show", env={"EDGE_DAEMON_HOME": str(tmp_path)}).stdout


def test_every_command_has_help(capsys):
    for name in cli._COMMANDS:
        assert run([name, "--help"]) == 0
        assert "Usage:" in capsys.readouterr().out


def test_help_imports_no_command():
    code = (
        "import sys; from edge_daemon.__main__ import run; run(['--help']);"
        "print([m for m in sys.modules if m in ('cv2', 'numpy', 'sqlite_utils')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "command", [["status"], ["register", "list"], ["register", "show", a_lesson().lesson_id]], ids=" ".join
)
def test_a_command_that_only_looks_imports_no_numpy(demo_home, tmp_path, command):
    shutil.copytree(demo_home, tmp_path / "home")
    home = a_home(tmp_path / "home", [a_register(a_lesson(), {"S1": 0.9})])
    code = (
        f"import sys; from edge_daemon.__main__ import run; run({['--home', str(home), *command]});"
        "print([m for m in sys.modules if m in ('cv2', 'numpy')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
    assert len(result.stdout.splitlines()) > 2
