"""`edge-daemon maintain`: the daily jobs of the timers, and a check of the databases."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import click

from edge_daemon.app.upkeep import maintenance
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.errors import GalleryError

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=GroupHelp)
def maintain() -> None:
    """Backups, retention, a check of the databases, and documents from the office.

    Timers run `backup` and `retention` every day.
    """


@maintain.command()
@_json
@pass_home
def backup(home: Home, as_json: bool) -> None:
    """Make a verified copy of both databases and remove the oldest. A lesson may run meanwhile."""
    made, erased = maintenance.back_up(home, datetime.now(timezone.utc))
    if as_json:
        files = [{"file": str(copy.path), "bytes": copy.path.stat().st_size} for copy in made]
        click.echo(json.dumps({"backups": files, "erased": erased}, indent=2))
        return
    names = ", ".join(f"{copy.path.name} ({_size(copy.path.stat().st_size)})" for copy in made)
    gone = f"; {erased} older copies of the gallery contained erased data and were deleted" if erased else ""
    click.echo(f"backed up and verified: {names}{gone}" if made else "nothing to back up yet")


@maintain.command()
@_json
@pass_home
def retention(home: Home, as_json: bool) -> None:
    """Delete sightings older than their retention time, and data that no lesson needs any more.

    Registers stay, unless storage.keep_registers_days limits their time; the service then removes old ones.
    """
    done = maintenance.retain(home, datetime.now(timezone.utc))
    days = home.config.storage.keep_sightings_days
    if as_json:
        document = {
            "keep_sightings_days": days,
            "sightings": done.sightings,
            "candidate_sets": done.candidate_sets,
            "untimed": done.untimed,
            "registers_due": done.registers,
            "skipped": done.skipped,
        }
        click.echo(json.dumps(document, indent=2))
    elif done.skipped:
        click.echo(f"nothing deleted: {done.skipped}")
    else:
        click.echo(
            f"deleted: {done.sightings} sightings older than {days} days, candidates of {done.candidate_sets} lessons,"
            f" {done.untimed} captures of unknown time"
            + (f"; the service removes {done.registers} registers within the hour" if done.registers else "")
        )


@maintain.command()
@_json
@pass_home
def check(home: Home, as_json: bool) -> None:
    """Check both databases in full. Exit code 1 means that one is damaged; the service then restores its backup."""
    found = maintenance.check(home)
    problems = {name: findings.problem for name, findings in found.items()}
    if as_json:
        click.echo(json.dumps(problems, indent=2))
    else:
        for name, problem in problems.items():
            click.echo(f"{name}: {problem or 'sound'}")
        if not problems:
            click.echo("there is no database yet")
    if any(problems.values()):
        if not as_json:
            click.echo("restart the service: it puts the damaged file aside and restores the last good backup")
        click.get_current_context().exit(1)


@maintain.command("renew-keys")
@pass_home
def renew_keys(home: Home) -> None:
    """Seal all personal data under new keys and destroy the old ones; earlier backups of the gallery are deleted.

    Use this for a card that was copied from another card, because copies of the old keys exist there.
    """
    from edge_daemon.app.erasure.removal import (
        renew_keys as renew,  # imported here: no timer needs cryptography
    )

    done = renew(home, datetime.now(timezone.utc))
    if done.problem:
        raise GalleryError("the old keys could not be destroyed", done.problem, "see `edge-daemon doctor`")
    fresh = f"; {done.copies.fresh.path.name} was made" if done.copies.fresh else ""
    click.echo(f"keys renewed; {done.copies.erased} earlier backups of the gallery were deleted{fresh}")


@maintain.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--confirm", is_flag=True, help="Also apply a removals.json that removes more than half of the room.")
@_json
@pass_home
def inbox(home: Home, files: tuple[Path, ...], confirm: bool, as_json: bool) -> None:
    """Apply the office's waiting documents now. Exit code 1 means that a document was refused.

    Without this command they wait until no lesson is on.

    FILE: documents that came by another way than the network. They are recognised by name: roster.csv, timetable.ics,
    corrections.json, excuses.json, check_ins.json, withdrawals.json, removals.json.
    """
    from edge_daemon.app.inbox.apply import apply_by_hand  # imported here: no timer needs cryptography

    done = apply_by_hand(home, files, datetime.now(timezone.utc), confirm=confirm)
    if as_json:
        rows = [
            {"document": one.document, "in_force": one.in_force, "told": one.summary, "problem": one.problem}
            for one in done
        ]
        click.echo(json.dumps(rows, indent=2))
    else:
        for one in done:
            click.echo("; ".join(filter(None, (f"{one.document}: {one.summary}", one.problem))))
        if not done:
            click.echo("nothing waits")
    if not all(one.in_force for one in done):
        click.get_current_context().exit(1)


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MB"
