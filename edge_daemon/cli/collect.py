"""`edge-daemon collect`: the office's end, on any computer; it needs neither camera nor models nor a device."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from edge_daemon.app.collect.document_tree import DocumentProblem
from edge_daemon.app.collect.room_ranking import counted
from edge_daemon.app.collect.term_file import (
    By,
    CollectResult,
    TermRequest,
    check_output,
    fingerprint,
    read_all,
    write_term,
)
from edge_daemon.app.collect.trusted_keys import read_keys, read_names
from edge_daemon.cli.days import DAY
from edge_daemon.cli.progress import progress
from edge_daemon.config import UpstreamConfig, local_zone
from edge_daemon.errors import DeliveryError

_SHOWN = 30
"""Problems of one kind and room that are told on the terminal; the file has all."""
_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("source", metavar="DIR_OR_URL")
@click.option(
    "--output", required=True, type=_FILE, metavar="FILE", help="TERM.xlsx; .csv has every student and lesson."
)
@click.option("--since", type=DAY, metavar="YYYY-MM-DD", help="Only lessons from this day on.")
@click.option("--keys", type=_FILE, metavar="CSV", help="device,public_key: the only keys that are believed.")
@click.option("--names", type=_FILE, metavar="CSV", help="student_id,name: the roster. Without it ids stand alone.")
@click.option("--by", type=click.Choice(["week", "month"]), default="week", show_default=True, help="A sheet for each.")
@click.option("--time-zone", metavar="ZONE", help="Of the school; without it this computer's.")
@click.option("--token-file", metavar="FILE", help="With the token, or with --username the password, of the server.")
@click.option("--username", default="", metavar="NAME", help="To log in to the server with.")
@click.option("--ca-file", default="", metavar="FILE", help="Certificates to trust instead of the system's.")
@click.option(
    "--keep", type=_FILE, metavar="DIR", help="Keep what is downloaded; the next time only what is new comes."
)
def collect(
    source: str,
    output: Path,
    since: datetime | None,
    keys: Path | None,
    names: Path | None,
    by: str,
    time_zone: str | None,
    token_file: str | None,
    username: str,
    ca_file: str,
    keep: Path | None,
) -> None:
    """Read the registers of all rooms, check each signature, and write the term.

    DIR_OR_URL is what `upstream.url` of the devices leads to: the folder itself, synced or mounted, or its address. The
    highest revision of each lesson counts. Documents that are not signed by their room's key are named and left out.
    """
    check_output(output)
    zone = _zone(time_zone)
    pinned = read_keys(keys) if keys else None
    named = read_names(names) if names else {}
    start = since.replace(tzinfo=zone).astimezone(timezone.utc) if since else None
    settings = UpstreamConfig(url=source, ca_file=ca_file, username=username, token_file=token_file or "")
    with _folder(source, settings, keep) as (folder, missing):
        request = TermRequest(folder, pinned, named, start, zone, cast(By, by), datetime.now(timezone.utc))
        with progress("reading rooms") as show:
            collected = read_all(request, show)
        collected.problems += missing
        known = len(collected.problems)
        if not collected.registers:
            _print_problems(collected.problems)
            hint = "see what was left out, and --keys" if collected.problems else "see `edge-daemon outbox list` there"
            raise DeliveryError("has no register that could be believed", source, hint)
        with progress("writing") as show:
            write_term(output, request, collected, show)
    _print_problems(collected.problems[:known])
    _print_problems(collected.problems[known:])
    _tell(collected, output, is_pinned=pinned is not None)


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or local_zone())
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        hint = "use a name such as Europe/Berlin; on Windows install tzdata"
        raise DeliveryError("is no time zone", f"--time-zone {name or local_zone()}", hint) from error


@contextmanager
def _folder(source: str, settings: UpstreamConfig, keep: Path | None) -> Iterator[tuple[Path, list[DocumentProblem]]]:
    """Give the folder with the documents, and what could not be had of them."""
    if "://" not in source:
        yield Path(source), []
        return
    with tempfile.TemporaryDirectory(prefix="edge-daemon-collect-") as folder:
        target = keep or Path(folder)
        yield target, _download(settings, target)


def _download(settings: UpstreamConfig, target: Path) -> list[DocumentProblem]:
    from edge_daemon.app.collect.download import download  # here: `requests` takes its time, and a folder needs none

    with progress("downloading") as show:
        return download(settings, target, show)


def _print_problems(problems: list[DocumentProblem]) -> None:
    shown: Counter[tuple[str, str]] = Counter()
    for problem in problems:
        kind = problem.where.partition("/")[0], problem.what
        shown[kind] += 1
        if shown[kind] <= _SHOWN:
            click.echo(f"left out: {DeliveryError(problem.what, problem.where).line()}", err=True)
    for (room, what), count in shown.items():
        if count > _SHOWN:
            line = DeliveryError(what, room).line()
            click.echo(f"left out: {count - _SHOWN} more of {line}", err=True)


def _tell(collected: CollectResult, output: Path, *, is_pinned: bool) -> None:
    rooms = collected.judgements
    if not is_pinned:
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
    click.echo(f"{registers}{copies} written to {output}{left_out}")
