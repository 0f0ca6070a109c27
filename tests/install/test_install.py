"""install.sh, with an interpreter, apt-get and sudo that only write down what they were asked."""

from __future__ import annotations

import importlib.util
import os
import pty
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PYTHON = """#!/bin/sh
# Stands in for Python and for the Python of an environment; what it lacks is in its folder, as files.
here=$(dirname "$0")
[ "$1" != -I ] || shift
case "$*" in
    *"(3, 10)"*) [ ! -e "$STUBS/too-old" ] ;;
    *"import ensurepip"*) [ ! -e "$STUBS/no-venv" ] ;;
    "-c import sys; print"*) echo "stub 3.11" ;;
    -c*) : ;;
    -V) echo "Python 3.11.2" ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo "venv $3" >>"$STUBS/log" ;;
    "-m pip install"*) echo "pip $(basename "$(dirname "$here")")" >>"$STUBS/log"; [ ! -e "$STUBS/no-network" ] ;;
    "-m pip uninstall"*) : ;;
    "-m pytest"*last-failed*) echo "pytest of what failed" >>"$STUBS/log" ;;
    "-m pytest"*) echo "pytest" >>"$STUBS/log"; [ ! -e "$STUBS/red" ] ;;
    *) echo "what is $*?" >>"$STUBS/log"; exit 9 ;;
esac
"""
APT_GET = '#!/bin/sh\necho "apt-get $*" >>"$STUBS/log"\ncase "$*" in *install*) rm -f "$STUBS/no-venv" ;; esac\n'
SUDO = '#!/bin/sh\necho "sudo $1" >>"$STUBS/log"\n"$@"\n'
ID = '#!/bin/sh\necho "${STUB_USER:-0}"\n'


class Checkout:
    """A folder with install.sh, whose name has a space, on a machine of stubs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stubs = folder / "a checkout", folder / "stubs"
        self.folder.mkdir()
        self.stubs.mkdir()
        for name in ("install.sh", "pyproject.toml"):
            (self.folder / name).write_bytes((ROOT / name).read_bytes())
        for name, text in {"python": PYTHON, "apt-get": APT_GET, "sudo": SUDO, "id": ID}.items():
            (self.stubs / name).write_text(text)
            (self.stubs / name).chmod(0o755)

    def environment(self, user: int) -> dict[str, str]:
        return {
            "PATH": f"{self.stubs}:/usr/bin:/bin",
            "STUBS": str(self.stubs),
            "STUB_USER": str(user),
            "PYTHON": str(self.stubs / "python"),
        }

    def install(self, *arguments: str, user: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(self.folder / "install.sh"), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.environment(user),
            cwd=cwd or self.folder,
            timeout=60,
        )

    def answered(self, answer: bytes) -> int:
        """Run the tests' set-up on a terminal, as a user who types an answer, and return the exit code."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execvpe("sh", ["sh", "install.sh", "test"], self.environment(1000))
        os.write(terminal, answer + b"\n")
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:  # how Linux says that the other side has closed
            pass
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def lacks(self, what: str) -> None:
        (self.stubs / what).touch()

    def log(self) -> list[str]:
        """Return what was asked for since the last call."""
        path = self.stubs / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


MADE = ["venv .venv", "pip .venv", "venv .venv-tflite", "pip .venv-tflite", "pytest"]
APT = ["apt-get update -qq", "apt-get install --yes --no-install-recommends python3-venv -qq"]


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


def test_a_wrong_argument_is_refused(checkout):
    assert checkout.install("tset").returncode == 2
    assert checkout.log() == []


def test_help_is_no_mistake(checkout):
    assert checkout.install("--help").returncode == 0


def test_help_has_the_whole_line_that_fills_a_wheelhouse_for_another_computer(checkout, tmp_path, monkeypatch):
    (line,) = (line for line in checkout.install("--help").stdout.splitlines() if "--fill" in line)
    program, *arguments = shlex.split(line)[1:]
    specification = importlib.util.spec_from_file_location("wheelhouse", ROOT / program)
    wheelhouse = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(wheelhouse)
    asked = []

    def pip(line, check):
        pins = Path(line[line.index("--requirement") + 1]).read_text()
        asked.append((line, pins))
        return subprocess.CompletedProcess(line, 1)

    monkeypatch.setattr(wheelhouse.subprocess, "run", pip)
    assert wheelhouse.main([str(tmp_path) if word == "WHEELHOUSE" else word for word in arguments]) == 1
    ((line, pins),) = asked
    assert line[line.index("--python-version") + 1] == "3.11"
    assert "manylinux_2_17_aarch64" in line
    assert "--require-hashes" in line
    assert "opencv-python-headless==4.11.0.86 \\\n" in pins, "no condition that pip would hold against its own Python"
    assert "exceptiongroup" not in pins, "a pin of another Python"


