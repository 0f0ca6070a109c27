"""`edge-daemon doctor`: checks this installation and gives advice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

import click

from edge_daemon.app.health.doctor import Check, Doctor
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import CommandHelp
from edge_daemon.cli.this_command import commands_here

_WIDTH = 13


@click.command(cls=CommandHelp)
@click.option(
    "--network",
    "only_network",
    is_flag=True,
    help="Only the checks that need the network: mail, the school's server, network.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def doctor(home: Home, only_network: bool, as_json: bool) -> None:
    """Check everything that a lesson needs, with advice. Exit code 1 means that a check failed."""
    all_checks = Doctor(home)
    checks = list(_told(all_checks.network_checks() if only_network else all_checks.checks(), home, quiet=as_json))
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=2))
    bad = [check.name for check in checks if check.state == "bad"]
    if bad and not as_json:
        click.echo(f"{'TO DO':{_WIDTH}}{', '.join(bad)}")
    click.get_current_context().exit(1 if bad else 0)


def _told(checks: Iterable[Check], home: Home, *, quiet: bool) -> Iterator[Check]:
    """Print each check as soon as it is done, because the camera's check takes seconds; yield it unchanged."""
    for check in checks:
        if not quiet:
            click.echo(f"{check.state:{_WIDTH}}{check.name}: {check.found}")
            if check.advice:
                click.echo(f"{'':{_WIDTH}}-> {commands_here(check.advice, home)}")
        yield check
