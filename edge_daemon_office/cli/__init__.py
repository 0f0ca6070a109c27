"""The command line of the office. Each command is imported only when it is called."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

import click

from edge_daemon_office import __version__
from edge_daemon_office.cli.help_page import WholeSummaries

_COMMANDS: Final = {
    "init": "set_up",
    "ingest": "documents",
    "rebuild": "documents",
    "keys": "documents",
    "key": "documents",
    "account": "account",
    "token": "token",
    "export": "sending",
    "edfi": "sending",
    "serve": "serving",
    "check": "serving",
    "alerts": "telling",
    "erase": "keeping",
    "backup": "keeping",
    "restore": "keeping",
    "migrate-back": "keeping",
    "room-audit": "keeping",
    "demo": "demonstration",
}
"""Module of each command."""


class _Commands(WholeSummaries):
    """Finds a command by its name, and imports its module when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"edge_daemon_office.cli.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("office"),
    show_default=True,
    envvar="EDGE_DAEMON_OFFICE_HOME",
    help="The office's folder.",
)
@click.version_option(__version__, prog_name="edge-daemon-office")
@click.pass_context
def cli(context: click.Context, home: Path) -> None:
    """The school office of the classroom attendance daemon."""
    context.obj = home
