"""`edge-daemon run`: the service."""

from __future__ import annotations

import click

from edge_daemon.cli.context import Home, pass_home


@click.command()
@pass_home
def run(home: Home) -> None:
    """Follow the timetable and take every lesson's register, until SIGTERM or Ctrl-C.

    systemd starts this on a device (systemd/edge-daemon.service). SIGHUP looks for a new timetable at once, SIGUSR1
    writes the stacks of all threads to the log.
    """
    from edge_daemon.app.service.service import Service

    Service(home).run()
