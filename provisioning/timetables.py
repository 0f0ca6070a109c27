"""Checks the list's rooms against its calendars, by the device's own rule for rooms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from edge_daemon.errors import TimetableError
from edge_daemon.lesson.ical_lines import Source
from edge_daemon.lesson.rooms import is_in_room, locations

_SHOWN = 5


def problem(name: str, content: bytes, rooms: Sequence[str], *, needed: bool) -> str:
    """Return the problem with a calendar for a room; empty: none.

    Args:
        name: name of the file in the list.
        content: content of the file.
        rooms: names of the room.
        needed: whether a calendar without any room is wrong; otherwise it belongs to the room alone.
    """
    try:
        there = named(name, content)
    except TimetableError as error:
        return error.line()
    if any(is_in_room(place, rooms) for place in there) or (not there and not needed):
        return ""
    some = ", ".join(f"“{place}”" for place in there[:_SHOWN]) or "none"
    has = f"it has {some}{' …' if len(there) > _SHOWN else ''}"
    wanted = " or ".join(f"“{room}”" for room in rooms)
    return f"no event of {name} has the LOCATION {wanted} ({has}); give timetable_room"


@lru_cache(maxsize=4)
def named(name: str, content: bytes) -> tuple[str, ...]:
    """Return the rooms (LOCATION) that the events of a calendar name.

    The result is cached, because 200 lines of the list of rooms may name the same file of 4 MiB.

    Raises:
        TimetableError: the file is not a calendar, or is damaged.
    """
    return tuple(sorted(locations(Source(Path(name), content))))
