"""`edge-daemon enrol`: students, their consent and their photographs."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.enrolment.dry_run import plan_import, try_import
from edge_daemon.app.enrolment.enrolled_students import record_of, records_of
from edge_daemon.app.enrolment.import_students import Roster, import_students, read_list
from edge_daemon.app.enrolment.remove_student import name_to_remove, remove_student
from edge_daemon.app.enrolment.report_page import page_path
from edge_daemon.app.enrolment.student_file import write_student_file
from edge_daemon.cli import enrol_text as text
from edge_daemon.cli.asked import asked, can_ask, confirmed
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.enrol_capture import capture
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.cli.progress import progress
from edge_daemon.cli.this_command import line_here
from edge_daemon.errors import EdgeError, StoreError


@click.group(cls=GroupHelp)
def enrol() -> None:
    """Students, their consent and their photographs.

    A photograph gives a template: numbers that describe a face, by which the program recognises the student.
    """


@enrol.command("import")
@click.argument("roster", type=click.Path(path_type=Path), metavar="ROSTER")
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of photographs: a folder for each student id, or files named by id or name. Without it only the roster"
    " is renewed.",
)
@click.option("--readmit", multiple=True, metavar="ID", help="Enrol a removed student again; may be repeated.")
@click.option(
    "--drop-missing",
    is_flag=True,
    help="Also remove the templates of students of whom the folder has no photograph; without it they stay.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print how the list is understood and what the import would refuse and drop; change nothing.",
)
@click.option("--keep-report", is_flag=True, help="Keep the report page of the last import, with its time in the name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def import_(
    home: Home,
    roster: Path,
    photos: Path | None,
    readmit: tuple[str, ...],
    drop_missing: bool,
    dry_run: bool,
    keep_report: bool,
    as_json: bool,
) -> None:
    """Read the roster and the photographs of students who consent. Safe to repeat; unusable photographs are named.

    ROSTER is a CSV file, an Excel workbook, or the folder of OneRoster files (docs/ENROLMENT.md).
    """
    if drop_missing and photos is None:
        raise click.UsageError("--drop-missing needs --photos")
    students = read_list(home, roster)
    for line in text.remarks(students):
        click.echo(line, err=True)
    if dry_run:
        _try(home, students, photos, readmit, drop_missing=drop_missing, as_json=as_json)
        return
    is_new = not home.state_dir.exists()
    with progress("photographs") as watch:
        report = import_students(
            home,
            students,
            photos,
            readmit,
            watch,
            partial(_warn, home),
            keep_page=keep_report,
            drop_missing=drop_missing,
        )
    if is_new:
        click.echo(f"warning: {home.state_dir} was not there before: it is a new installation now", err=True)
    for line in text.findings(report):
        click.echo(line, err=True)
    click.echo(text.report_json(report) if as_json else text.report_table(report))
    if photos is not None and not as_json:
        click.echo(f"which photographs were accepted or refused, and why: {page_path(home)}")


def _try(
    home: Home, students: Roster, photos: Path | None, readmit: tuple[str, ...], *, drop_missing: bool, as_json: bool
) -> None:
    """Print how the list is understood, and the report of an import that is undone."""
    plan = plan_import(students, photos)
    with progress("photographs") as watch:
        report = try_import(home, students, photos, readmit, watch, drop_missing=drop_missing)
    for line in text.findings(report):
        click.echo(f"dry run: {line}", err=True)
    if as_json:
        click.echo(text.report_json(report))
        return
    parts = [text.plan_text(students, plan), text.report_table(report, "would be enrolled"), "nothing was changed"]
    click.echo("\n\n".join(parts))


enrol.add_command(capture)


@enrol.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def list_(home: Home, as_json: bool) -> None:
    """Print all students: first those on the roster, then those no longer on it."""
    records = records_of(home)
    click.echo(text.list_json(records) if as_json else text.list_table(records))


@enrol.command()
@click.argument("student_id", metavar="ID", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write everything that this device has about the student, and about no other: .html to read, or .json.",
)
@pass_home
def show(home: Home, student_id: str | None, as_json: bool, output: Path | None) -> None:
    """Print the student's row of the roster; with --output write everything that is kept about the student.

    Without an ID the command asks for it.
    """
    student_id = asked(student_id, "student_id")
    if output is not None:
        write_student_file(home, student_id, output, datetime.now(timezone.utc))
        click.echo(f"written to {output}; give it to the student or the parents, then delete it")
        return
    record, others = record_of(home, student_id)
    if as_json:
        click.echo(text.kept_json(record, others))
        return
    for line in text.kept_lines(record, others):
        click.echo(line)


@enrol.command()
@click.argument("student_id", metavar="ID", required=False)
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask for confirmation. Needed without a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def remove(home: Home, student_id: str | None, is_sure: bool, as_json: bool) -> None:
    """Erase a student's templates, name, mail addresses and sightings, for good.

    Without an ID the command asks for it.
    """
    student_id = asked(student_id, "student_id")
    if not is_sure and not _is_certain(home, student_id):
        click.echo("nothing was removed", err=True)
        raise click.exceptions.Exit(1)
    removal = remove_student(home, student_id, partial(_warn, home))
    if as_json:
        click.echo(text.removal_json(removal))
        return
    for line in text.removal_lines(removal, ZoneInfo(home.config.device.time_zone)):
        click.echo(line)


def _is_certain(home: Home, student_id: str) -> bool:
    """Return whether the person at the terminal confirms the removal; of a student removed before nothing is asked.

    Raises:
        EdgeError: there is no such student, or no terminal at which to ask.
    """
    name = name_to_remove(home, student_id)
    if name is None:
        return True
    if not can_ask():
        raise EdgeError("not removed: without a terminal nobody can be asked", f"student {student_id}", "add --yes")
    who = f"{student_id} ({name})" if name else student_id
    return confirmed(f"Erase {EdgeError(who).line()} for good? No backup can bring it back")


def _warn(home: Home, error: EdgeError) -> None:
    consequence = "mail still uses the earlier names and addresses: " if not isinstance(error, StoreError) else ""
    click.echo(f"warning: {consequence}{line_here(error, home)}", err=True)
