"""`edge-daemon ledger`: what happened to every lesson, and whether the records are unchanged."""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, datetime, timezone
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.ledger.ledger_reader import (
    GROUPS,
    DeliveryProgress,
    LedgerLine,
    check_exists,
    count_rehearsals,
    fingerprint,
    own_key,
    read_ledger,
    signing_key,
    verify_ledger,
)
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.days import DAY, instants
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.cli.table import table
from edge_daemon.errors import RegisterError
from edge_daemon.plain_text import counted
from edge_daemon.timestamps import written


@click.group(cls=GroupHelp, invoke_without_command=True)
@click.option("--from", "first", type=DAY, metavar="YYYY-MM-DD", help="First day; without it from the beginning.")
@click.option("--to", "last", type=DAY, metavar="YYYY-MM-DD", help="Last day, included.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def ledger(context: click.Context, first: datetime | None, last: datetime | None, as_json: bool) -> None:
    """Show each lesson's progress: plan promised, pictures taken, register made, accepted by the office, mailed.

    `3/3` means that three of three items are delivered. `1h` means one item held back, `1p` one refused item (parked);
    see `edge-daemon outbox list`.
    """
    if context.invoked_subcommand is not None:
        return
    home = context.find_object(Home)
    assert home is not None  # set by the group `edge-daemon`
    zone = ZoneInfo(home.config.device.time_zone)
    start, end = instants(first.date() if first else date(1970, 1, 2), last.date() if last else date(9990, 1, 1), zone)
    if start >= end:
        days = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" if first and last else "--from, --to"
        raise RegisterError("the first day is after the last", days, "exchange --from and --to")
    lines, now = read_ledger(home, start, end), datetime.now(timezone.utc)
    if as_json:
        click.echo(json.dumps([_as_json(line, now) for line in lines], ensure_ascii=False, indent=2))
        return
    click.echo(table(_HEADS, [_row(line, zone, now) for line in lines], widest=48) if lines else "no lessons on record")
    if rehearsals := count_rehearsals(home, start, end):
        click.echo(f"not in this list: {counted(rehearsals, 'rehearsal')}; `register list` has them")


@ledger.command()
@click.option("--key", "public_key", metavar="HEX", help="Public key of this device, from your own records.")
@click.option(
    "--unsigned-before",
    type=DAY,
    metavar="YYYY-MM-DD",
    help="Allow unsigned registers made before this day; early releases did not sign.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def verify(home: Home, public_key: str | None, unsigned_before: datetime | None, as_json: bool) -> None:
    """Check hashes, chain, signatures, seeds and promises of all records. Exit code 1 means that something was changed.

    A register without a signature is a problem, unless it was made before the day of --unsigned-before.

    Signatures are checked with --key, or else with the device's own key if this user may read it. Otherwise the key in
    the first document is used; then compare its fingerprint with your own records.
    """
    check_exists(home)
    known = _checked(public_key) if public_key else own_key(home)
    before = unsigned_before.replace(tzinfo=ZoneInfo(home.config.device.time_zone)) if unsigned_before else None
    found = verify_ledger(home, known, before)
    origin = "named by --key" if public_key else "this device's" if known else "named by the first document"
    if as_json:
        document = {
            "public_key": found.public_key,
            "key": origin,
            "registers": found.registers,
            "revisions": found.revisions,
            "unsigned": found.unsigned,
            "commitments": found.commitments,
            "unpromised": found.unpromised,
            "removed": found.removed,
            "problems": [{"where": one.where, "what": one.what} for one in found.problems],
        }
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        for one in found.problems:
            click.echo(RegisterError(one.what, one.where).line())
        if found.public_key:
            click.echo(f"key: {fingerprint(found.public_key)} ({origin})")
        unsigned = f", {found.unsigned} of them from a release that did not sign" if found.unsigned else ""
        unpromised = f"; {found.unpromised} lessons were not promised before they began" if found.unpromised else ""
        if found.removed:
            click.echo(f"{found.removed} registers were removed after storage.keep_registers_days, by signed notes")
        registers = f"{counted(found.registers, 'register')} in {counted(found.revisions, 'revision')}"
        click.echo(f"{registers}{unsigned}; {counted(found.commitments, 'commitment')}{unpromised}")
        click.echo(f"{len(found.problems)} problems" if found.problems else "nothing was changed, removed or added")
    click.get_current_context().exit(1 if found.problems else 0)


@ledger.command()
@pass_home
def key(home: Home) -> None:
    """Print this device's line for the list that `collect --keys` takes: device,public_key."""
    csv.writer(sys.stdout, lineterminator="\n").writerow((home.config.device.name, signing_key(home)))


_WITHOUT_REGISTER = {
    "running": "is on",
    "over": "over, not made yet",
    "planned": "to come",
    "finalised": "removed after its time",
}
_HEADS = ("lesson", "course", "promised", "captures", "register", "office has it", "mail", "students", "guardians")


def _checked(public_key: str) -> str:
    text = "".join(public_key.split()).lower()
    if len(text) != 64 or set(text) - set("0123456789abcdef"):
        raise RegisterError(
            "is not a public key", "--key", "64 hexadecimal digits, as `collect` and `key.json` have them"
        )
    return text


def _row(line: LedgerLine, zone: ZoneInfo, now: datetime) -> tuple[str, ...]:
    lesson = line.lesson
    captures = f"{line.captures_taken}/{lesson.captures_planned}"
    if line.register is not None:
        state = f"{line.register.revision}, {line.register.created_at.astimezone(zone):%m-%d %H:%M}"
    elif line.moved_to is not None:
        state = f"withdrawn: moved to {line.moved_to.start.astimezone(zone):%a %Y-%m-%d %H:%M}"
    else:
        why = "withdrawn" if lesson.state == "withdrawn" else "none"
        state = _WITHOUT_REGISTER.get(line.state_at(now), f"{why}: {lesson.reason}")
    upstream = line.progress["upstream"]
    acknowledged = _short(upstream)
    if upstream.at is not None and upstream.delivered == upstream.wanted:
        acknowledged = f"{upstream.at.astimezone(zone):%m-%d %H:%M}"
    return (
        *(f"{lesson.start.astimezone(zone):%a %Y-%m-%d %H:%M}", lesson.course),
        f"{line.committed_at.astimezone(zone):%m-%d %H:%M}" if line.committed_at else "-",
        *("-" if lesson.state in ("planned", "skipped", "withdrawn") else captures, state, acknowledged),
        *(_short(line.progress[group]) for group in ("office", "students", "guardians")),
    )


def _short(progress: DeliveryProgress) -> str:
    marks = "".join(f" {count}{mark}" for count, mark in ((progress.held, "h"), (progress.parked, "p")) if count)
    return f"{progress.delivered}/{progress.wanted}{marks}" if progress.wanted else "-"


def _as_json(line: LedgerLine, now: datetime) -> dict[str, object]:
    lesson, register = line.lesson, line.register
    return {
        "lesson_id": lesson.lesson_id,
        "course": lesson.course,
        "start": written(lesson.start),
        "end": written(lesson.end),
        "state": line.state_at(now),
        "reason": lesson.reason or None,
        "moved_to": {"lesson_id": line.moved_to.lesson_id, "start": written(line.moved_to.start)}
        if line.moved_to
        else None,
        "planned_at": written(lesson.planned_at) if lesson.planned_at else None,
        "promised_at": written(line.committed_at) if line.committed_at else None,
        "captures_planned": lesson.captures_planned,
        "captures_taken": line.captures_taken,
        "revision": register.revision if register else None,
        "sha256": register.sha256 if register else None,
        "finalised_at": written(register.created_at) if register else None,
        **{group: _progress_json(line.progress[group]) for group in GROUPS},
    }


def _progress_json(progress: DeliveryProgress) -> dict[str, object]:
    return {
        "wanted": progress.wanted,
        "delivered": progress.delivered,
        "waiting": progress.waiting,
        "held": progress.held,
        "parked": progress.parked,
        "void": progress.void,
        "at": written(progress.at) if progress.at else None,
    }
