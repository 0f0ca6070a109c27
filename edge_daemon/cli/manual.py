"""`edge-daemon manual`: writes man pages and completion scripts to where `man` and the shells read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from edge_daemon import __version__
from edge_daemon.cli.command_tree import CommandPage, command_pages
from edge_daemon.cli.completion_scripts import bash_script, fish_script, zsh_script
from edge_daemon.cli.help_page import CommandHelp
from edge_daemon.cli.man_pages import man_pages
from edge_daemon.errors import StoreError

_PROGRAMS = ("edge-daemon", "attendance")
"""The program, and the script with which users of a device run most commands (provisioning/device/attendance)."""


@click.command(cls=CommandHelp)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def manual(folder: Path) -> None:
    """Write man pages, and completion for bash, zsh and fish, below FOLDER.

    FOLDER is a folder such as ~/.local/share. Each file goes to the place below it where `man` or the shell looks for
    it. On a device `install.sh` has already done this.
    """
    from edge_daemon.cli import READERS, cli

    try:
        for place, text in _files(command_pages(cli, _PROGRAMS[0]), READERS):
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"can't be written: {error.strerror}", str(folder), "name a folder of yours") from error


def _files(pages: list[CommandPage], readers: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Yield each file's path below the folder, and its text."""
    for name, text in man_pages(pages, readers, __version__):
        yield f"man/man1/{name}", text
    yield f"man/man1/{_PROGRAMS[1]}.1", f".so man1/{_PROGRAMS[0]}.1\n"
    yield f"zsh/site-functions/_{_PROGRAMS[0]}", zsh_script(pages, _PROGRAMS)
    for program in _PROGRAMS:
        yield f"bash-completion/completions/{program}", bash_script(pages, _PROGRAMS)
        yield f"fish/vendor_completions.d/{program}.fish", fish_script(pages, program)
