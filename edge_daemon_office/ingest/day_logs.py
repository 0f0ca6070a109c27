"""Logs of a device's days: which promised lessons its timetable moved or dropped (docs/day.schema.json).

A log is not signed, so somebody could add a lesson to it to hide a missing register. The page *Today* therefore names
the lessons that a log withdraws.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from edge_daemon_office.home import School
from edge_daemon_office.ingest.tree import read_object
from edge_daemon_office.ingest.tree_copy import CopyResult, TreeCopy
from edge_daemon_office.registers.models import Promise
from edge_daemon_office.registers.promises import without_register
from edge_daemon_office.scope import use_school
from edge_daemon_office.shared.delivery import document_paths
from edge_daemon_office.shared.timestamps import parsed, written

_DAYS: Final = 7
"""Number of the last days whose logs are requested, because a device that was off delivers later."""
_AGAIN_AFTER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class MissingRegisters:
    """Promised lessons that are over and have no register."""

    missing: list[Promise]
    withdrawn: list[Promise]
    """Promised lessons that their timetable moved or dropped, as the unsigned logs of the devices say."""


def missing_registers(school: School, day: date) -> MissingRegisters:
    """Return a day's promised lessons without a register."""
    found = MissingRegisters([], [])
    logs: dict[str, frozenset[tuple[str, datetime]]] = {}
    for one in without_register(school, day):
        path = log_path(school, one)
        if path not in logs:
            logs[path] = _withdrawn(school.tree / path)
        is_withdrawn = (one.lesson_id, one.start) in logs[path]
        (found.withdrawn if is_withdrawn else found.missing).append(one)
    return found


def log_path(school: School, promise: Promise) -> str:
    """Return the path of the log of a lesson's day, below the tree."""
    return document_paths.day(promise.device, promise.start.astimezone(school.zone).date())


def bring_day_log(copy: TreeCopy, school: School, now: datetime) -> None:
    """Copy one log of the last days from the server, of a day on which a promised lesson has no register.

    A run asks for one log at most, and for the same log at most once an hour, so that a server without new documents
    gets few requests. A log that the server does not have is no problem.

    Raises:
        OfficeError: the server does not answer, or the tree can't be written.
    """
    use_school(school.school)
    today = now.astimezone(school.zone).date()
    asked = copy.state["day_logs"]
    wanted = {
        log_path(school, one) for n in range(_DAYS) for one in without_register(school, today - timedelta(days=n))
    }
    copy.state["day_logs"] = asked = {path: at for path, at in asked.items() if path in wanted}
    due = [path for path in sorted(wanted, key=lambda path: str(asked.get(path, ""))) if _is_due(asked.get(path), now)]
    if due:
        copy.bring_document(due[0], "", CopyResult(), is_day_log=True)
        asked[due[0]] = written(now)
        copy.keep_state()


def _is_due(asked_at: object, now: datetime) -> bool:
    """Return whether a log may be asked for again, given the time when it was asked for last."""
    try:
        return not isinstance(asked_at, str) or not timedelta(0) <= now - parsed(asked_at) < _AGAIN_AFTER
    except ValueError:
        return True


def _withdrawn(path: Path) -> frozenset[tuple[str, datetime]]:
    """Return id and start of the lessons that a log withdraws; a log of an earlier release names none."""
    listed = read_object(path).get("lessons_withdrawn")
    return frozenset(_lessons(listed if isinstance(listed, list) else ()))


def _lessons(listed: Iterable[object]) -> Iterator[tuple[str, datetime]]:
    for one in listed:
        if not isinstance(one, dict):
            continue
        lesson_id, start = one.get("lesson_id"), one.get("start")
        if isinstance(lesson_id, str) and isinstance(start, str):
            try:
                yield lesson_id, parsed(start)
            except ValueError:
                continue
