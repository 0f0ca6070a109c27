"""`edge-daemon timetable`: the coming lessons, and which are skipped and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.opening.timetable_files import (
    LONGEST,
    Passed,
    Timetable,
    captures_planned,
    file_errors,
    pulled_timetable,
    timetable_of_files,
    timetable_paths,
    unusable,
)
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.cli.table import table
from edge_daemon.cli.this_command import commands_here
from edge_daemon.config import UPSTREAM
from edge_daemon.errors import EdgeError
from edge_daemon.plain_text import counted
from edge_daemon.types import Lesson

_CHECKED = timedelta(days=366)
_SHOWN_ALIKE = 5


@dataclass(frozen=True, slots=True)
class _Repeated:
    """An event that is skipped for the same reason on several days."""

    first: Passed
    times: int


@click.group(cls=GroupHelp)
def timetable() -> None:
    """The coming lessons, and which are skipped and why."""


@timetable.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def check(home: Home, as_json: bool) -> None:
    """Read the calendar files and name every problem, with file and line.

    Exit code 2 means that a file is broken; 1 means that a file has no usable event, or that no
    event is in any file.
    """
    files, holidays = timetable_paths(home)
    errors = list(file_errors(home, [*files, *holidays]))
    if errors:
        if as_json:
            click.echo(_json({"errors": [error.line() for error in errors]}))
        for error in errors[:-1]:
            click.echo(f"edge-daemon: {error.line()}", err=True)
        raise errors[-1]
    read, now = timetable_of_files(home), datetime.now(timezone.utc)
    lessons, passed = read.lessons(now, now + _CHECKED), list(_repeated(read.passed(now, now + _CHECKED)))
    faults, cut = unusable(home, read), list(_repeated(read.cut(now, now + _CHECKED)))
    remarks = [*_settings_remarks(home, read, now, is_useless=bool(faults), has_lessons=bool(lessons)), *read.remarks]
    if as_json:
        document: dict[str, object] = {
            "errors": [],
            "files": [str(path) for path in files],
            "holidays": [str(path) for path in holidays],
            **_rooms_json(home),
            "lessons_in_a_year": len(lessons),
            "unusable": [_passed_json(one) for one in faults],
            "left_out": [_passed_json(one) for one in read.left_out],
            "skipped_in_a_year": [{**_passed_json(one.first), "times": one.times} for one in passed],
            "cut_in_a_year": [{**_passed_json(one.first), "times": one.times} for one in cut],
            "remarks": [_passed_json(one) for one in remarks],
        }
        click.echo(_json(document))
    else:
        rooms = " or ".join(home.config.timetable.room) or "any room"
        click.echo(f"{counted(len(lessons), 'lesson')} within a year, in {rooms}")
        _print_list("left out:", _few_alike(read.left_out))
        _print_list("skipped within a year:", (_repeated_line(one) for one in passed))
        _print_list("begin later within a year:", (_repeated_line(one) for one in cut))
        _print_list("please look at:", _few_alike(remarks))
    if faults:
        for one in faults:
            click.echo(f"edge-daemon: {EdgeError(_line(one)).line()}", err=True)
    if faults or not read.events:
        raise click.exceptions.Exit(1)


@timetable.command()
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="Days to look ahead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def show(home: Home, days: int, as_json: bool) -> None:
    """Print the coming lessons in local time, including one that is running."""
    read, now = timetable_of_files(home), datetime.now(timezone.utc)
    zone, end = ZoneInfo(home.config.device.time_zone), now + timedelta(days=days)
    lessons = [one for one in read.lessons(now - LONGEST, end) if one.end > now]
    passed = read.passed(now, end)
    if as_json:
        document: dict[str, object] = {
            **_rooms_json(home),
            "time_zone": home.config.device.time_zone,
            "lessons": [_lesson_json(home, one, zone) for one in lessons],
            "skipped": [_passed_json(one, zone) for one in passed],
        }
        click.echo(_json(document))
        return
    if lessons:
        heads = ("day", "time", "course", "captures", "lesson")
        click.echo(table(heads, [_lesson_row(home, one, zone) for one in lessons]))
    else:
        advice = commands_here("`edge-daemon timetable check` says what is in the files", home)
        click.echo(f"no lessons within {days} days; {advice}")
    _print_list("skipped:", (_line(one) for one in passed))
    if read.left_out:
        advice = commands_here("`edge-daemon timetable check` names them", home)
        click.echo(f"\nevents left out altogether: {len(read.left_out)}; {advice}")


def _settings_remarks(
    home: Home, read: Timetable, now: datetime, *, is_useless: bool, has_lessons: bool
) -> Iterator[Passed]:
    """Yield each problem of the settings, or of all calendar files together."""
    settings, where = home.config.timetable, str(home.config_path)
    if UPSTREAM in settings.files and not pulled_timetable(home).exists():
        yield Passed("timetable.files", where, f"names {UPSTREAM!r}, and no calendar has come from the office yet")
    if not settings.files:
        yield Passed("timetable.files", where, "names no file, so there are no lessons")
    elif not read.events:
        yield Passed("timetable.files", where, "the files have no event")
    elif not has_lessons and not is_useless:
        past = [
            one.start.astimezone(ZoneInfo(home.config.device.time_zone)) for one in read.lessons(now - _CHECKED, now)
        ]
        last = f"the last one was on {past[-1]:%Y-%m-%d}" if past else "none was within a year"
        yield Passed("timetable.files", where, f"no lesson is to come; {last}")


def _rooms_json(home: Home) -> dict[str, object]:
    names = home.config.timetable.room
    return {"room": " or ".join(names), "rooms": list(names)}


def _few_alike(found: Sequence[Passed]) -> Iterator[str]:
    """Yield a line for each event that has a problem; of many with the same reason, only the first ones get a line."""
    alike = Counter(one.why for one in found)
    shown: Counter[str] = Counter()
    for one in found:
        shown[one.why] += 1
        if shown[one.why] < _SHOWN_ALIKE or alike[one.why] == _SHOWN_ALIKE:
            yield _line(one)
        elif shown[one.why] == _SHOWN_ALIKE:
            yield f"{_line(one)}, and {alike[one.why] - _SHOWN_ALIKE} more; --json has all"


def _repeated(passed: Iterable[Passed]) -> Iterator[_Repeated]:
    groups: dict[tuple[str, str], list[Passed]] = {}
    for one in passed:
        groups.setdefault((one.where, one.why), []).append(one)
    yield from (_Repeated(group[0], len(group)) for group in groups.values())


def _print_list(head: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        if number == 0:
            click.echo(f"\n{head}")
        click.echo(f"  {EdgeError(line).line()}")


def _line(one: Passed) -> str:
    return ": ".join(filter(None, (one.where, one.what, one.why)))


def _repeated_line(one: _Repeated) -> str:
    return _line(one.first) + (f", and {one.times - 1} times more" if one.times > 1 else "")


def _lesson_row(home: Home, one: Lesson, zone: ZoneInfo) -> tuple[str, ...]:
    start, end = one.start.astimezone(zone), one.end.astimezone(zone)
    return (
        f"{start:%a %Y-%m-%d}",
        f"{start:%H:%M}-{end:%H:%M}",
        one.course,
        f"{captures_planned(home, one)}",
        one.lesson_id[:8],
    )


def _lesson_json(home: Home, one: Lesson, zone: ZoneInfo) -> dict[str, str | int]:
    return {
        "lesson_id": one.lesson_id,
        "course": one.course,
        "start": one.start.astimezone(zone).isoformat(),
        "end": one.end.astimezone(zone).isoformat(),
        "captures_planned": captures_planned(home, one),
    }


def _passed_json(one: Passed, zone: ZoneInfo | None = None) -> dict[str, str | None]:
    start = one.at.astimezone(zone).isoformat() if one.at is not None else None
    return {"what": one.what, "where": one.where, "why": one.why, "start": start}


def _json(document: dict[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)
