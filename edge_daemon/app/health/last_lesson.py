"""Finds problems of recent lessons that need a person, such as a lesson that was not held or is unusual."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from edge_daemon.attendance.document import from_json
from edge_daemon.attendance.doubt import awaits_confirmation, is_cancelled
from edge_daemon.attendance.room_state import FLAG_MEANS
from edge_daemon.errors import RegisterError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.lesson_counts import LessonCounts, last_finalised
from edge_daemon.store.registers import latest
from edge_daemon.store.skipped import SkippedLesson, skipped_lessons
from edge_daemon.types import Register

NOT_HELD_FOR: Final = timedelta(days=1)
"""How long a missed lesson is reported as a problem for a person."""


def lesson_problems(db: sqlite_utils.Database, now: datetime) -> Iterator[str]:
    """Yield the problems of recent lessons that need a person, a line each.

    Raises:
        StoreError: the database can't be read.
    """
    last = last_finalised(db, now, origin="timetable")
    gone_by = [
        lost for lost in skipped_lessons(db, now - NOT_HELD_FOR) if lost.start <= now
    ]  # skips entries of a clock that was ahead
    for lost in gone_by[-1:]:
        if last is None or last.stored.lesson.start < lost.start:
            yield _not_held(lost)
    if last is None:
        return
    stored = latest(db, last.stored.lesson.lesson_id)
    try:
        register = from_json(stored.document).register if stored is not None else None
    except RegisterError:  # `ledger verify` reports what is wrong with it
        register = None
    yield from _of_last(last, register)


def _not_held(lost: SkippedLesson) -> str:
    course = lost.course or "a lesson"
    return f"{course} of {lost.start:%Y-%m-%d %H:%M} UTC was not held: {lost.reason}"


def _of_last(last: LessonCounts, register: Register | None) -> Iterator[str]:
    if register is not None and is_cancelled(register):
        return
    planned = last.stored.captures_planned
    if 2 * last.taken < planned:
        reasons = sorted({one.reason for one in register.missed}) if register is not None else []
        why = f" ({'; '.join(reasons[:2])})" if reasons else ""
        yield f"of the last lesson only {last.taken} of {planned} captures were taken: inconclusive{why}"
    if register is None:
        return
    command = f"`edge-daemon register show {register.lesson.lesson_id[:8]}`"
    if flags := register.register_flags:
        words = "; ".join(f"{flag}, {FLAG_MEANS[flag]}" for flag in flags)
        asked = "; the office answers with `register confirm`" if awaits_confirmation(register) else ""
        if register.confirmed is None:
            yield f"the last lesson: {words}: see {command}{asked}"
    if register.confirmed is not None or register.corrections:
        return  # a person has already looked at it
    verdicts = {verdict.verdict for verdict in register.verdicts}
    if verdicts == {"not_assessed"}:
        yield "nobody of the last lesson could be assessed: no consent, or no photographs: `edge-daemon enrol list`"
    elif verdicts - {"not_assessed"} == {"absent"}:
        yield f"everybody was absent in the last lesson: camera turned or covered, or another room: see {command}"
