"""`edge-daemon status`: the state of the service now, in plain words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone, tzinfo
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.health.overview import (
    LOOK_BACK,
    MB,
    Backlog,
    LessonCounts,
    LessonStatus,
    Life,
    Overview,
    age_s,
    look,
)
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import CommandHelp
from edge_daemon.cli.status_json import document
from edge_daemon.cli.table import table
from edge_daemon.cli.this_command import commands_here
from edge_daemon.errors import ConfigError
from edge_daemon.plain_text import plain
from edge_daemon.types import ClockState

_LIVES: Mapping[Life, str] = {
    "runs": "runs",
    "stuck": "is there, but does not respond",
    "ended": "ended without giving a reason",
    "none": "does not run",
    "hidden": "may run; only its own user can see it",
}
_CLOCKS: Mapping[ClockState, str] = {
    "synchronised": "set by a time server",
    "rtc": "set by the clock chip, or trusted by the settings; no time server has answered yet",
    "unsynchronised": "not trusted, because it is not set yet",
}
_WIDTH = 14


@click.command(cls=CommandHelp)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def status(home: Home, as_json: bool) -> None:
    """Print the state of the service now; needs no key. Exit code 1 means that something needs a person."""
    overview = look(home, datetime.now(timezone.utc))
    lesson = overview.lesson
    names = _names(home) if lesson is not None and lesson.provisional else {}
    if as_json:
        click.echo(json.dumps(document(overview, names), ensure_ascii=False, indent=2))
    else:
        for title, text in _lines(overview, _zone(home)):
            click.echo(f"{title:{_WIDTH}}{_shown(commands_here(text, home))}")
        if lesson is not None and lesson.provisional:
            click.echo()
            click.echo(f"So far, of {lesson.provisional_of} captures; the register is made at the lesson's end:")
            rows = [(i, names.get(i, ""), str(seen), str(facing)) for i, (seen, facing) in lesson.provisional.items()]
            click.echo(table(("student", "name", "seen", "facing"), rows))
    click.get_current_context().exit(1 if overview.problems else 0)


def _names(home: Home) -> Mapping[str, str]:
    from edge_daemon.cli.names import names_of  # loads the gallery only for a lesson

    return names_of(home)


def _zone(home: Home) -> tzinfo:
    try:
        return ZoneInfo(home.config.device.time_zone)
    except ConfigError:  # listed among the problems of the timetable
        return timezone.utc


def _lines(overview: Overview, zone: tzinfo) -> Iterator[tuple[str, str]]:
    """Yield the title and the text of each line of the output."""

    def local(at: datetime) -> str:
        there = at.astimezone(zone)
        today = there.date() == overview.now.astimezone(zone).date()
        return f"{there:%H:%M:%S}" if today else f"{there:%a %Y-%m-%d %H:%M}"

    for problem in overview.problems:
        yield "TO DO", problem
    status, lesson = overview.status, overview.lesson
    yield "service", _LIVES[overview.life]
    if status is not None:
        last_words = f"{status.detail} (said {age_s(status):.0f} s ago, started {local(status.started_utc)})"
        yield ("now" if overview.life == "runs" else "last words"), last_words
    if lesson is not None:
        yield "lesson", _running(lesson, local(lesson.start), local(lesson.end))
        if lesson.next_capture_utc is not None:
            yield "next capture", local(lesson.next_capture_utc)
    if overview.next_start is not None:
        yield "next lesson", f"{overview.next_course} {local(overview.next_start)}"
    else:
        yield "next lesson", "none is known"
    if overview.last is not None:
        yield "last lesson", f"{_counts(overview.last)}, ended {local(overview.last.stored.lesson.end)}"
    for one in overview.open_lessons:
        is_on = one.stored.lesson.end > overview.now
        if overview.life == "runs" and is_on:
            until = local(one.stored.lesson.end)
            yield "lesson", f"{_counts(one)}, until {until}; goes on when the service has started"
            continue
        when = "the service is making it" if overview.life == "runs" else "the service makes it at its next start"
        state = "is on" if is_on else "over, not made yet"
        yield "no register", f"{_counts(one)}, of {local(one.stored.lesson.start)}; {state}: {when}"
    if overview.skipped:
        newest = overview.skipped[-1]
        count = f"{len(overview.skipped)} in the last {LOOK_BACK.days} days"
        yield "not held", f"{count}, the latest {newest.course} {local(newest.start)}: {newest.reason}"
    if overview.delivery is not None:
        for destination, queue in overview.delivery.queues.items():
            yield destination, _queue(queue, is_set_up=overview.delivery.set_up[destination], local=local)
        note = overview.delivery.note
        if note.began_at is not None:
            yield "last sync", f"{local(note.began_at)}: {note.summary}"
    yield "clock", _CLOCKS[overview.clock]
    yield "disk", f"{overview.host.disk_free_bytes // MB} MB free"
    if status is not None and lesson is None and overview.life == "runs":
        yield "since start", _totals(status.captures_total, status.missed_total, status.lessons_total)


def _running(lesson: LessonStatus, start: str, end: str) -> str:
    counts = f"{lesson.captures_taken} of {lesson.captures_planned} captures taken, {lesson.captures_missed} missed"
    why = f" (the last: {lesson.last_missed_reason})" if lesson.last_missed_reason else ""
    return f"{lesson.course} {start} to {end}: {counts}{why}"


def _counts(one: LessonCounts) -> str:
    course = one.stored.lesson.course or "lesson"
    kind = " (rehearsal)" if one.stored.lesson.origin == "rehearsal" else ""
    return f"{course}{kind}: {one.taken} of {one.stored.captures_planned} captures taken, {one.missed} missed"


def _queue(queue: Backlog, *, is_set_up: bool, local: Callable[[datetime], str]) -> str:
    counts = {"delivered": queue.delivered, "waiting": queue.waiting, "held": queue.held, "parked": queue.parked}
    status = ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == "delivered")
    if not is_set_up:
        return f"not set up; {status}" if queue.waiting else "not set up"
    since = f", the oldest of {local(queue.oldest)}" if queue.oldest is not None else ""
    why = f"; {queue.answer}" if queue.state != "open" else ""
    return f"{status}{since}{why}"


def _totals(captures: int, missed: Mapping[str, int], lessons: int) -> str:
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(missed.items()))
    held = f"{lessons} lesson{'' if lessons == 1 else 's'}"
    return f"{held}, {captures} captures taken, {sum(missed.values())} missed{f' ({why})' if why else ''}"


def _shown(text: str) -> str:
    """Return a text without control characters: courses come from calendars, reasons from libraries."""
    return plain(text)
