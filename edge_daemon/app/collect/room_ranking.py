"""Ranks rooms by whether they need attention: faulty, silent or late rooms first, each with the reasons in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from edge_daemon.app.collect.heartbeat_text import EventLogSummary, Heartbeat
from edge_daemon.app.collect.room_documents import Room
from edge_daemon.plain_text import counted

Severity = Literal["faulty", "silent", "late", "well"]

SILENT: Final = timedelta(hours=72)
"""A device without any report for this time counts as silent; a weekend without power is shorter."""
LATE: Final = timedelta(hours=24)
"""A register is late if it waits this long for delivery, or is missing this long after its lesson."""
DAYS_BACK: Final = 14
"""Number of days whose event logs are read."""
_FEW_MB: Final = 500
_HOT_C: Final = 80.0
_FEW_CAPTURES: Final = 0.5


@dataclass(frozen=True, slots=True)
class RoomStatus:
    """The state of a room."""

    room: Room
    heartbeat: Heartbeat | None
    severity: Severity
    reasons: tuple[str, ...]
    missing: int
    """Number of promised lessons that are over, were not withdrawn, and have no register here."""


def room_status(
    room: Room,
    heartbeat: Heartbeat | None,
    days: EventLogSummary,
    now: datetime,
    withdrawn: Collection[tuple[datetime, datetime]] = (),
) -> RoomStatus:
    """Return the state of a room now.

    Args:
        room: the room as read.
        heartbeat: the device's last heartbeat; None if there is none.
        days: its event logs of the last days.
        now: the time.
        withdrawn: begin and end of promised lessons that its timetable moved or dropped.
    """
    over = [one for one in room.summary.overdue if one[1] + LATE < now]
    missing = sum(one not in withdrawn for one in over)
    found = [*_faults(room, heartbeat, days), *_silence(heartbeat, now), *_lateness(heartbeat, missing, now)]
    if missing < len(over):
        promised = counted(len(over) - missing, "promised lesson")
        found.append(("well", f"{promised} withdrawn by its timetable, as its unsigned log says"))
    order = get_args(Severity)
    severity: Severity = min((one for one, _ in found), key=order.index, default="well")
    return RoomStatus(room, heartbeat, severity, tuple(reason for _, reason in found), missing)


def rank(judgement: RoomStatus) -> tuple[int, str]:
    """Return a room's sort key: rooms that need attention first, then by name."""
    return get_args(Severity).index(judgement.severity), judgement.room.device


def _faults(room: Room, heartbeat: Heartbeat | None, days: EventLogSummary) -> Iterator[tuple[Severity, str]]:
    if room.problems:
        yield "faulty", f"{counted(len(room.problems), 'thing')} to look at (page Left out)"
    if not room.keys:
        yield "faulty", "no key: none of its documents can be trusted"
    if heartbeat is not None:
        for problem in heartbeat.problems:
            yield "faulty", problem
        if heartbeat.service in ("silent", "degraded"):
            yield "faulty", f"the service is {heartbeat.service}"
        if heartbeat.clock == "unsynchronised":
            yield "faulty", "the device does not know the time"
        if heartbeat.parked:
            yield "faulty", f"{counted(heartbeat.parked, 'item')} refused by the server or a mail server"
        if heartbeat.disk_free_mb is not None and heartbeat.disk_free_mb < _FEW_MB:
            yield "faulty", f"the disk is nearly full ({heartbeat.disk_free_mb:.0f} MB free)"
        if heartbeat.temperature_c is not None and heartbeat.temperature_c > _HOT_C:
            yield "faulty", f"too hot ({heartbeat.temperature_c:.0f} °C)"
        if heartbeat.power:
            yield "faulty", "power: " + ", ".join(word.replace("_", " ") for word in heartbeat.power)
    last = room.summary.recent
    blind = sum(taken < _FEW_CAPTURES * planned for planned, taken in last)
    if blind:
        yield "faulty", f"too few pictures in {blind} of the last {counted(len(last), 'lesson')}"
    if days.lessons_not_held:
        reason, count = days.lessons_not_held.most_common(1)[0]
        total = sum(days.lessons_not_held.values())
        yield "faulty", f"{counted(total, 'lesson')} without a register in {DAYS_BACK} days, {count} because: {reason}"


def _silence(heartbeat: Heartbeat | None, now: datetime) -> Iterator[tuple[Severity, str]]:
    if heartbeat is None or heartbeat.at is None:
        yield "silent", "it never sent its state"
    elif now - heartbeat.at > SILENT:
        yield "silent", f"not heard of for {counted((now - heartbeat.at).days, 'day')}"


def _lateness(heartbeat: Heartbeat | None, missing: int, now: datetime) -> Iterator[tuple[Severity, str]]:
    if missing:
        yield "late", f"no register here of {counted(missing, 'lesson')} that it promised"
    if heartbeat is None:
        return
    if heartbeat.oldest is not None and now - heartbeat.oldest > LATE:
        days = counted((now - heartbeat.oldest).days, "day")
        yield "late", f"{counted(heartbeat.waiting, 'document')} waiting there, the oldest for {days}"
    if heartbeat.removals_open:
        yield "late", "has not confirmed the office's list of removals"
    for answer in heartbeat.answers:
        yield "late", f"a receiver accepts nothing: {answer}"
