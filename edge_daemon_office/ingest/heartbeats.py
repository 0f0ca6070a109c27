"""Reads a device's own report (`status.json`), which is not signed; unknown or missing fields are accepted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from edge_daemon_office.ingest.tree import read_object
from edge_daemon_office.registers.models import Heartbeat
from edge_daemon_office.shared.attendance.fields import is_plausible
from edge_daemon_office.shared.timestamps import parsed

_MOST_TEXT: Final = 200
_MOST_PROBLEMS: Final = 20
_MOST_NUMBER: Final = 1_000_000_000


def read_heartbeat(school: str, device: str, path: Path, known: Mapping[str, Any] | None) -> bool:
    """Store the heartbeat of a device; return whether it is new. An invalid file changes nothing.

    Args:
        school: its short name.
        device: the device's name.
        path: path of the file.
        known: the columns of the stored heartbeat; None: there is none.
    """
    top = read_object(path)
    if not top:
        return False
    values = _values(top)
    if known is not None and all(known[name] == value for name, value in values.items()):
        return False
    Heartbeat.objects.update_or_create(school=school, device=device, defaults=values)
    return True


def _values(top: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a heartbeat."""
    queue, service, computer = (_object(top.get(name)) for name in ("queue", "service", "computer"))
    alarms, last = _object(top.get("alarms")), _object(top.get("last_register"))
    problems = [f"ALARM, {_text(name)}: {_text(_object(one).get('what'))}" for name, one in alarms.items()]
    problems += [
        f"{_text(name)}: {_text(what)}" for name, what in _object(service.get("problems")).items() if _text(what)
    ]
    problems += [_text(word) for word in _list(computer.get("power_now")) if _text(word)]
    return {
        "at": _time(top.get("at")),
        "version": _text(top.get("version")),
        "clock": _text(top.get("clock")),
        "service": _text(service.get("state")),
        "waiting": _whole(_object(queue.get("upstream")).get("waiting")),
        "parked": sum(_whole(_object(one).get("parked")) for one in queue.values()),
        "disk_free_mb": _number(computer.get("disk_free_mb")),
        "temperature_c": _number(computer.get("temperature_c")),
        "next_lesson": _time(service.get("next_lesson")),
        "problems": problems[:_MOST_PROBLEMS],
        "registers": _whole(top.get("registers")) if isinstance(top.get("registers"), int) else None,
        "newest_sha256": _text(last.get("sha256"))[:64],
        "pulled": {
            _text(name): {"sha256": _text(one.get("applied_sha256"))[:64], "problem": _text(one.get("problem"))}
            for name, one in list(_object(top.get("pulled")).items())[:_MOST_PROBLEMS]
            if isinstance(one, dict)
        },
    }


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value[:_MOST_PROBLEMS] if isinstance(value, list) else []


def _text(value: object) -> str:
    text = value[:_MOST_TEXT] if isinstance(value, str) else ""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _MOST_NUMBER:
        return None
    return float(value)


def _whole(value: object) -> int:
    return max(0, int(_number(value) or 0))


def _time(value: object) -> datetime | None:
    try:
        at = parsed(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
    return at if at is not None and is_plausible(at) else None
