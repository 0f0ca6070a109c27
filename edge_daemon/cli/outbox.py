"""`edge-daemon outbox`: what is still to be delivered, why it waits, and how to retry it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.outbox.queue import (
    STATES,
    WORDS,
    DestinationState,
    Item,
    copy_documents,
    list_queue,
    read_item,
    resend_documents,
    retry_items,
)
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.days import DAY
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.cli.table import table
from edge_daemon.cli.this_command import commands_here
from edge_daemon.errors import EdgeError
from edge_daemon.timestamps import written
from edge_daemon.types import Lesson

_ALL = "all"
_WIDEST = 76


@click.group(cls=GroupHelp)
def outbox() -> None:
    """Items that are still to be delivered, and items that were delivered.

    An item is waiting (tried again by itself), held (not to be sent yet), parked (refused; a person must decide),
    delivered, or void (no longer needed).
    """


@outbox.command("list")
@click.option(
    "--state", type=click.Choice((*STATES, _ALL)), help="Only items in this state; else all undelivered ones."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def list_(home: Home, state: str | None, as_json: bool) -> None:
    """List undelivered items, the oldest first, and receivers that accept nothing now."""
    items, destinations = list_queue(home, state)
    if as_json:
        document = {"destinations": [_destination(one) for one in destinations], "items": [_fields(i) for i in items]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    zone = ZoneInfo(home.config.device.time_zone)
    for line in _refusals(destinations, zone):
        click.echo(commands_here(line, home))
    if not items:
        click.echo("nothing to be delivered" if state is None else "nothing")
        return
    heads = ("item", "to", "what", "about", "student", "state", "tries", "next try", "answer")
    lines = [_line(item, zone, _digits(items)) for item in items]
    click.echo(commands_here(table(heads, lines, widest=_WIDEST), home))


@outbox.command()
@click.argument("item_id", metavar="ID", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def show(home: Home, item_id: int, as_json: bool) -> None:
    """Show one item: its subject, its receiver's last answer, and the time of the next attempt."""
    queued = read_item(home, item_id)
    item, lesson = queued.item, queued.lesson
    if as_json:
        click.echo(json.dumps({**_fields(item), **_lesson_fields(lesson)}, ensure_ascii=False, indent=2))
        return
    zone = ZoneInfo(home.config.device.time_zone)
    for name, value in _described(item, lesson, zone):
        click.echo(EdgeError(f"{name:<9} {commands_here(value, home)}").line())
    for line in _refusals([queued.destination], zone):
        click.echo(commands_here(line, home))


@outbox.command()
@click.argument("item_ids", metavar="ID...", type=int, nargs=-1)
@click.option("--all-parked", is_flag=True, help="All refused items, and all that wait for their next attempt.")
@pass_home
def retry(home: Home, item_ids: Sequence[int], all_parked: bool) -> None:
    """Retry waiting or refused items, and their receivers, at the next sync."""
    if all_parked == bool(item_ids):
        raise click.UsageError("give the numbers of items, or --all-parked")
    count = retry_items(home, item_ids, datetime.now(timezone.utc))
    click.echo(f"{count} {'item is' if count == 1 else 'items are'} tried at the next sync; or now: {_sync_now(home)}")


@outbox.command()
@click.option("--since", required=True, type=DAY, metavar="YYYY-MM-DD", help="Documents of lessons from this day on.")
@pass_home
def resend(home: Home, since: datetime) -> None:
    """Send documents to the office's server again, because it is new, was emptied, or lost some.

    Documents that the server still has stay there unchanged.
    """
    start = since.replace(tzinfo=ZoneInfo(home.config.device.time_zone)).astimezone(timezone.utc)
    count = resend_documents(home, start, datetime.now(timezone.utc))
    what = "document is" if count == 1 else "documents are"
    click.echo(f"{count} {what} sent again at the next sync; or now: {_sync_now(home)}")


def _sync_now(home: Home) -> str:
    """Return the command that delivers at once."""
    at_once = "edge-daemon sync" if home.home_mode else "sudo systemctl start edge-daemon-sync.service"
    return commands_here(f"`{at_once}`", home)


