"""`edge-daemon firstboot` and `edge-daemon identity`: how a device takes over its card, and what identifies it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from edge_daemon.app.firstboot.identity import identity_of
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import CommandHelp


@click.command(cls=CommandHelp)
@click.option(
    "--root", type=click.Path(path_type=Path), default=Path("/"), hidden=True, help="Root of the file system."
)
def firstboot(root: Path) -> None:
    """Take over the settings, network and credentials of a prepared card, and make this device's keys.

    systemd starts this (edge-daemon-firstboot.service) while the boot partition has the folder of a prepared card. Safe
    to repeat. Without that folder, the command rewrites the identity if the device key was restored from a backup.
    """
    from edge_daemon.app.firstboot import host_setup, steps

    os.umask(0o022)  # secrets get their own mode; the service's user must be able to enter the folders
    done = steps.first_boot(root, host_setup.run if root == Path("/") else _not_here)
    if done is None:
        click.echo("no card to take over: the boot partition has no edge-daemon/card.json")
        return
    who, warning = done
    click.echo(f"{who.device}, room {who.room}: ready; key fingerprint {who.fingerprint}")
    if warning:
        click.echo(f"WARNING: {warning}")


@click.command(cls=CommandHelp)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def identity(home: Home, as_json: bool) -> None:
    """Print the device's name, its public key and the key's fingerprint, which the office needs to check signatures."""
    who = identity_of(home)
    if as_json:
        click.echo(json.dumps(asdict(who), ensure_ascii=False, indent=2))
        return
    click.echo(f"device       {who.device}")
    if who.room:
        click.echo(f"room         {who.room}")
    click.echo(f"public key   {who.public_key}")
    click.echo(f"fingerprint  {who.fingerprint}")


def _not_here(_: object) -> None:
    """Apply no setting to a system below another root: it is not running, and reads its settings when it starts."""
