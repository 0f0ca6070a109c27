"""`edge-daemon register`: look at registers, and correct them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import cast, get_args
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.attendance.document import Document, from_json, sign, to_json
from edge_daemon.attendance.register import correct as corrected
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.names import names_of, removed_of
from edge_daemon.cli.register_text import Evidence, show_register
from edge_daemon.cli.table import table
from edge_daemon.errors import EdgeError, RegisterError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons, registers
from edge_daemon.store.database import open_register
from edge_daemon.store.registers import StoredRegister
from edge_daemon.types import Sighting, VerdictName


@click.group()
def register() -> None:
    """Look at registers and correct them."""


@register.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def list_(home: Home, as_json: bool) -> None:
    """List all registers, the earliest lesson first."""
    stored: list[StoredRegister] = []
    if home.register_db_path.exists():
        with _opened(home) as db:
            stored = registers.latest_registers(db)
    summaries = [_summary(from_json(one.document)) for one in stored]
    if as_json:
        click.echo(json.dumps(summaries, ensure_ascii=False, indent=2))
        return
    if not summaries:
        click.echo("no registers yet")
        return
    zone = ZoneInfo(home.config.device.time_zone)
    digits = _digits([one.lesson_id for one in stored])
    rows = [_line(from_json(one.document), zone, digits) for one in stored]
    click.echo(table(("register", "day", "time", "course", "origin", "captures", *_VERDICTS, "revision"), rows))


@register.command()
@click.argument("register_id", metavar="ID")
@click.option("--revision", type=click.IntRange(min=1), help="An earlier revision than the last.")
@click.option("--json", "as_json", is_flag=True, help="Print the register document, and the sightings behind it.")
@pass_home
def show(home: Home, register_id: str, revision: int | None, as_json: bool) -> None:
    """Show one register with the evidence for each student.

    ID is the lesson's id, or so much of its beginning that only one register fits.
    """
    with _opened(home) as db:
        lesson_id = registers.find_lesson(db, register_id)
        stored = _revision(registers.revisions(db, lesson_id), revision)
        captures, sightings = lessons.captures(db, lesson_id), lessons.sightings(db, lesson_id)
    if as_json:
        content = json.loads(stored.document)
        content["sha256"] = stored.sha256
        content["captures"] = [{"slot": one.slot, "name": one.name} for one in captures]
        content["sightings"] = [_sighting(one) for one in sightings]
        click.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return
    found, keep_days = from_json(stored.document).register, home.config.storage.keep_sightings_days
    is_expired = found.lesson.end < datetime.now(timezone.utc) - timedelta(days=keep_days)
    removed = removed_of(home, [verdict.tally.student_id for verdict in found.verdicts])
    slots = [one.slot for one in captures]
    evidence = Evidence(slots, sightings, removed, keep_days if is_expired else None)
    for line in show_register(found, evidence, names_of(home), ZoneInfo(home.config.device.time_zone)):
        click.echo(line)


@register.command()
@click.argument("register_id", metavar="ID")
@click.option("--student", required=True, metavar="S", help="Student id.")
@click.option("--verdict", required=True, type=click.Choice(get_args(VerdictName)))
@click.option("--by", required=True, metavar="NAME", help="Who corrects.")
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@pass_home
def correct(home: Home, register_id: str, student: str, verdict: str, by: str, reason: str) -> None:
    """Make the next revision of a register, with one student's verdict changed. Nothing is overwritten.

    The same correction a second time makes no revision.
    """
    now = datetime.now(timezone.utc).replace(microsecond=0)

    def render(last: StoredRegister) -> str | None:
        old = from_json(last.document).register
        new = corrected(old, student, cast(VerdictName, verdict), by=by, reason=reason, at=now)
        return None if new is old else sign(new, last.sha256, signer)

    with _opened(home) as db:
        lesson_id = registers.find_lesson(db, register_id)
        signer = open_signer(home)
        stored = registers.add_revision(db, lesson_id, render, now, outbox_writer(home.config))
    revision = f", revision {stored.revision}" if stored else ""
    already = "" if stored else " already, by the same person for the same reason; no new revision"
    click.echo(EdgeError(f"register {lesson_id}{revision}: {student} is {verdict.replace('_', ' ')}{already}").line())


_VERDICTS = ("present", "absent", "inconclusive", "not assessed")


@contextmanager
def _opened(home: Home) -> Iterator[sqlite_utils.Database]:
    db = open_register(home.register_db_path, create=False)
    try:
        yield db
    finally:
        db.conn.close()


def _summary(document: Document) -> dict[str, str | int]:
    register, content = document.register, json.loads(to_json(document))
    counts = Counter(v.verdict for v in register.verdicts)
    keys = ("lesson_id", "revision", "origin", "device", "course", "start", "end", "clock")
    return {
        **{key: content[key] for key in keys},
        "captures_planned": register.captures_planned,
        "captures_taken": register.captures_taken,
        **{verdict: counts[verdict] for verdict in get_args(VerdictName)},
        "unknown_faces": register.unknown_faces,
    }


def _line(document: Document, zone: ZoneInfo, digits: int) -> tuple[str, ...]:
    register = document.register
    lesson, counts = register.lesson, Counter(v.verdict for v in register.verdicts)
    start, end = lesson.start.astimezone(zone), lesson.end.astimezone(zone)
    return (
        *(lesson.lesson_id[:digits], f"{start:%Y-%m-%d}", f"{start:%H:%M}-{end:%H:%M}", lesson.course, lesson.origin),
        f"{register.captures_taken}/{register.captures_planned}",
        *(str(counts[verdict]) for verdict in get_args(VerdictName)),
        str(register.revision),
    )


def _digits(lesson_ids: list[str]) -> int:
    """Return how much of the ids tells them apart, eight at least."""
    return next((n for n in range(8, 36) if len({one[:n] for one in lesson_ids}) == len(lesson_ids)), 36)


def _revision(revisions: list[StoredRegister], wanted: int | None) -> StoredRegister:
    if wanted is None:
        return revisions[-1]
    if wanted > len(revisions):
        where = f"register {revisions[-1].lesson_id}"
        raise RegisterError(f"there is no revision {wanted}", where, f"its last one is {len(revisions)}")
    return revisions[wanted - 1]


def _sighting(sighting: Sighting) -> dict[str, str | int | float]:
    box = sighting.box
    return {
        "slot": sighting.slot,
        "student_id": sighting.student_id,
        "similarity": round(sighting.similarity, 4),
        "attentive": sighting.attentive,
        "x": box.x,
        "y": box.y,
        "w": box.w,
        "h": box.h,
    }
