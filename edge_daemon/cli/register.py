"""`edge-daemon register`: look at registers, and correct them."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import datetime, timezone
from typing import cast, get_args
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.registers.correct_register import confirm_by_hand, correct_by_hand
from edge_daemon.app.registers.correction_notes import REASONS, notes_of_lesson
from edge_daemon.app.registers.stored_registers import ReadRegister, Standing, counts, list_registers, read_register
from edge_daemon.cli.asked import asked
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.cli.names import names_of
from edge_daemon.cli.register_text import note_of, show_register
from edge_daemon.cli.table import WIDEST, table, terminal_columns
from edge_daemon.cli.this_command import commands_here
from edge_daemon.errors import EdgeError
from edge_daemon.timestamps import written
from edge_daemon.types import Confirmation, Correction, Register, Sighting, VerdictName


@click.group(cls=GroupHelp)
def register() -> None:
    """Look at registers and correct them.

    A correction makes a new version of the register, called a revision. Earlier revisions stay.
    """


@register.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def list_(home: Home, as_json: bool) -> None:
    """List all registers, the earliest lesson first."""
    found = list(list_registers(home))
    if as_json:
        click.echo(json.dumps([_summary(one) for one in found], ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo(f"no registers yet: {commands_here(home.first_step, home)}")
        return
    zone = ZoneInfo(home.config.device.time_zone)
    digits = _digits([one.register.lesson.lesson_id for one in found])
    rows = [_line(one.register, zone, digits) for one in found]
    counted = (one.replace("_", " ") for one in _COUNTED)
    heads = ("register", "day", "time", "course", "origin", "captures", *counted, "revision", "note")
    widest = WIDEST if terminal_columns() else sys.maxsize  # a file or a program gets each note in full
    click.echo(table(heads, rows, widest=widest))


@register.command()
@click.argument("register_id", metavar="ID")
@click.option("--revision", type=click.IntRange(min=1), help="Number of the revision; without it the latest.")
@click.option("--json", "as_json", is_flag=True, help="Print the register document, and the sightings behind it.")
@pass_home
def show(home: Home, register_id: str, revision: int | None, as_json: bool) -> None:
    """Show one register with the evidence for each student.

    Rows and seats are counted among the students who were seen, so erasing a student renumbers the other seats
    of the row. ID is the lesson's id, or its first characters if only one register has them.
    """
    found, evidence = read_register(home, register_id, revision)
    notes = notes_of_lesson(home, found.register.lesson.lesson_id)
    if as_json:
        content = dict(found.content)
        content["sha256"] = found.sha256
        content["captures"] = [{"slot": slot, "name": name} for slot, name in evidence.captures]
        content["sightings"] = [_sighting(one) for one in evidence.sightings]
        content["notes"] = [{"student_id": one.student_id, "at": written(one.at), "note": one.text} for one in notes]
        click.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return
    zone = ZoneInfo(home.config.device.time_zone)
    for line in show_register(found.register, evidence, names_of(home), zone, notes):
        click.echo(line)


@register.command()
@click.argument("register_id", metavar="ID", required=False)
@click.option("--student", metavar="S", help="Student id.")
@click.option("--verdict", type=click.Choice(get_args(VerdictName)), help="The new verdict.")
@click.option("--by", metavar="NAME", help="The person who corrects.")
@click.option("--reason", metavar="TEXT", help=f"Why: {', '.join(REASONS)}, or words of your own.")
@pass_home
def correct(
    home: Home, register_id: str | None, student: str | None, verdict: str | None, by: str | None, reason: str | None
) -> None:
    """Make the next revision of a register, with one student's verdict changed. Nothing is overwritten.

    The command asks for each missing value on a line of its own. What you type there is neither logged nor visible to
    others on the command line. A repeated correction makes no revision.

    A reason in your own words is not stored in the register, which gets the code `other`. The words stay on the
    device as a note until the student is removed. A single word that misspells a code is refused.
    """
    register_id, student = asked(register_id, "register_id"), asked(student, "student")
    verdict, by, reason = asked(verdict, "verdict"), asked(by, "by"), asked(reason, "reason")
    now = datetime.now(timezone.utc).replace(microsecond=0)
    wanted = Correction(student, cast(VerdictName, verdict), by, reason, now)
    done = correct_by_hand(home, register_id, wanted)
    revision = f", revision {done.revision}" if done.revision else ""
    already = "" if done.revision else " already, by the same person for the same reason; no new revision"
    what = f"register {done.lesson_id}{revision}: {student} is {verdict.replace('_', ' ')}{already}"
    click.echo(EdgeError(what).line())
    if not done.note_kept:
        click.echo(f"warning: student {student} is not enrolled here: the text of the reason is not stored", err=True)
    elif done.has_note:
        click.echo("your words are kept as a note on this device; the register has the code `other`")


@register.command()
@click.argument("register_id", metavar="ID")
@click.option("--held/--not-held", "held", default=None, help="Whether the lesson took place.")
@click.option("--by", metavar="NAME", help="The person who confirms; the command asks for it if it is missing.")
@pass_home
def confirm(home: Home, register_id: str, held: bool | None, by: str | None) -> None:
    """Record that a lesson was held, or was not; makes the next revision of its register.

    Held: the verdicts stand, and families are informed. Not held: nobody is absent. The same confirmation by the same
    person a second time makes no revision.
    """
    if held is None:
        raise click.UsageError("give --held or --not-held")
    by = asked(by, "by")
    now = datetime.now(timezone.utc).replace(microsecond=0)
    lesson_id, made = confirm_by_hand(home, register_id, Confirmation(held, by, now))
    revision = f", revision {made}" if made else ""
    already = "" if made else " already, by the same person; no new revision"
    what = "the lesson was held" if held else "the lesson was not held, nobody is absent"
    click.echo(EdgeError(f"register {lesson_id}{revision}: {what}{already}").line())


_COUNTED: tuple[Standing, ...] = ("present", "absent", "to_confirm", "not_assessed")


def _summary(found: ReadRegister) -> dict[str, object]:
    register, content = found.register, found.content
    found_of = Counter(v.verdict for v in register.verdicts)
    keys = ("lesson_id", "revision", "origin", "device", "course", "start", "end", "clock")
    return {
        **{key: content[key] for key in keys},
        "captures_planned": register.captures_planned,
        "captures_taken": register.captures_taken,
        **{verdict: found_of[verdict] for verdict in get_args(VerdictName)},
        "to_confirm": counts(register)["to_confirm"],
        "register_flags": list(register.register_flags),
        "held": None if register.confirmed is None else register.confirmed.held,
        "unknown_faces": register.unknown_faces,
    }


def _line(register: Register, zone: ZoneInfo, digits: int) -> tuple[str, ...]:
    lesson, counted = register.lesson, counts(register)
    start, end = lesson.start.astimezone(zone), lesson.end.astimezone(zone)
    at = f"{start:%H:%M}-{end:%H:%M}" if end > start else "no clock"
    return (
        *(lesson.lesson_id[:digits], f"{start:%Y-%m-%d}", at, lesson.course, lesson.origin),
        f"{register.captures_taken}/{register.captures_planned}",
        *(str(counted[one]) for one in _COUNTED),
        str(register.revision),
        note_of(register),
    )


def _digits(lesson_ids: list[str]) -> int:
    """Return how many leading characters are enough to distinguish all lesson ids; at least eight."""
    return next((n for n in range(8, 36) if len({one[:n] for one in lesson_ids}) == len(lesson_ids)), 36)


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
