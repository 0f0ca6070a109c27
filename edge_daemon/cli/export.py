"""`edge-daemon export`: writes the registers of some days to one file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.registers.export_file import ExportRequest, check_output, export_file
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.days import DAY, instants
from edge_daemon.cli.help_page import CommandHelp
from edge_daemon.cli.names import names_of
from edge_daemon.errors import RegisterError


@click.command(cls=CommandHelp)
@click.option("--from", "first", required=True, type=DAY, metavar="YYYY-MM-DD", help="First day; or yesterday, today.")
@click.option(
    "--to", "last", required=True, type=DAY, metavar="YYYY-MM-DD", help="Last day, included; or today, tomorrow."
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write: .xlsx, .csv or .json.",
)
@click.option(
    "--by",
    type=click.Choice(["week", "month"]),
    default="week",
    show_default=True,
    help="One sheet for each week or month.",
)
@click.option(
    "--split", type=click.Choice(["class", "room"]), help="One sheet for each class, or for each room, of these days."
)
@click.option("--course", help="Only lessons of this course.")
@click.option("--student", metavar="ID", help="Only the lines of this student: an excerpt, unsigned.")
@click.option("--without-rehearsals", is_flag=True, help="Only lessons of the timetable.")
@click.option("--locale", metavar="LANGUAGE", help="Language for the .csv: with de, `;` between columns, and 0,41.")
@pass_home
def export(
    home: Home,
    first: datetime,
    last: datetime,
    output: Path,
    by: str,
    split: str | None,
    course: str | None,
    student: str | None,
    without_rehearsals: bool,
    locale: str | None,
) -> None:
    """Write the registers of some days to a spreadsheet, or as CSV or JSON.

    Days are those of the school's time zone. Names are added if the gallery can be read; otherwise only ids are shown.
    An existing file is replaced.
    """
    days = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    if first > last:
        raise RegisterError("the first day is after the last", days, "exchange --from and --to")
    check_output(output)
    start, end = instants(first.date(), last.date(), ZoneInfo(home.config.device.time_zone))
    wanted = ExportRequest(
        *(first.date(), last.date(), start, end, by, course, not without_rehearsals, student),
        split=split or "none",
        locale=locale,
    )
    done = export_file(home, wanted, output, names_of(home))
    gone = f"; {done.removed} more were removed here after their time, and the office has them" if done.removed else ""
    click.echo(f"{done.registers} register{'s' if done.registers > 1 else ''} written to {output}{gone}")
