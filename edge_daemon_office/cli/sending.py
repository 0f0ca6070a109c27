"""`export` and `edfi`: send attendance to other systems."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import click

from edge_daemon_office.cli.help_page import WholeSummaries
from edge_daemon_office.cli.opening import open_office, schools_of
from edge_daemon_office.cli.token import only_school
from edge_daemon_office.counting import counted
from edge_daemon_office.errors import OfficeError

_MONTH = timedelta(days=31)
_PERIOD = timedelta(days=60)
"""Length of the period that the pages show if nobody chose one."""
_school = click.option("--school", metavar="ID", help="Needed if the office has several schools.")


@click.command()
@click.option("--csv", "template", metavar="TEMPLATE", help="Name of a table [schools.ID.csv.TEMPLATE].")
@click.option("--term", is_flag=True, help="The figures of each student and course, as CSV.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="CSV file to write.")
@click.option(
    "--parquet", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Folder for the Parquet files."
)
@click.option(
    "--from",
    "first",
    type=click.DateTime(["%Y-%m-%d"]),
    help="First day; by default a month ago for CSV, 60 days ago for --term.",
)
@click.option(
    "--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day; by default today, except for --parquet."
)
@_school
@click.pass_obj
def export(
    folder: Path,
    template: str | None,
    term: bool,
    output: Path | None,
    parquet: Path | None,
    first: datetime | None,
    last: datetime | None,
    school: str | None,
) -> None:
    """Write marks as CSV by a template, the term's figures, or everything as Parquet by school and month."""
    if [template is not None, term, parquet is not None].count(True) != 1 or (parquet is None and output is None):
        hint = "use --csv TEMPLATE --output FILE, --term --output FILE, or --parquet DIR"
        raise OfficeError("name one thing to write", "export", hint)
    home = open_office(folder)
    from edge_daemon_office.interfaces.csv_export import write_csv
    from edge_daemon_office.interfaces.parquet import write_parquet

    begin, end = first.date() if first else None, last.date() if last else None
    if parquet is not None:
        for one in schools_of(home, school):
            count = write_parquet(one, parquet, begin, end)
            click.echo(
                f"{one.school}: {counted(count.marks, 'mark')} and {counted(count.lessons, 'lesson')}"
                f" of {counted(count.months, 'month')}"
            )
        return
    one = only_school(home, school)
    assert output is not None
    end = end or _today(one.zone)
    if template is None:
        from edge_daemon_office.interfaces.term_report import write_term

        begin = begin or end - _PERIOD
        click.echo(f"written {output}: {counted(write_term(one, begin, end, output), 'line')}, {begin} to {end}")
        return
    if template not in one.csv:
        known = ", ".join(one.csv) or "none is there yet"
        raise OfficeError("is not a template", f"--csv {template}", f"of schools.{one.school}.csv: {known}")
    count_rows = write_csv(one, one.csv[template], begin or end - _MONTH, end, output)
    click.echo(f"written {output}: {counted(count_rows, 'row')}, {begin or end - _MONTH} to {end}")


def _today(zone: object) -> date:
    return datetime.now(timezone.utc).astimezone(zone).date()  # type: ignore[arg-type]


@click.group(cls=WholeSummaries)
def edfi() -> None:
    """Send attendance to a student information system with Ed-Fi."""


@edfi.command()
@click.option("--days", type=click.IntRange(1, 400), help="Days to look back, instead of schools.ID.edfi.days.")
@_school
@click.pass_obj
def send(folder: Path, days: int | None, school: str | None) -> int:
    """Update the system to match the registers. A timer can run this: a second run sends nothing twice.

    Exit codes: 0 done, 1 the system could not accept everything now, 2 it is not set up, 3 something needs a person.
    """
    home = open_office(folder)
    from edge_daemon_office.interfaces.edfi.send import lines, send_events

    code = 0
    for one in [only_school(home, school)] if school else [one for one in home.schools.values() if one.edfi]:
        result = send_events(one, _today(one.zone), days)
        click.echo(f"{one.school}: {result.sent} sent, {result.deleted} deleted, {result.unchanged} unchanged")
        for line in lines(result):
            click.echo(line, err=True)
            code = max(code, 3)
        if result.down:
            click.echo(f"{one.school}: the system {result.down}; the next run goes on", err=True)
            code = 1
    return code
