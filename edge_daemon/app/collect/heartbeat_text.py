"""A device's own reports: its heartbeat and its daily event logs. They are unsigned and never affect attendance.

Reading is tolerant: a device of another release may report more or fewer fields, and an unreadable document
counts as empty.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from edge_daemon.app.collect.document_tree import DocumentProblem, read_object
from edge_daemon.attendance.fields import is_plausible
from edge_daemon.timestamps import parsed


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`status.json`; a value that is None or empty was not reported by the device."""

    at: datetime | None = None
    version: str = ""
    clock: str = ""
    waiting: int = 0
    """Items that the office's server has not accepted yet."""
    oldest: datetime | None = None
    """Creation time of the oldest waiting item."""
    parked: int = 0
    """Number of items that the office's server or the mail server refused permanently."""
    answers: tuple[str, ...] = ()
    """The last error from each receiver that accepts no items at present."""
    last_lesson: datetime | None = None
    service: str = ""
    problems: tuple[str, ...] = ()
    """Alarms, and problems with camera, timetable and storage."""
    disk_free_mb: float | None = None
    temperature_c: float | None = None
    power: tuple[str, ...] = ()
    removals_applied: datetime | None = None
    """When the device last applied a list of removals."""
    removals_open: bool = False
    """True if the office has a list for the device that is not in force there."""


@dataclass(slots=True)
class EventLogSummary:
    """The daily event logs of several days, summed up."""

    starts: int = 0
    captures_missed: Counter[str] = field(default_factory=Counter)
    lessons_not_held: Counter[str] = field(default_factory=Counter)


def read_heartbeat(folder: Path, problems: list[DocumentProblem]) -> Heartbeat | None:
    """Return the heartbeat in a device's folder, None if there is none or it can't be read.

    Args:
        folder: the device's folder.
        problems: receives a problem if the heartbeat has an impossible time.
    """
    top = read_object(folder / "status.json")
    if top is None:
        return None
    if _is_impossible(top.get("at")):
        problems.append(DocumentProblem(f"{folder.name}/status.json", "names an impossible time"))
        return None
    queues = [_object(queue) for queue in _object(top.get("queue")).values()]
    upstream = _object(_object(top.get("queue")).get("upstream"))
    service, computer = _object(top.get("service")), _object(top.get("computer"))
    troubles = _object(service.get("problems"))
    removals = _object(_object(top.get("pulled")).get("removals.json"))
    return Heartbeat(
        at=_time(top.get("at")),
        version=_text(top.get("version")),
        clock=_text(top.get("clock")),
        waiting=int(_number(upstream.get("waiting")) or 0),
        oldest=_time(upstream.get("oldest")),
        parked=sum(int(_number(queue.get("parked")) or 0) for queue in queues),
        answers=tuple(
            _text(queue.get("answer")) for queue in queues if _text(queue.get("state")) in ("waiting", "parked")
        ),
        last_lesson=_time(_object(top.get("last_register")).get("end")),
        service=_text(service.get("state")),
        problems=(
            *(f"ALARM, {name}: {_text(_object(one).get('what'))}" for name, one in _object(top.get("alarms")).items()),
            *(f"{name}: {_text(what)}" for name, what in troubles.items() if _text(what)),
        ),
        disk_free_mb=_number(computer.get("disk_free_mb")),
        temperature_c=_number(computer.get("temperature_c")),
        power=_texts(computer.get("power_now")),
        removals_applied=_time(removals.get("applied")),
        removals_open=_is_open(folder / "removals.json", _text(removals.get("applied_sha256"))),
    )


def _is_open(document: Path, applied_sha256: str) -> bool:
    with contextlib.suppress(OSError):
        return hashlib.sha256(document.read_bytes()).hexdigest() != applied_sha256
    return False


def read_days(folder: Path, first: date, last: date) -> EventLogSummary:
    """Return the summary of the event logs of these days."""
    days = EventLogSummary()
    for on in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        top = read_object(folder / "days" / f"{on.isoformat()}.json") or {}
        days.starts += int(_number(top.get("starts")) or 0)
        days.captures_missed.update(_counts(top.get("captures_missed")))
        days.lessons_not_held.update(_counts(top.get("lessons_not_held")))
    return days


def read_withdrawn(folder: Path, days: Collection[date]) -> frozenset[tuple[datetime, datetime]]:
    """Return begin and end of the promised lessons that were withdrawn, as the event logs of these days say.

    The logs of older releases have no such list, and count as empty.
    """
    found: set[tuple[datetime, datetime]] = set()
    for on in days:
        listed = (read_object(folder / "days" / f"{on.isoformat()}.json") or {}).get("lessons_withdrawn")
        for one in listed if isinstance(listed, list) else ():
            start, end = _time(_object(one).get("start")), _time(_object(one).get("end"))
            if start is not None and end is not None:
                found.add((start, end))
    return frozenset(found)


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(one) for one in value if _text(one)) if isinstance(value, list) else ()


def _number(value: object) -> float | None:
    return (
        float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12 else None
    )


def _counts(value: object) -> dict[str, int]:
    return {_text(name): int(_number(count) or 0) for name, count in _object(value).items()}


def _time(value: object) -> datetime | None:
    try:
        at = parsed(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is not None and is_plausible(at) else None


def _is_impossible(value: object) -> bool:
    """Return whether a text is a time in a year in which no device existed."""
    try:
        return isinstance(value, str) and not is_plausible(parsed(value))
    except ValueError:
        return False
