"""`edge-daemon run`: the service that follows the timetable."""

from __future__ import annotations

import click

from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import CommandHelp


@click.command(cls=CommandHelp)
@pass_home
def run(home: Home) -> None:
    """Follow the timetable and take every lesson's register, until SIGTERM or Ctrl-C.

    systemd starts this on a device (systemd/edge-daemon.service). On SIGHUP the service reads the timetable at once. On
    SIGUSR1 it writes the stacks of all threads to the log.
    """
    from edge_daemon.app.service.service import Service

    Service(home).run()
