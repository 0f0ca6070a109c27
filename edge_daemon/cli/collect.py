"""`edge-daemon collect`: the office's program, for any computer; it needs no camera, no models and no device."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import cast

import click

from edge_daemon.app.collect.collector import CollectOptions, CollectOutcome, NoRegisterFoundError, collect_term
from edge_daemon.app.collect.document_tree import DocumentProblem
from edge_daemon.app.collect.term_file import By, Split, fingerprint, school_week
from edge_daemon.cli.days import DAY
from edge_daemon.cli.help_page import CommandHelp
from edge_daemon.cli.progress import progress
from edge_daemon.config import WEEKDAYS, UpstreamConfig
from edge_daemon.errors import DeliveryError
from edge_daemon.plain_text import counted

_SHOWN = 30
"""Largest number of problems of one kind in one room that are printed; the written file lists all of them."""
_FILE = click.Path(path_type=Path)


@click.command(cls=CommandHelp)
@click.argument("source", metavar="DIR_OR_URL")
@click.option(
    "--output",
    required=True,
    type=_FILE,
    metavar="FILE",
    help="File to write: .xlsx, or .csv with all students and lessons.",
)
@click.option("--since", type=DAY, metavar="YYYY-MM-DD", help="Only lessons from this day on.")
@click.option("--keys", type=_FILE, metavar="CSV", help="Accept only these keys. Columns: device,public_key.")
@click.option(
    "--names", type=_FILE, metavar="CSV", help="Names. Columns: student_id,name. Without it only ids are shown."
)
@click.option(
    "--by",
    type=click.Choice(["week", "month"]),
    default="week",
    show_default=True,
    help="One sheet for each week or month.",
)
@click.option("--split", type=click.Choice(["class", "room"]), help="One sheet for each class, or for each room.")
@click.option(
    "--first-day", type=click.Choice(WEEKDAYS), default="monday", show_default=True, help="The first day of a week."
)
@click.option(
    "--weekend", default="saturday,sunday", show_default=True, metavar="DAYS", help="Days without school, or none."
)
@click.option("--locale", metavar="LANGUAGE", help="Language for the .csv: with de, `;` between columns, and 0,41.")
@click.option("--time-zone", metavar="ZONE", help="The school's time zone; without it this computer's.")
@click.option("--token-file", metavar="FILE", help="File with the server's token, or with --username the password.")
@click.option("--username", default="", metavar="NAME", help="User name at the server.")
@click.option("--ca-file", default="", metavar="FILE", help="Certificates to trust instead of the system's.")
@click.option("--client-cert-file", default="", metavar="FILE", help="Certificate to present to the server.")
@click.option("--client-key-file", default="", metavar="FILE", help="Key of the certificate, if its file has none.")
@click.option(
    "--keep",
    type=_FILE,
    metavar="DIR",
    help="Keep the downloaded documents and the checks; the next run fetches only new documents.",
)
def collect(
    source: str,
    output: Path,
    since: datetime | None,
    keys: Path | None,
    names: Path | None,
    by: str,
    split: str | None,
    first_day: str,
    weekend: str,
    locale: str | None,
    time_zone: str | None,
    token_file: str | None,
    username: str,
    ca_file: str,
    client_cert_file: str,
    client_key_file: str,
    keep: Path | None,
) -> int:
    """Read the registers of all rooms, check each signature, and write them to one file.

    DIR_OR_URL is the folder to which the devices' `upstream.url` leads: its web address, or its path if it is synced or
    mounted here. The highest revision of each lesson counts. A document that its room's key did not sign is named and
    left out.

    Exit codes: 0 done, 1 the server did not answer, 2 wrong options or nothing to collect, 3 written, but something was
    left out.
    """
    settings = UpstreamConfig(
        url=source,
        ca_file=ca_file,
        client_cert_file=client_cert_file,
        client_key_file=client_key_file,
        username=username,
        token_file=token_file or "",
    )
    options = CollectOptions(
        *(source, output, since, keys, names, cast(By, by), time_zone, keep, settings),
        week=school_week(first_day, _days(weekend)),
        split=cast(Split, split or "none"),
        locale=locale,
    )
    try:
        outcome = collect_term(options, progress)
    except NoRegisterFoundError as error:
        _print_problems(error.problems)
        raise
    problems = outcome.result.problems
    _print_problems(problems[: len(problems) - len(outcome.late)])
    _print_problems(outcome.late)
    _print_result(outcome, output)
    return outcome.exit_code


def _days(weekend: str) -> list[str]:
    days = [day.strip().lower() for day in weekend.split(",") if day.strip()]
    days = [] if days == ["none"] else days
    for day in days:
        if day not in WEEKDAYS:
            raise DeliveryError(f"{day[:20]!r} is not a day of the week", "--weekend", "use such as friday,saturday")
    return days


def _print_problems(problems: list[DocumentProblem]) -> None:
    shown: Counter[tuple[str, str, str]] = Counter()
    for problem in problems:
        kind = "left out" if problem.is_left_out else "odd", problem.where.partition("/")[0], problem.what
        shown[kind] += 1
        if shown[kind] <= _SHOWN:
            click.echo(f"{kind[0]}: {DeliveryError(problem.what, problem.where).line()}", err=True)
    for (word, room, what), count in shown.items():
        if count > _SHOWN:
            line = DeliveryError(what, room).line()
            click.echo(f"{word}: {count - _SHOWN} more of {line}", err=True)


def _print_result(outcome: CollectOutcome, output: Path) -> None:
    collected = outcome.result
    rooms = collected.judgements
    if not outcome.is_pinned:
        click.echo("no --keys: the keys are as the server has them; compare these fingerprints with your own notes")
        for one in sorted(rooms, key=lambda judgement: judgement.room.device):
            prints = ", ".join(sorted(fingerprint(key) for key in one.room.keys)) or "none"
            click.echo(f"  {DeliveryError(prints, one.room.device).line()}")
    for one in rooms:
        if one.severity != "well":
            click.echo(f"{one.severity}: {DeliveryError('; '.join(one.reasons), one.room.device).line()}")
    copies = f" ({counted(collected.repeated, 'file')} with the same again)" if collected.repeated else ""
    left_out = f"; {counted(len(collected.problems), 'thing')} to look at" if collected.problems else ""
    registers = f"{counted(collected.registers, 'register')} of {counted(len(rooms), 'room')}"
    written = "are in" if outcome.is_unchanged else "written to"
    unchanged = ", which is as the last run wrote it: nothing is new" if outcome.is_unchanged else ""
    click.echo(f"{registers}{copies} {written} {output}{unchanged}{left_out}")