@pytest.mark.parametrize("share_left", [0.3, 0.6, 0.9, 0.99])
def test_a_part_of_the_file_does_nothing(checkout, share_left):
    path = checkout.folder / "install.sh"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[: int(len(lines) * share_left)]))
    checkout.install("test")
    assert checkout.log() == []
    assert not (checkout.folder / ".venv").exists()


def test_install_sh_test_sets_up_and_runs_the_tests_from_any_folder(checkout, tmp_path):
    result = checkout.install("test", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert checkout.log() == MADE


def test_the_second_time_nothing_is_installed(checkout):
    checkout.install("test")
    checkout.log()
    checkout.install("test")
    assert checkout.log() == ["pytest"]


def test_changed_requirements_are_installed_into_the_same_environment(checkout):
    checkout.install("test")
    checkout.log()
    with (checkout.folder / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    checkout.install("test")
    assert checkout.log() == ["pip .venv", "pip .venv-tflite", "pytest"]


def test_a_half_made_environment_is_made_again(checkout):
    half = checkout.folder / ".venv" / "bin"
    half.mkdir(parents=True)
    (half / "rest").touch()
    checkout.install("test")
    assert checkout.log() == MADE
    assert not (half / "rest").exists()


def test_an_environment_whose_python_is_gone_is_made_again(checkout):
    checkout.install("test")
    checkout.log()
    (checkout.folder / ".venv" / "bin" / "python").unlink()
    checkout.install("test")
    assert checkout.log() == ["venv .venv", "pip .venv", "pytest"]


def test_a_folder_that_was_moved_gets_a_new_environment(checkout):
    checkout.install("test")
    checkout.log()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("elsewhere"))
    checkout.install("test")
    assert checkout.log() == MADE


def test_without_a_network_the_script_says_so_and_goes_on_next_time(checkout):
    checkout.lacks("no-network")
    result = checkout.install("test")
    assert result.returncode == 1
    assert result.stderr.endswith("is there a network?\n")
    (checkout.stubs / "no-network").unlink()
    checkout.log()
    assert checkout.install("test").returncode == 0
    assert checkout.log() == MADE


def test_root_gets_a_missing_package_installed(checkout):
    checkout.lacks("no-venv")
    assert checkout.install("test").returncode == 0
    assert checkout.log() == [*APT, *MADE]


def test_without_a_terminal_the_command_to_run_is_printed_and_nothing_is_done(checkout):
    checkout.lacks("no-venv")
    result = checkout.install("test", user=1000)
    assert result.returncode == 1
    line = "sudo apt-get install --yes --no-install-recommends python3-venv"
    assert result.stderr == f"install.sh: a system package is missing; run: {line}\n"
    assert checkout.log() == []
    assert not (checkout.folder / ".venv").exists()


def test_yes_answers_for_the_user(checkout):
    checkout.lacks("no-venv")
    assert checkout.install("test", "--yes", user=1000).returncode == 0
    assert checkout.log() == ["sudo apt-get", APT[0], "sudo env", APT[1], *MADE]


def test_on_a_terminal_the_user_is_asked(checkout):
    checkout.lacks("no-venv")
    assert checkout.answered(b"n") == 1
    assert checkout.log() == []
    assert checkout.answered(b"y") == 0
    assert checkout.log() == ["sudo apt-get", APT[0], "sudo env", APT[1], *MADE]


def test_tests_that_fail_run_once_more_for_their_values_and_stay_failed(checkout):
    checkout.lacks("red")
    result = checkout.install("test")
    assert (result.returncode, checkout.log()) == (1, [*MADE, "pytest of what failed"])
    assert "once more what failed, to show the values" in result.stdout


def test_an_old_python_is_refused_with_its_name(checkout):
    checkout.lacks("too-old")
    result = checkout.install("test")
    assert result.returncode == 1
    assert f"Python 3.10 or newer is needed; found only {checkout.stubs / 'python'}" in result.stderr
    assert checkout.log() == []


def test_an_interpreter_that_is_not_there_is_named_and_nothing_is_installed(checkout):
    (checkout.stubs / "python").unlink()
    result = checkout.install("test")
    assert result.returncode == 1
    named = f"install.sh: PYTHON={checkout.stubs}/python: there is no such interpreter"
    assert result.stderr == f"{named}; name an existing one, or leave PYTHON out\n"
    assert checkout.log() == []
