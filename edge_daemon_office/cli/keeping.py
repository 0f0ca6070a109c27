"""`backup`, `restore`, `erase`, `migrate-back`, `room-audit`: for data that can't be rebuilt from the tree."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from edge_daemon_office.backup import restore_tables, unpack_files, write_backup
from edge_daemon_office.cli.opening import open_office, schools_of
from edge_daemon_office.counting import counted
from edge_daemon_office.errors import OfficeError

_FILE = click.Path(path_type=Path, dir_okay=False)
_WORDS = {
    "Account": "accounts",
    "TaughtCourse": "courses of teachers",
    "ToldAlert": "sent alerts",
    "Activity": "activities",
    "Decision": "decisions",
    "Excuse": "excuses",
    "Publication": "lists of devices",
    "ApiToken": "tokens",
    "EdFiEvent": "records sent to Ed-Fi",
    "CourseSection": "sections of Ed-Fi",
}
"""The word for the rows of each table."""


def _counted(count: Mapping[str, int]) -> str:
    """Return the rows by table in words, without empty tables."""
    return ", ".join(f"{_WORDS.get(name, name)} {number}" for name, number in count.items() if number) or "no rows"


@click.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def backup(folder: Path, file: Path) -> None:
    """Write accounts, decisions, excuses, settings and keys to FILE. It contains secrets: keep it safe."""
    count = write_backup(open_office(folder), file)
    click.echo(f"written {file}: {_counted(count)}")


@click.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def restore(folder: Path, file: Path) -> None:
    """Make a new office from FILE; afterwards `ingest` fills the other tables from the tree."""
    unpack_files(file, folder)
    open_office(folder)
    count = restore_tables(file)
    click.echo(f"made {folder}: {_counted(count)}")
    click.echo("next: check the paths in office.toml, then `ingest`")


@click.command()
@click.argument("student_id")
@click.option("--school", metavar="ID", help="Needed if the office has several schools.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask for confirmation. Needed without a terminal.")
@click.pass_obj
def erase(folder: Path, student_id: str, school: str | None, is_sure: bool) -> None:
    """Erase the office's own data about a student: excuses, decisions, activities; then print the data that stays.

    It asks before it erases.
    """
    home = open_office(folder)
    from edge_daemon_office.erasure import erase_student  # after the settings

    schools = schools_of(home, school)
    if len(schools) > 1:
        raise OfficeError("this office has several schools", "--school", "name the student's school")
    if not is_sure:
        _confirm(f"Erase what the office has about {OfficeError(student_id).line()} for good?", student_id)
    done = erase_student(home, schools[0], student_id)
    click.echo("erased: " + ", ".join(f"{name} {number}" for name, number in done.erased.items()))
    for line in done.stays:
        click.echo(f"stays: {line}")


def _confirm(question: str, student_id: str) -> None:
    """End the command unless a person at the terminal says yes.

    Raises:
        OfficeError: there is no terminal.
        click.Abort: the answer is no, or there is none.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise OfficeError("not erased: without a terminal nobody can be asked", student_id, "add --yes")
    click.confirm(question, abort=True, err=True)


@click.command("room-audit")
@click.argument("device")
@click.argument("file", type=_FILE)
@click.option("--school", metavar="ID", help="Needed if the office has several schools.")
@click.pass_obj
def room_audit(folder: Path, device: str, file: Path, school: str | None) -> None:
    """Show the seats in FILE, from `edge-daemon audit --json` on DEVICE, on the page Rooms."""
    home = open_office(folder)
    from edge_daemon_office.room_audit import keep_audit  # after the settings

    schools = schools_of(home, school)
    if len(schools) > 1:
        raise OfficeError("this office has several schools", "--school", "name the device's school")
    click.echo(f"{device}: {counted(keep_audit(schools[0], device, file), 'seat')} on the page Rooms")


@click.command("migrate-back")
@click.argument("application")
@click.argument("migration")
@click.pass_obj
def migrate_back(folder: Path, application: str, migration: str) -> None:
    """Migrate the tables of APPLICATION back to MIGRATION, for an earlier release. Write a backup first."""
    open_office(folder)
    from django.core.management import CommandError, call_command

    try:
        call_command("migrate", application, migration, verbosity=0, interactive=False)
    except CommandError as error:
        hint = "CHANGELOG.md names what each release needs"
        raise OfficeError(str(error).rstrip("."), f"{application} {migration}", hint) from error
    click.echo(f"{application}: tables are those of {migration}; don't start this release now")
