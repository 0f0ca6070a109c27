"""`ingest`, `rebuild`, `keys` and `key`: read the tree into the tables, and manage the trusted keys."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import click

from edge_daemon_office.cli.help_page import WholeSummaries
from edge_daemon_office.cli.known_names import warn_of_device
from edge_daemon_office.cli.opening import open_office, schools_of
from edge_daemon_office.counting import counted
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School, read_home

NOT_REACHED = 1
"""Exit code: the school's server gave no documents; those that were already here are ingested."""
LEFT_OUT = 3
"""Exit code: documents were left out, in this run or an earlier one."""
_SHOWN = 30

_school = click.option("--school", metavar="ID", help="One school only.")


@click.command()
@_school
@click.pass_obj
def ingest(folder: Path, school: str | None) -> int:
    """Read the documents delivered since the last run, check each signature, and fill the tables.

    Exit codes: 0 done, 1 the school's server gave nothing, 2 a folder or list can't be read, 3 documents are left out.
    Even with 1 and 3, all documents that are here and can be trusted are ingested.
    """
    return _run(folder, school, is_rebuild=False)


@click.command()
@_school
@click.pass_obj
def rebuild(folder: Path, school: str | None) -> int:
    """Rebuild the tables from the tree. Accounts, decisions and excuses stay unchanged."""
    return _run(folder, school, is_rebuild=True)


def _run(folder: Path, school: str | None, *, is_rebuild: bool) -> int:
    home = open_office(folder)
    from edge_daemon_office.decisions.overlay import apply_overlays
    from edge_daemon_office.ingest.run import ingest, rebuild
    from edge_daemon_office.ingest.server_copy import bring_documents
    from edge_daemon_office.registers.models import Problem
    from edge_daemon_office.retention import apply_retention
    from edge_daemon_office.scope import use_school

    code, is_reached = 0, True
    for one in schools_of(home, school):
        try:
            for line in bring_documents(home, one):
                click.echo(line, err=True)
                code = LEFT_OUT
        except OfficeError as error:
            click.echo(f"{one.school}: {error.line()}; what was here already is ingested", err=True)
            is_reached = False
        result = (rebuild if is_rebuild else ingest)(one, datetime.now(timezone.utc))
        apply_overlays(home, one)
        forgotten = apply_retention(home, one, datetime.now(timezone.utc))
        click.echo(
            f"{one.school}: {counted(result.devices, 'device')}, {counted(result.documents, 'document')} examined: "
            f"{counted(result.registers, 'register')}, {counted(result.commitments, 'commitment')}, "
            f"{result.repeated} repeated, {result.left_out} left out"
        )
        if any(forgotten.rows.values()):
            old = ", ".join(f"{count} {name}" for name, count in forgotten.rows.items() if count)
            click.echo(f"{one.school}: forgotten, as retention says: {old}")
        for line in forgotten.problems:
            click.echo(line, err=True)
        use_school(one.school)
        mine = Problem.objects.filter(school=one.school).order_by("-is_left_out", "where")
        for row in mine[:_SHOWN]:
            click.echo(f"{'left out' if row.is_left_out else 'odd'}: {row.where}: {row.what}", err=True)
        if (count := mine.count()) > _SHOWN:
            click.echo(f"left out or odd, and not shown: {count - _SHOWN}; see the page Rooms", err=True)
        if mine.filter(is_left_out=True).exists():
            code = LEFT_OUT
    return code if is_reached else NOT_REACHED


@click.group(cls=WholeSummaries)
def keys() -> None:
    """Pin the devices' keys. Compare each fingerprint with the device's own `ledger verify`."""


@keys.command("list")
@_school
@click.pass_obj
def list_keys(folder: Path, school: str | None) -> None:
    """Show the key of each device in the tree, and whether it is pinned; then all other pinned keys."""
    from edge_daemon_office.ingest.keys import offered, read_keys
    from edge_daemon_office.shared.device.signing import fingerprint as fingerprint_of

    for one in schools_of(read_home(folder), school):
        found = offered(one.tree, one.keys)
        for device, key, fingerprint, is_pinned in found:
            click.echo(
                f"{one.school}: {device}: {key} (fingerprint {fingerprint}){'' if is_pinned else ', NOT pinned'}"
            )
        if not found:
            click.echo(f"{one.school}: no device has delivered its key yet")
        delivered = {(device, key) for device, key, _, _ in found}
        for device, pinned in sorted(read_keys(one.keys).items()):
            name = device if device.isprintable() else ascii(device)
            for key in sorted(pinned):
                if (device, key) not in delivered:
                    message = "pinned, but the device's key.json does not have it"
                    click.echo(f"{one.school}: {name}: {key} (fingerprint {fingerprint_of(key)}), {message}")


@keys.command()
@click.argument("device")
@click.argument("key")
@_school
@click.pass_obj
def pin(folder: Path, device: str, key: str, school: str | None) -> None:
    """Trust documents that DEVICE signs with KEY (64 hexadecimal digits)."""
    from edge_daemon_office.ingest.keys import pin as pin_key

    one = _only_school(folder, school)
    others = pin_key(one.keys, device, key)
    warn_of_device(one, device, key)
    for other in sorted(others):
        message = f"DEVICE {device}: has another pinned key, which stays trusted: {other}"
        click.echo(f"{message}; if it is wrong, `keys unpin` removes it", err=True)
    click.echo(f"pinned in {one.keys}")


@keys.command()
@click.argument("device")
@click.argument("key")
@_school
@click.pass_obj
def unpin(folder: Path, device: str, key: str, school: str | None) -> None:
    """Stop trusting KEY of DEVICE. The next `ingest` removes everything that the key signed."""
    from edge_daemon_office.ingest.keys import unpin as unpin_key

    one = _only_school(folder, school)
    unpin_key(one.keys, device, key)
    click.echo(f"removed from {one.keys}; the next `ingest` removes the documents that it signed")


def _only_school(folder: Path, school: str | None) -> School:
    schools = schools_of(read_home(folder), school)
    if len(schools) > 1:
        raise OfficeError("this office has several schools", "--school", "name the device's school")
    return schools[0]


@click.command()
@click.pass_obj
def key(folder: Path) -> None:
    """Show the office's own public key. A device that has pinned it accepts only lists signed with it."""
    from edge_daemon_office.decisions.office_key import office_signer
    from edge_daemon_office.shared.device.signing import fingerprint

    public_key = office_signer(read_home(folder)).public_key
    click.echo(f"{public_key} (fingerprint {fingerprint(public_key)})")
