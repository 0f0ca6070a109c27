"""Which room an event is in. The list of rooms (provisioning/) is held against a calendar by the same rule."""

from __future__ import annotations

import re

from edge_daemon.lesson.ical_text import Component, Source, components, plain_text

_LOCATION = frozenset({"LOCATION"})
_BETWEEN_ROOMS = re.compile(r"[,;]")


def is_in_room(location: str, room: str) -> bool:
    """Return whether an event is in a room: the room is the whole location or a part of it between commas.

    Capitals and the number of spaces do not matter. An empty room means that every event counts.
    """
    wanted = _folded(room)
    return not wanted or wanted == _folded(location) or wanted in map(_folded, _BETWEEN_ROOMS.split(location))


def location(component: Component) -> str:
    """Return an event's location on one line, empty where it has none."""
    return next((plain_text(one.value) for one in component.properties(_LOCATION)), "")


def locations(source: Source) -> set[str]:
    """Return all locations of a calendar, as they are written.

    Raises:
        TimetableError: the file is no calendar, or damaged.
    """
    return {location(component) for component in components(source, frozenset({"VEVENT"}))} - {""}


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
