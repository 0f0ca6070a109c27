"""No command line of `attendance` has a student's id or a reason; typed text still reaches the program."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.install.wrapper import NOBODY, Wrapper

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root may be another")

CORRECTION = ("register", "correct", "1a2b", "--student", "S0815", "--verdict", "present", "--by", "J. Miller")
REASON = ("--reason", "was ill, says $HOME %n\nher mother")
DESCRIPTION = "--description=Classroom attendance: a command by hand"


@pytest.fixture
def wrapper() -> Iterator[Wrapper]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        wrapper = Wrapper(Path(name))
        wrapper.prepare()
        (wrapper.folder / "run").chmod(0o777)
        (wrapper.folder / "home").chmod(0o755)
        yield wrapper


def test_the_unit_has_one_description_and_one_command_line_whatever_is_corrected(wrapper):
    assert wrapper.call(*CORRECTION, *REASON).returncode == 0
    one = wrapper.recorded("line")
    assert wrapper.recorded("words") == "\n".join((*CORRECTION, *REASON, "")), "word for word"
    wrapper.call(
        "register", "correct", "3c4d", "--student", "S4711", "--verdict", "absent", "--by", "X", "--reason", "Y"
    )
    two = wrapper.recorded("line")
    numbers = dict.fromkeys(set(_numbers(one)) | set(_numbers(two)), "N")
    assert _replaced(one, numbers) == _replaced(two, numbers)
    assert DESCRIPTION in one
    assert not any(word in one for word in ("S0815", "Miller", "mother", "1a2b", "present"))


def _numbers(text: str) -> list[str]:
    return [word for word in text.replace("/", " ").replace("-", " ").split() if word.isdigit() and len(word) > 2]


def _replaced(text: str, what: dict[str, str]) -> str:
    for old in sorted(what, key=len, reverse=True):
        text = text.replace(old, what[old])
    return text


def test_without_root_it_calls_sudo_itself_with_one_line_for_all(wrapper):
    result = wrapper.call(*CORRECTION, "--reason", "her mother's words", user=NOBODY)
    assert (result.returncode, result.stderr) == (0, "")
    assert wrapper.recorded("sudo-line").splitlines() == ["--", "/usr/local/sbin/attendance", "--words-on-stdin"]
    # What sudo hands on is what root's half understands.
    handed = wrapper.recorded("sudo-stdin")
    assert wrapper.call("--words-on-stdin", typed=handed).returncode == 0
    assert wrapper.words() == [*CORRECTION, "--reason", "her mother's words"]
    assert wrapper.recorded("stdin") == ""


def test_standard_input_stays_unread_where_the_program_does_not_ask(wrapper):
    """A loop that reads a list must not lose its next lines to the first command."""
    script = 'while read -r id; do "$0" "$1" enrol remove "$id" --yes || exit; echo "$id"; done'
    completed = subprocess.run(
        ["sh", "-c", script, "sh", str(wrapper.folder / "attendance")],
        input="S1\nS2\nS3\n", capture_output=True, text=True, check=False, cwd=wrapper.folder / "home", user=NOBODY,
        group=NOBODY, extra_groups=[], env={"PATH": f"{wrapper.folder}/tools:{os.environ['PATH']}"}, timeout=30,
    )  # fmt: skip
    assert (completed.stdout, completed.stderr) == ("S1\nS2\nS3\n", "")


@pytest.mark.parametrize(
    "words",
    [
        ("register", "correct"),
        ("register", "correct", "1a2b", "--verdict", "present"),
        ("enrol", "remove"),
        ("enrol", "capture", "S0815"),
        ("register", "confirm", "1a2b", "--held"),
    ],
)
def test_a_command_that_asks_reads_on_from_what_is_typed_or_piped_in(wrapper, words):
    answers = "S0815\npresent\nJ. Miller\nnot_recognised\n"
    wrapper.call(*words, typed=answers, user=NOBODY)
    handed = wrapper.recorded("sudo-stdin")
    wrapper.call("--words-on-stdin", typed=handed)
    assert (wrapper.words(), wrapper.recorded("stdin")) == (list(words), answers)
    assert not list(wrapper.folder.glob("run/*"))


def test_root_types_into_the_program_directly(wrapper):
    wrapper.call("register", "correct", typed="1a2b\nS0815\n")
    assert (wrapper.words(), wrapper.recorded("stdin")) == (["register", "correct"], "1a2b\nS0815\n")


def test_after_sudo_has_logged_it_one_line_says_so(wrapper):
    logged = {"SUDO_COMMAND": "/usr/local/sbin/attendance register correct"}
    result = wrapper.call(*CORRECTION, "--reason", "x", **logged)
    assert (result.returncode, result.stderr.count("\n")) == (0, 1)
    assert "sudo has logged this command line" in result.stderr
    assert wrapper.call("register", "correct", **logged).stderr == "", "asked for, and so not logged"
    for others in ("register list", "export --from today --to today --by week --output /tmp/x.csv", "mail test --help"):
        assert wrapper.call(*others.split(), **logged).stderr == ""
    assert wrapper.call("--words-on-stdin", typed="2\nenrol\nlist\n", **logged).stderr == ""


@pytest.mark.parametrize("damaged", ["", "x\n", "3\nregister\n"])
def test_words_that_are_cut_start_nothing(wrapper, damaged):
    result = wrapper.call("--words-on-stdin", typed=damaged)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert not (wrapper.folder / "tools/line").exists()


def test_a_word_with_a_line_break_is_refused_before_sudo(wrapper):
    result = wrapper.call(*CORRECTION, *REASON, user=NOBODY)
    assert (result.returncode, result.stderr) == (2, "attendance: a word may have no line break\n")
    assert not (wrapper.folder / "tools/sudo-line").exists()


_SUDO_THAT_ASKS = """#!/bin/sh
here=$(dirname "$0")
case $1 in
-n) cat >"$here/sudo-stdin"; exit ;;
esac
sleep 0.5
printf 'Password: ' >/dev/tty
IFS= read -r password </dev/tty
printf '%s\\n' "$password" >"$here/password"
case $* in *--sudo-was-asked) exit ;; esac
cat >"$here/sudo-stdin"
"""


def test_input_typed_for_sudo_is_no_answer_for_the_program(wrapper):
    (wrapper.folder / "tools/sudo").write_text(_SUDO_THAT_ASKS)
    child, terminal = pty.fork()
    if not child:
        os.chdir(wrapper.folder / "home")
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        path = f"{wrapper.folder}/tools:{os.environ['PATH']}"
        words = ["sh", str(wrapper.folder / "attendance"), "register", "correct", "1a2b"]
        os.execve("/bin/sh", words, {"PATH": path, "XDG_RUNTIME_DIR": str(wrapper.folder / "run")})
    output = b""
    while b"Password: " not in output:
        output += os.read(terminal, 100)
    os.write(terminal, b"my password\n")
    _wait_for((wrapper.folder / "tools/password").exists)
    os.write(terminal, b"S0815\n\x04")
    ended = []
    _wait_for(lambda: ended.append(os.waitpid(child, os.WNOHANG)) or ended[-1][0])
    os.close(terminal)  # ends what still waits for it
    assert ended[-1] == (child, 0)
    assert wrapper.recorded("password") == "my password\n"
    assert wrapper.recorded("sudo-stdin") == "3\nregister\ncorrect\n1a2b\nS0815\n"


@pytest.mark.parametrize(("answer", "code"), [(b"\n", 1), (b"y\n", 0)])
def test_a_removal_at_a_terminal_is_asked_about_before_sudo(wrapper, answer, code):
    child, terminal = pty.fork()
    if not child:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        words = ["sh", str(wrapper.folder / "attendance"), "enrol", "remove", "S0815"]
        os.execve("/bin/sh", words, {"PATH": f"{wrapper.folder}/tools:{os.environ['PATH']}"})
    output = b""
    while b"[y/N]: " not in output:
        output += os.read(terminal, 100)
    os.write(terminal, answer)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code
    os.close(terminal)
    assert (wrapper.folder / "tools/sudo-line").exists() == (code == 0)
    if not code:
        assert wrapper.recorded("sudo-stdin") == "4\nenrol\nremove\nS0815\n--yes\n"


def _wait_for(is_so: Callable[[], object]) -> None:
    until_s = time.monotonic() + 10
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.05)


def test_the_question_for_sudo_starts_nothing(wrapper):
    assert wrapper.call("--sudo-was-asked").returncode == 0
    assert not (wrapper.folder / "tools/line").exists()
