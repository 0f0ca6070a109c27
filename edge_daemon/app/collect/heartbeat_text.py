"""What a device says of itself: its heartbeat and its daily logs. Unsigned, so that nothing of it becomes attendance.

Read with patience: a device of another release says more or less, and a document that can't be read says nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from edge_daemon.app.collect.document_tree import DocumentProblem, read_object
from edge_daemon.attendance.fields import is_plausible
from edge_daemon.timestamps import parsed


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`status.json`; None and empty: it does not say."""

    at: datetime | None = None
    version: str = ""
    clock: str = ""
    waiting: int = 0
    """Items for the office's server that it has not taken yet."""
    oldest: datetime | None = None
    """Since when the oldest of them waits."""
    parked: int = 0
    """Items that somebody refused for good: server and mail."""
    answers: tuple[str, ...] = ()
    """What a receiver says that takes nothing at all now."""
    last_lesson: datetime | None = None
    service: str = ""
    problems: tuple[str, ...] = ()
    """Alarms, and what is wrong with camera, timetable and storage."""
    disk_free_mb: float | None = None
    temperature_c: float | None = None
    power: tuple[str, ...] = ()
    removals_applied: datetime | None = None
    """When the last list of removals was put into force there."""
    removals_open: bool = False
    """Whether the office has a list for the device that is not in force there."""


@dataclass(slots=True)
class EventLogSummary:
    """What the daily logs of a while say together."""

    starts: int = 0
    captures_missed: Counter[str] = field(default_factory=Counter)
    lessons_not_held: Counter[str] = field(default_factory=Counter)


def read_heartbeat(folder: Path, problems: list[DocumentProblem]) -> Heartbeat | None:
    """Return the heartbeat in the folder of a device, None where there is none that can be read.

    Args:
        folder: of the device.
        problems: gets what is wrong with one that names an impossible time.
    """
    top = read_object(folder / "status.json")
    if top is None:
        return None
    if _is_impossible(top.get("at")):
        problems.append(DocumentProblem(f"{folder.name}/status.json", "names a time that can't be"))
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
    """Return what the logs of these days say."""
    days = EventLogSummary()
    for on in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        top = read_object(folder / "days" / f"{on.isoformat()}.json") or {}
        days.starts += int(_number(top.get("starts")) or 0)
        days.captures_missed.update(_counts(top.get("captures_missed")))
        days.lessons_not_held.update(_counts(top.get("lessons_not_held")))
    return days


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
    """Return whether a text is a time, of a year in which no device was."""
    try:
        return isinstance(value, str) and not is_plausible(parsed(value))
    except ValueError:
        return False
