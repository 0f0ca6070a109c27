"""Logs of a device's days: which promised lessons its timetable moved or dropped (docs/day.schema.json).

A log is not signed, so somebody could add a lesson to it to hide a missing register. The page *Today* therefore names
the lessons that a log withdraws.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from edge_daemon_office.home import School
from edge_daemon_office.ingest.tree import read_object
from edge_daemon_office.ingest.tree_copy import STATE, CopyResult, TreeCopy
from edge_daemon_office.registers.models import Promise
from edge_daemon_office.registers.promises import without_register
from edge_daemon_office.scope import use_school
from edge_daemon_office.shared.delivery import document_paths
from edge_daemon_office.shared.timestamps import parsed, written

_DAYS: Final = 7
"""Number of the last days whose logs are requested, because a device that was off delivers later."""
_AGAIN_AFTER: Final = timedelta(hours=1)
_FIRST_AFTER: Final = timedelta(minutes=5)
"""How long after a lesson its day's log is requested first, because most registers come within this time."""
_MOST_LOGS: Final = 30
"""Largest number of logs in one run. With a run each minute, 300 rooms need ten minutes."""
_LONGEST_S: Final = 10.0
"""A run requests no further log after this time, so that a slow server does not delay ingest."""
_LONGEST_WAIT: Final = timedelta(hours=2)
"""Longest wait, after a lesson, for the log of its day. Then the alert about the missing register is sent anyway."""


@dataclass(frozen=True, slots=True)
class MissingRegisters:
    """Promised lessons that are over and have no register."""

    missing: list[Promise]
    withdrawn: list[Promise]
    """Promised lessons that their timetable moved or dropped, as the unsigned logs of the devices say."""


def missing_registers(school: School, day: date) -> MissingRegisters:
    """Return a day's promised lessons without a register."""
    found = MissingRegisters([], [])
    logs: dict[str, frozenset[tuple[str, datetime, datetime]]] = {}
    for one in without_register(school, day):
        path = log_path(school, one)
        if path not in logs:
            logs[path] = _withdrawn(school.tree / path)
        is_withdrawn = (one.lesson_id, one.start, one.end) in logs[path]
        (found.withdrawn if is_withdrawn else found.missing).append(one)
    return found


def log_path(school: School, promise: Promise) -> str:
    """Return the path of the log of a lesson's day, below the tree."""
    return document_paths.day(promise.device, promise.start.astimezone(school.zone).date())


def bring_day_logs(copy: TreeCopy, school: School, now: datetime) -> None:
    """Copy logs from the server: those of the last days on which a promised lesson has no register.

    First come the logs that were not requested since the day's last lesson without a register ended. A log is
    requested again at most once an hour. One run requests 30 logs at most, and none after ten seconds. A log that the
    server does not have is no problem.

    Raises:
        OfficeError: the server does not answer, or the tree can't be written.
    """
    use_school(school.school)
    today = now.astimezone(school.zone).date()
    ended: dict[str, datetime] = {}
    for one in (one for n in range(_DAYS) for one in without_register(school, today - timedelta(days=n))):
        if one.end + _FIRST_AFTER <= now:
            path = log_path(school, one)
            ended[path] = max(one.end, ended.get(path, one.end))
    asked = {path: at for path, at in _times(copy.state["day_logs"]).items() if path in ended}
    first = sorted(path for path, end in ended.items() if path not in asked or asked[path] < end)
    again = [path for path in asked.keys() - first if not timedelta(0) <= now - asked[path] < _AGAIN_AFTER]
    begun_s = time.monotonic()
    try:
        for path in [*first, *sorted(again, key=lambda path: asked[path])][:_MOST_LOGS]:
            if time.monotonic() - begun_s > _LONGEST_S:
                break
            copy.bring_document(path, "", CopyResult(), is_day_log=True)
            asked[path] = now
    finally:
        kept = {path: written(at) for path, at in asked.items()}
        if kept != copy.state["day_logs"]:
            copy.state["day_logs"] = kept
            copy.keep_state()


def without_awaited_logs(school: School, missing: Iterable[Promise], now: datetime) -> list[Promise]:
    """Return the promised lessons that no log can withdraw any more, so that an alert about them is right.

    If the school has a server, these are the lessons whose log was requested after the lesson ended, and those that
    ended at least two hours ago. Without a server they are all lessons, because the tree has every log.
    """
    if school.server is None:
        return list(missing)
    asked = _times(read_object(school.tree / STATE).get("day_logs"))
    return [
        one
        for one in missing
        if one.end + _LONGEST_WAIT <= now or ((at := asked.get(log_path(school, one))) is not None and at >= one.end)
    ]


def _times(noted: object) -> dict[str, datetime]:
    """Return when each log was requested last; entries that can't be read are left out."""
    found: dict[str, datetime] = {}
    for path, at in noted.items() if isinstance(noted, dict) else ():
        if isinstance(path, str) and isinstance(at, str):
            with suppress(ValueError):
                found[path] = parsed(at)
    return found


def _withdrawn(path: Path) -> frozenset[tuple[str, datetime, datetime]]:
    """Return id, start and end of the lessons that a log withdraws; a log of an earlier release names none."""
    listed = read_object(path).get("lessons_withdrawn")
    return frozenset(_lessons(listed if isinstance(listed, list) else ()))


def _lessons(listed: Iterable[object]) -> Iterator[tuple[str, datetime, datetime]]:
    for one in listed:
        if not isinstance(one, dict):
            continue
        lesson_id, start, end = one.get("lesson_id"), one.get("start"), one.get("end")
        if isinstance(lesson_id, str) and isinstance(start, str) and isinstance(end, str):
            try:
                yield lesson_id, parsed(start), parsed(end)
            except ValueError:
                continue
