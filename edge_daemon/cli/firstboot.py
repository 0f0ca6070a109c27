"""`edge-daemon firstboot` and `edge-daemon identity`: what a new device is told, and what it tells."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from edge_daemon.app.firstboot import identity as identities
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.device.secrets import DEVICE_KEY_CREDENTIAL, credential, device_key
from edge_daemon.errors import ProvisioningError


@click.command()
@click.option("--root", type=click.Path(path_type=Path), default=Path("/"), hidden=True, help="Of the file system.")
def firstboot(root: Path) -> None:
    """Take over what a prepared card brings: settings, network, credentials. Makes this device's keys.

    systemd starts this (edge-daemon-firstboot.service) while the boot partition has such a folder. Safe to repeat.
    Without one it writes the identity down anew where the device key was brought back from the safe.
    """
    from edge_daemon.app.firstboot import host_setup, steps

    os.umask(0o022)  # what is secret gets its mode by name; the service's user must be able to enter the folders
    done = steps.first_boot(root, host_setup.run if root == Path("/") else _not_here)
    if done is None:
        click.echo("no card to take over: the boot partition has no edge-daemon/card.json")
        return
    who, warning = done
    click.echo(f"{who.device}, room {who.room}: ready; key fingerprint {who.fingerprint}")
    if warning:
        click.echo(f"WARNING: {warning}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def identity(home: Home, as_json: bool) -> None:
    """Print the device's name, its public key and the key's fingerprint: what the office checks signatures against."""
    who = _identity(home)
    if as_json:
        click.echo(json.dumps(asdict(who), ensure_ascii=False, indent=2))
        return
    click.echo(f"device       {who.device}")
    if who.room:
        click.echo(f"room         {who.room}")
    click.echo(f"public key   {who.public_key}")
    click.echo(f"fingerprint  {who.fingerprint}")


def _identity(home: Home) -> identities.Identity:
    """Return the identity by the key where it is at hand, else as the first start wrote it down."""
    if home.home_mode or credential(DEVICE_KEY_CREDENTIAL) is not None:
        key = device_key(home.key_path if home.home_mode else None, create=False)
        return identities.identity(home.config.device.name, home.config.timetable.room, key)
    known = identities.known(home.config_path.parent)
    if known is None:
        hint = "run it with the device key (docs/SYSTEMD.md), or with --home"
        raise ProvisioningError("not known without the device key", "identity", hint)
    return known


def _not_here(_: object) -> None:
    """Another root's system can't be told to do anything now; it does so when it starts."""
