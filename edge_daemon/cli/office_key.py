"""`edge-daemon office-key`: the keys that sign the lists which this device accepts."""

from __future__ import annotations

import click

from edge_daemon.app.inbox import office_keys
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import GroupHelp


@click.group("office-key", cls=GroupHelp)
def office_key() -> None:
    """The office's public keys. Once one is pinned, only signed corrections are accepted from the office."""


@office_key.command("list")
@pass_home
def list_keys(home: Home) -> None:
    """Show the pinned keys with their fingerprints."""
    for key, fingerprint in office_keys.with_fingerprints(home):
        click.echo(f"{key} (fingerprint {fingerprint})")
    if not office_keys.pinned_keys(home):
        click.echo("no office key is pinned: unsigned lists are accepted")


@office_key.command()
@click.argument("key")
@pass_home
def pin(home: Home, key: str) -> None:
    """Pin KEY, 64 hexadecimal digits, as `edge-daemon-office key` prints it; compare the fingerprint by telephone."""
    office_keys.pin(home, key)
    for one, fingerprint in office_keys.with_fingerprints(home):
        click.echo(f"pinned: {one} (fingerprint {fingerprint})")


@office_key.command()
@click.argument("key")
@pass_home
def unpin(home: Home, key: str) -> None:
    """Remove KEY. Without any key, unsigned lists are accepted."""
    office_keys.unpin(home, key)
    click.echo("removed" if office_keys.pinned_keys(home) else "removed; unsigned lists are accepted now")
