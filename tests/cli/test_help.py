"""Help pages, man pages and completion: each command has an example, and shells know what may follow it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from edge_daemon.__main__ import run
from edge_daemon.cli import _COMMANDS, READERS, cli
from edge_daemon.cli.command_tree import command_pages
from edge_daemon.cli.examples import EXAMPLES

PAGES = command_pages(cli, "edge-daemon")


@pytest.fixture(scope="module")
def share(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("share")
    assert run(["manual", str(folder)]) == 0
    return folder


def test_every_command_belongs_to_one_reader():
    named = [name for names in READERS.values() for name in names]
    assert sorted(named) == sorted(_COMMANDS)


def test_every_command_has_an_example_of_its_own():
    assert [page.name for page in PAGES] == sorted(EXAMPLES, key=[page.name for page in PAGES].index)
    for name, lines in EXAMPLES.items():
        assert lines
        assert all(f"{line} ".startswith(f"{name} ".lstrip()) for line in lines), name


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_every_example_can_be_parsed(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "release.edge").touch()
    words = [str(tmp_path) if word == "/media/stick" else word for word in shlex.split(line.partition(">>")[0])]
    command, context = cli, click.Context(cli)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command = found
    command.make_context(line, words)


def test_a_page_ends_with_its_examples_and_cuts_no_summary(capsys):
    for page in PAGES:
        assert run([*page.name.split(), "--help"]) == 0
        out = capsys.readouterr().out
        text, _, examples = out.partition("\nExample")
        assert f"edge-daemon {EXAMPLES[page.name][0]}" in examples, page.name
        assert "..." not in text.partition("Options:")[2], page.name


def test_man_can_show_every_page(share):
    pages = sorted((share / "man/man1").iterdir())
    assert len(pages) == len(_COMMANDS) + 2
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    completed = subprocess.run(
        ["groff", "-man", "-ww", "-z", *pages], capture_output=True, text=True, check=True, cwd=share / "man"
    )
    assert completed.stderr == ""


def test_the_page_of_a_command_has_those_below_it_with_their_options(share):
    text = (share / "man/man1/edge-daemon-register.1").read_text()
    assert '.SH "REGISTER CORRECT"' in text
    assert "\\fB\\-\\-verdict\\fR" in text
    assert "edge\\-daemon register show 0b81e2c4" in text


BASH = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _edge_daemon; printf "%s\\n" "${COMPREPLY[@]}"'
ZSH = """
_describe() { print -l -- ${(P)4%%:*} }; _files() { : }; compadd() { shift; print -l -- $@ }
script=$1; shift; words=("$@"); CURRENT=$#; source $script
"""


def completed(shell: str, share: Path, *words: str) -> list[str]:
    """What a shell offers for the last word."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    if shell == "bash":
        line = [shell, "--norc", "-c", BASH, "bash", share / "bash-completion/completions" / words[0], *words]
    elif shell == "zsh":
        line = [shell, "-fc", ZSH, "zsh", share / "zsh/site-functions/_edge-daemon", *words]
    else:
        script = share / f"fish/vendor_completions.d/{words[0]}.fish"
        line = [
            shell,
            "--no-config",
            "-c",
            'source $argv[1]; complete -C "$argv[2]"',
            script,
            shlex.join(words[:-1]) + " " + words[-1],
        ]
    result = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    return sorted(re.split(r"[\t]", one)[0] for one in result.stdout.split("\n") if one)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_options_and_choices(shell, share):
    below = ["confirm", "correct", "list", "show"]
    assert completed(shell, share, "edge-daemon", "register", "") == below
    assert completed(shell, share, "attendance", "register", "") == below
    assert {"--json", "--revision"} <= set(completed(shell, share, "edge-daemon", "register", "show", "--"))
    assert completed(shell, share, "edge-daemon", "export", "--by", "") == ["month", "week"]
    assert set(_COMMANDS) <= set(completed(shell, share, "edge-daemon", "--home", "somewhere", ""))
    assert "week" not in completed(shell, share, "edge-daemon", "export", "--output", "")
