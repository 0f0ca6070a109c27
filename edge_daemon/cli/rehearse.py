"""`edge-daemon rehearse`: makes a finalised register of one lesson now, from pictures or a video."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.capture.rehearsal import SEED_BYTES, RehearsalRequest, instant_of
from edge_daemon.app.capture.rehearsal import rehearse as take_register
from edge_daemon.app.registers.stored_registers import Standing, counts
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import CommandHelp
from edge_daemon.cli.progress import progress
from edge_daemon.cli.register_text import note_in_words
from edge_daemon.cli.table import table
from edge_daemon.cli.this_command import this_command
from edge_daemon.errors import StoreError
from edge_daemon.types import Register, Verdict
from edge_daemon.whole_file import unusable_output


@click.command(cls=CommandHelp)
@click.option(
    "--frames",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR_OR_VIDEO",
    help="Folder of JPEG or PNG pictures in the order of their numbers, or a video; each picture is one capture.",
)
@click.option(
    "--sightings",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT.csv",
    help="Also write every face that was accepted.",
)
@click.option(
    "--captures",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="For a video: one random frame of each of N equal parts, as in a lesson. Without it every frame.",
)
@click.option("--seed", metavar="HEX", help="Use the frames of an earlier rehearsal again: the seed that it printed.")
@click.option("--course", metavar="COURSE", help="Register only this course; without it everybody on the roster.")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]),
    metavar="YYYY-MM-DDTHH:MM",
    help="When the lesson was, by the school's clock; without it now. The time is not proven: it stays a rehearsal.",
)
@click.option("--deliver", is_flag=True, help="Send the register to the office only, marked as a rehearsal.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def rehearse(
    home: Home,
    frames: Path,
    sightings: Path | None,
    captures: int | None,
    seed: str | None,
    course: str | None,
    at: datetime | None,
    deliver: bool,
    as_json: bool,
) -> None:
    """Take the register of one lesson now, from pictures or a video.

    Without --deliver the register is never sent anywhere.
    """
    if sightings is not None and (problem := unusable_output(sightings)) is not None:
        raise StoreError(*problem)
    start = instant_of(at, ZoneInfo(home.config.device.time_zone)) if at else None
    wanted = RehearsalRequest(frames, sightings, captures, _seed(seed), course or "", start, deliver)
    with progress("captures") as watch:
        done = take_register(home, wanted, watch)
    for missed in done.register.missed:
        click.echo(f"warning: {missed.reason}; capture {missed.slot + 1} is missed", err=True)
    if as_json:
        click.echo(json.dumps(done.json(), ensure_ascii=False, indent=2))
        return
    register = done.register
    click.echo(_heading(register))
    click.echo()
    click.echo(table(("student", "name", "verdict", "seen", "facing", "share", "flags"), _rows(register, done.names)))
    click.echo()
    if note := note_in_words(register):
        click.echo(f"note: {note}")
    if register.mask is not None:
        click.echo(f"masks in the room: {register.mask.in_words()}")
    cost = f"{done.seconds_per_capture:.2f} s a capture, {done.cpu_seconds_per_capture:.2f} s of processor"
    click.echo(f"{_counts(register)}; {cost}")
    if captures is not None:
        click.echo(f"seed {register.plan.seed.hex()}: --seed with this value takes the same frames again")
    for line in _next_commands(home, register):
        click.echo(line)


def _seed(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        seed = b""
    if len(seed) != SEED_BYTES:
        raise click.UsageError(f"--seed takes {2 * SEED_BYTES} hexadecimal digits")
    return seed


def _heading(register: Register) -> str:
    lesson = register.lesson
    course = f" of {lesson.course}" if lesson.course else ""
    return f"Register{course}, {lesson.origin}, {register.captures_taken} of {register.captures_planned} captures"


def _rows(register: Register, names: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    for v in register.verdicts:
        yield _row(v, names.get(v.tally.student_id, ""))


def _row(verdict: Verdict, name: str) -> tuple[str, ...]:
    tally = verdict.tally
    numbers = (f"{tally.captures_seen}", f"{tally.captures_attentive}", f"{verdict.share:.0%}")
    if verdict.verdict == "not_assessed":
        numbers = ("-", "-", "-")
    return (tally.student_id, name, verdict.verdict.replace("_", " "), *numbers, " ".join(verdict.flags))


def _counts(register: Register) -> str:
    counted = counts(register)
    words = [f"{counted[one]} {one.replace('_', ' ')}" for one in get_args(Standing) if counted[one]]
    guests = [f"{len(register.guests)} of other courses"] if register.guests else []
    return ", ".join([*words, *guests, f"unknown faces: {register.unknown_faces}"])


def _next_commands(home: Home, register: Register) -> Iterator[str]:
    command = this_command() + (f" --home {shlex.quote(str(home.state_dir))}" if home.home_mode else "")
    day = register.lesson.start.astimezone(ZoneInfo(home.config.device.time_zone)).date().isoformat()
    yield f"kept in {home.register_db_path}"
    yield f"next: {command} register show {register.lesson.lesson_id}"
    yield f"      {command} export --from {day} --to {day} --output register.xlsx"
    yield f"wrong pictures: {command} register confirm {register.lesson.lesson_id} --not-held --by NAME"
