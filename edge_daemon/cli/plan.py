"""`edge-daemon plan`: when pictures are taken, fixed before the lesson and checked after it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.service.commitment_publisher import committed_sha256
from edge_daemon.attendance.document import from_json
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.table import table
from edge_daemon.errors import RegisterError
from edge_daemon.lesson.plan import make_plan, seed_digest
from edge_daemon.store import lessons, plans, registers
from edge_daemon.store.database import open_register
from edge_daemon.timestamps import written

AHEAD = timedelta(days=7)


@click.group()
def plan() -> None:
    """When pictures are taken: fixed before the lesson, to be checked after it."""


@plan.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def list_(home: Home, as_json: bool) -> None:
    """List the plans on record for coming lessons: their SHA-256, never their seed."""
    now = datetime.now(timezone.utc)
    coming = []
    if home.register_db_path.exists():
        coming = plans.committed_plans(open_register(home.register_db_path), now, now + AHEAD)
    if as_json:
        rows = [
            {
                "lesson_id": one.lesson.lesson_id,
                "course": one.lesson.course,
                "start": written(one.lesson.start),
                "captures_planned": one.captures_planned,
                "seed_sha256": one.seed_sha256,
                "committed_at": written(one.committed_at),
            }
            for one in coming
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not coming:
        click.echo("no plan on record for a coming lesson")
        return
    zone = ZoneInfo(home.config.device.time_zone)
    lines = [
        (
            *(f"{one.lesson.start.astimezone(zone):%a %Y-%m-%d %H:%M}", one.lesson.course, str(one.captures_planned)),
            *(one.seed_sha256, f"{one.committed_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"),
        )
        for one in coming
    ]
    click.echo(table(("lesson", "course", "captures", "SHA-256 of the seed", "on record since"), lines, widest=64))


@dataclass(frozen=True, slots=True)
class _Slot:
    """An instant of a plan, and what was made of it."""

    slot: int
    planned: datetime
    taken: datetime | None
    missed: str


@plan.command()
@click.argument("register_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def check(home: Home, register_id: str, as_json: bool) -> None:
    """Derive the plan of a register again from the seed that it reveals, and hold it against what was done.

    ID is the lesson's id, or so much of its beginning that only one register fits. Exit code 1 where something does not
    agree.
    """
    if not home.register_db_path.exists():
        raise RegisterError("there is no register yet", str(home.register_db_path))
    db = open_register(home.register_db_path, create=False)
    lesson_id = registers.find_lesson(db, register_id)
    register = from_json(registers.revisions(db, lesson_id)[0].document).register
    lesson, seed = register.lesson, register.plan.seed
    derived = make_plan(lesson_id, (lesson.end - lesson.start).total_seconds(), max(register.captures_planned, 1), seed)
    taken = {c.slot: c.taken_at for c in lessons.captures(db, lesson_id)}
    missed = {m.slot: m.reason for m in register.missed}
    slots = [
        _Slot(slot, lesson.start + timedelta(seconds=offset_s), taken.get(slot), missed.get(slot, ""))
        for slot, offset_s in enumerate(derived.offsets_s)
    ]
    on_record = plans.get_plan(db, lesson_id)
    findings = {
        "seed agrees with its SHA-256": seed_digest(seed) == register.plan.seed_sha256,
        "same SHA-256 was on record": on_record is not None and on_record.seed_sha256 == register.plan.seed_sha256,
        "on record before the lesson": on_record is not None and on_record.committed_at <= lesson.start,
    }
    kept = committed_sha256(db, lesson_id, lesson.start)
    if kept is not None:  # a release that promised nothing left none
        findings["promised, signed, before the lesson"] = kept == register.plan.seed_sha256
    if as_json:
        click.echo(json.dumps(_as_json(lesson_id, seed, findings, slots), ensure_ascii=False, indent=2))
    else:
        _print(slots, findings, ZoneInfo(home.config.device.time_zone))
    click.get_current_context().exit(0 if all(findings.values()) else 1)


def _as_json(lesson_id: str, seed: bytes, findings: dict[str, bool], slots: list[_Slot]) -> dict[str, object]:
    return {
        "lesson_id": lesson_id,
        "seed": seed.hex(),
        **{finding.replace(",", "").replace(" ", "_").replace("-", ""): so for finding, so in findings.items()},
        "slots": [
            {
                "slot": one.slot,
                "planned": written(one.planned),
                "taken": written(one.taken) if one.taken else None,
                "missed": one.missed or None,
            }
            for one in slots
        ],
    }


def _print(slots: list[_Slot], findings: dict[str, bool], zone: ZoneInfo) -> None:
    rows = [
        (
            *(str(one.slot), f"{one.planned.astimezone(zone):%H:%M:%S.%f}"[:-3]),
            f"{(one.taken - one.planned).total_seconds():+.1f} s" if one.taken else one.missed or "-",
        )
        for one in slots
    ]
    click.echo(table(("slot", "planned", "taken"), rows))
    for finding, so in findings.items():
        click.echo(f"{'yes' if so else 'NO':4}{finding}")
