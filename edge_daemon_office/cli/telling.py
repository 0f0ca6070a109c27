"""`alerts`: sends new alerts by mail."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import click

from edge_daemon_office.cli.opening import open_office
from edge_daemon_office.counting import counted


@click.command()
@click.option("--dry-run", is_flag=True, help="Print how many lines each account would get; send nothing.")
@click.pass_obj
def alerts(folder: Path, dry_run: bool) -> int:
    """Send one mail with the new alerts to each account that has an address. A timer can run this every 15 minutes.

    Exit codes: 0 done, 1 a mail was refused, 2 mail is not set up.
    """
    home = open_office(folder)
    from edge_daemon_office.alerts.digest import new_alerts, send_digests
    from edge_daemon_office.alerts.find import alerts_of
    from edge_daemon_office.people.models import Account

    now = datetime.now(timezone.utc)
    if dry_run:
        with_address = Account.objects.filter(is_active=True).exclude(email="")
        if not with_address:
            click.echo("no account has an address: `account set NAME --email ADDRESS`")
        for account in with_address:
            if account.school in home.schools:
                count = len(new_alerts(account, alerts_of(account, home.schools[account.school], now)))
                click.echo(f"{account.username}: {count} new")
        return 0
    sent, problems = send_digests(home, now)
    click.echo(f"{counted(sent, 'mail')} sent")
    for line in problems:
        click.echo(f"not taken: {line}", err=True)
    return 1 if problems else 0
