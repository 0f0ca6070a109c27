"""`backup` and `restore`: what can't be made anew from the tree."""

from __future__ import annotations

from pathlib import Path

import click

from edge_daemon_office.backup import restore_tables, unpack_files, write_backup
from edge_daemon_office.cli.opening import open_office

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def backup(folder: Path, file: Path) -> None:
    """Write accounts, decisions, excuses, settings and keys to FILE. It holds secrets: keep it safe."""
    count = write_backup(open_office(folder), file)
    click.echo(f"written {file}: " + ", ".join(f"{number} {name}" for name, number in count.items()))


@click.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def restore(folder: Path, file: Path) -> None:
    """Make a new office from FILE; then `ingest` fills the other tables from the tree."""
    unpack_files(file, folder)
    open_office(folder)
    count = restore_tables(file)
    click.echo(f"made {folder}: " + ", ".join(f"{number} {name}" for name, number in count.items()))
    click.echo("next: check the paths in office.toml, then `ingest`")