@outbox.command()
@click.argument("folder", metavar="FOLDER", type=click.Path(exists=True, file_okay=False, path_type=Path))
@pass_home
def copy(home: Home, folder: Path) -> None:
    """Copy all documents for the office into FOLDER, such as a USB stick, from a room without network.

    Existing files stay unchanged. Nothing counts as delivered by this. `edge-daemon collect FOLDER` reads the copy.
    """
    done = copy_documents(home, folder, datetime.now(timezone.utc))
    click.echo(f"{done.new} documents copied to {folder}, {done.there} were there already")
    if done.rehearsals:
        count = f"{done.rehearsals} of rehearsals {'stays' if done.rehearsals == 1 else 'stay'} here"
        click.echo(f"{count}: the office gets a rehearsal only with `rehearse --deliver`")


def _fields(item: Item) -> dict[str, str | int | None]:
    return {
        "item_id": item.item_id,
        "destination": item.destination,
        "kind": item.kind,
        "ref": item.ref,
        "student_id": item.student_id or None,
        "lesson_id": item.lesson_id or None,
        "state": item.state,
        "created_at": written(item.created_at),
        "next_attempt": written(item.next_attempt) if item.state in {"waiting", "held"} else None,
        "attempts": item.attempts,
        "answer": item.answer,
        "settled_at": written(item.settled_at) if item.settled_at else None,
    }


def _destination(state: DestinationState) -> dict[str, str | int | None]:
    waits = state.state != "open" and state.next_attempt is not None
    return {
        "destination": state.destination,
        "state": state.state,
        "since": written(state.since) if state.since else None,
        "next_attempt": written(state.next_attempt) if waits and state.next_attempt else None,
        "attempts": state.attempts,
        "answer": state.answer,
    }


def _lesson_fields(lesson: Lesson | None) -> dict[str, dict[str, str] | None]:
    if lesson is None:
        return {"lesson": None}
    return {"lesson": {"course": lesson.course, "start": written(lesson.start), "end": written(lesson.end)}}


def _line(item: Item, zone: ZoneInfo, digits: int) -> tuple[str, ...]:
    about = item.ref.replace(item.lesson_id, item.lesson_id[:digits]) if item.lesson_id else item.ref
    return (
        *(str(item.item_id), item.destination, WORDS.get(item.kind, item.kind), about, item.student_id, item.state),
        *(str(item.attempts), _next(item, zone), item.answer),
    )


def _next(item: Item, zone: ZoneInfo) -> str:
    if item.claimed:
        return "now"
    return _time(item.next_attempt, zone) if item.state in {"waiting", "held"} else ""


def _described(item: Item, lesson: Lesson | None, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    yield "item", str(item.item_id)
    yield "to", item.destination
    yield "what", WORDS.get(item.kind, item.kind)
    yield "about", item.ref
    if item.student_id:
        yield "student", item.student_id
    if lesson is not None:
        start, end = lesson.start.astimezone(zone), lesson.end.astimezone(zone)
        course = f" of {lesson.course}" if lesson.course else ""
        yield "lesson", f"{start:%A %Y-%m-%d %H:%M}-{end:%H:%M}{course}"
    yield "state", item.state
    yield "made", _time(item.created_at, zone)
    if item.settled_at is not None:
        yield "settled", _time(item.settled_at, zone)
    yield "tries", str(item.attempts)
    if _next(item, zone):
        yield "next try", _next(item, zone)
    if item.answer:
        yield "answer", item.answer


def _refusals(destinations: Sequence[DestinationState], zone: ZoneInfo) -> Iterator[str]:
    for one in destinations:
        if one.state != "open" and one.since is not None and one.next_attempt is not None:
            word = "accepts nothing" if one.state == "parked" else "can't be reached"
            since, again = _time(one.since, zone), _time(one.next_attempt, zone)
            yield EdgeError(f"{one.destination} {word} since {since}, next try {again}: {one.answer}").line()


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _digits(items: Sequence[Item]) -> int:
    """Return how many leading characters are enough to distinguish all lesson ids; at least eight."""
    ids = {item.lesson_id for item in items if item.lesson_id}
    return next((n for n in range(8, 36) if len({one[:n] for one in ids}) == len(ids)), 36)
