"""`edge-daemon update`: installs a signed release, or goes back to the one before."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import click

from edge_daemon.app.update.releases import Releases
from edge_daemon.app.update.service_control import ServiceControl
from edge_daemon.app.update.updater import Updater
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import CommandHelp


@click.command(cls=CommandHelp)
@click.argument("bundle", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--back", is_flag=True, help="Go back to the earlier release.")
@click.option("--now", is_flag=True, help="Update even during a lesson, which then loses a picture or two.")
@click.option(
    "--allow-downgrade", is_flag=True, help="Allow a release older than the current one, with its known faults."
)
@click.option(
    "--ready-within",
    "ready_s",
    type=float,
    default=120.0,
    show_default=True,
    help="Time limit for the new service to report READY, in seconds.",
)
@click.option(
    "--settle", "settle_s", type=float, default=30.0, show_default=True, help="Seconds that it then has to stay up."
)
@pass_home
def update(
    home: Home, bundle: Path | None, *, back: bool, now: bool, allow_downgrade: bool, ready_s: float, settle_s: float
) -> None:
    """Install the release in BUNDLE: verify it, try it on copies and switch to it; switch back if it does not start."""
    if back == (bundle is not None):
        raise click.UsageError("either BUNDLE or --back")
    if back and allow_downgrade:
        raise click.UsageError("--back needs no --allow-downgrade")
    # A closed terminal must not interrupt the switch. After any other interruption the next boot repairs it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    root = Path(os.environ.get("EDGE_DAEMON_ROOT") or "/")
    updater = Updater(Releases(root), ServiceControl(root, ready_s, settle_s), home)
    if bundle is not None:
        name = updater.take(bundle, in_lesson=now, allow_downgrade=allow_downgrade)
    else:
        name = updater.go_back(in_lesson=now)
    click.echo(f"release {name} is in effect")


@click.command("update-check", cls=CommandHelp)
@pass_home
def update_check(home: Home) -> None:
    """Check models, settings and copies of the databases with this release; exit code 0 means that all is well."""
    from edge_daemon.app.update.trial import check  # imported here: it loads the networks

    check(home)
    click.echo("sound" if home.state_dir.exists() else f"sound, without a database: {home.state_dir} does not exist")
