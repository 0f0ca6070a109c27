"""Completion scripts for bash, zsh and fish.

`install.sh` writes the scripts once. They start no Python, because on a Raspberry Pi a start takes longer than typing
the command.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from edge_daemon.cli.command_tree import CommandOption, CommandPage

_BASH: Final = """\
# Completion of {programs} for bash.
_edge_daemon() {{
    local word place='' words='' cur=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$place $word" in
        {places}) place="$place $word" ;;
        esac
    done
    COMPREPLY=()
    case "$place $before" in
{values}
    esac
    case "$place" in
{words}
    esac
    [[ $cur == -* || -z $words ]] || words=${{words%% -*}}
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}
complete -o default -o bashdefault -F _edge_daemon {programs}
"""
_ZSH: Final = """\
#compdef {programs}
_edge_daemon() {{
    local word place='' before=$words[CURRENT-1]
    local -a found
    for word in ${{words[2,CURRENT-1]}}; do
        case "$place $word" in
        {places}) place="$place $word" ;;
        esac
    done
    case "$place $before" in
{values}
    esac
    case "$place" in
{words}
    esac
    [[ $words[CURRENT] == -* ]] && found=(${{(M)found:#-*}}) || found=(${{found:#-*}})
    if (( $#found )); then _describe -t commands command found; else _files; fi
}}
_edge_daemon "$@"
"""
_FISH: Final = """\
# Completion of {program} for fish.
function __edge_daemon_at
    set -l place ''
    for word in (commandline -opc)[2..-1]
        contains -- "$place $word" {places}; and set place "$place $word"
    end
    test "$place" = "$argv[1]"
end
{lines}
"""


def bash_script(pages: Sequence[CommandPage], programs: Sequence[str]) -> str:
    """Return the script for bash."""
    return _BASH.format(
        programs=" ".join(programs),
        places=_patterns(pages),
        values=_values(
            pages, lambda choices: f'mapfile -t COMPREPLY < <(compgen -W "{" ".join(choices)}" -- "$cur"); return'
        ),
        words="\n".join(f"    {_place(one)}) words={shlex.quote(_words(one))} ;;" for one in pages),
    )


def zsh_script(pages: Sequence[CommandPage], programs: Sequence[str]) -> str:
    """Return the script for zsh, to be named `_edge-daemon` in a folder of `fpath`."""
    summaries = _summaries(pages)
    return _ZSH.format(
        programs=" ".join(programs),
        places=_patterns(pages),
        values=_values(pages, lambda choices: f"compadd -- {' '.join(choices)}; return", files="_files; return"),
        words="\n".join(
            f"    {_place(one)}) found=({' '.join(shlex.quote(line) for line in _described(one, summaries))}) ;;"
            for one in pages
        ),
    )


def fish_script(pages: Sequence[CommandPage], program: str) -> str:
    """Return the script for fish; each program has a file of its own."""
    return _FISH.format(
        program=program,
        places=" ".join(_place(one) for one in pages if one.name),
        lines="\n".join(_fish_lines(pages, program)),
    )


def _place(page: CommandPage) -> str:
    """Return the words of a command in the scripts' format: a space before each word."""
    return shlex.quote(f" {page.name}" if page.name else "")


def _patterns(pages: Sequence[CommandPage]) -> str:
    return " | ".join(_place(one) for one in pages if one.name)


def _words(page: CommandPage) -> str:
    """Return the words that may follow a command: its subcommands, then its options, each after a space."""
    return " ".join(page.children) + "".join(f" {name}" for one in page.options for name in one.names)


def _values(pages: Sequence[CommandPage], choose: Callable[[Sequence[str]], str], files: str = "return") -> str:
    """Return the shell's `case` branches for options with a value; each offers the option's choices or file names."""
    lines = []
    for page in pages:
        for option in filter(lambda one: one.metavar, page.options):
            pattern = " | ".join(shlex.quote(f"{' ' if page.name else ''}{page.name} {name}") for name in option.names)
            then = choose(option.choices) if option.choices else files
            lines.append(f"    {pattern}) {then} ;;")
    return "\n".join(lines)


def _summaries(pages: Iterable[CommandPage]) -> Mapping[str, str]:
    return {one.name: one.summary for one in pages}


def _described(page: CommandPage, summaries: Mapping[str, str]) -> list[str]:
    """Return a command's possible next words, formatted for zsh's `_describe` (word:description)."""
    found = [(name, summaries[f"{page.name} {name}".strip()]) for name in page.children]
    found += [(name, one.help) for one in page.options for name in one.names]
    return [f"{name}:{text}" for name, text in found]


def _fish_lines(pages: Sequence[CommandPage], program: str) -> list[str]:
    summaries, lines = _summaries(pages), []
    for page in pages:
        head = f"complete -c {program} -n {_fish_quoted(f'__edge_daemon_at {_place(page)}')}"
        for name in page.children:
            text = _fish_quoted(summaries[f"{page.name} {name}".strip()])
            lines.append(f"{head} -f -a {name} -d {text}")
        lines += [f"{head} {_fish_option(one)}" for one in page.options]
    return lines


def _fish_option(option: CommandOption) -> str:
    names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
    value = ["-r"] if option.metavar else []
    if option.choices:
        value = ["-x", "-a", _fish_quoted(" ".join(option.choices))]
    return " ".join([*names, *value, "-d", _fish_quoted(option.help)])


def _fish_quoted(text: str) -> str:
    """Return a text in single quotes for fish, with its backslashes and single quotes escaped."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
