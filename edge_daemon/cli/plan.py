"""`edge-daemon plan`: when pictures are taken, fixed before the lesson and checked after it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.ledger.plan_check import PlanCheck, check_plan, coming_plans
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.cli.table import table
from edge_daemon.timestamps import written


@click.group(cls=GroupHelp)
def plan() -> None:
    """When pictures are taken: fixed before the lesson, checked after it."""


@plan.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def list_(home: Home, as_json: bool) -> None:
    """List the stored plans of coming lessons, with the SHA-256 of their seed but never the seed."""
    coming = coming_plans(home, datetime.now(timezone.utc))
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


@plan.command()
@click.argument("register_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def check(home: Home, register_id: str, as_json: bool) -> None:
    """Derive a register's plan again from its published seed, and compare the plan with the captures.

    ID is the lesson's id, or its first characters if only one register has them. Exit code 1 means that the register
    does not agree with its plan.
    """
    done = check_plan(home, register_id)
    if as_json:
        click.echo(json.dumps(_as_json(done), ensure_ascii=False, indent=2))
    else:
        _print(done, ZoneInfo(home.config.device.time_zone))
    click.get_current_context().exit(0 if all(done.findings.values()) else 1)


def _as_json(done: PlanCheck) -> dict[str, object]:
    return {
        "lesson_id": done.lesson_id,
        "seed": done.seed.hex(),
        "rehearsal": done.is_rehearsal,
        **{finding.replace(",", "").replace(" ", "_").replace("-", ""): so for finding, so in done.findings.items()},
        "slots": [
            {
                "slot": one.slot,
                "planned": written(one.planned),
                "taken": written(one.taken) if one.taken else None,
                "missed": one.missed or None,
            }
            for one in done.slots
        ],
    }


def _print(done: PlanCheck, zone: ZoneInfo) -> None:
    rows = [
        (
            *(str(one.slot), f"{one.planned.astimezone(zone):%H:%M:%S.%f}"[:-3]),
            f"{(one.taken - one.planned).total_seconds():+.1f} s" if one.taken else one.missed or "-",
        )
        for one in done.slots
    ]
    if rows:
        click.echo(table(("slot", "planned", "taken"), rows))
    for finding, so in done.findings.items():
        click.echo(f"{'yes' if so else 'NO':4}{finding}")
    if done.is_rehearsal:
        click.echo("    a rehearsal has no promise, because its pictures existed before it")
