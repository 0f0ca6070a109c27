"""Decides which room an event is in. The provisioning of cards uses the same rule to check a list of rooms.

The rule (docs/TIMETABLE.md): an event is in a room whose name is its whole LOCATION, or a part of it. Commas,
semicolons, bars, slashes, plus signs, ampersands, line breaks and the words for "and" separate parts. A word for "room"
or "rooms" before the name and a number of seats in brackets after it are ignored. A part that consists of room names,
such as `R101 R102`, names each of them. Case and the number of blanks are ignored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from edge_daemon.lesson.ical_lines import Source
from edge_daemon.lesson.ical_text import Component, components, plain_text

_LOCATION = frozenset({"LOCATION"})
_BETWEEN_LARGE = re.compile(r"[,;|]")
_BETWEEN_SMALL = re.compile(r"[/+&]|\s(?:and|und|et)\s")
_WORD_FOR_ROOM = re.compile(
    r"(?:class\s?rooms?|rooms?|rms?\.?|raum|räume|r\.|zimmer|zi\.?|klassenraum|klassenräume|klassenzimmer"
    r"|unterrichtsraum|unterrichtsräume|salles?|salas?|aulas?|aule|lokaal|lokalen|klaslokaal|klaslokalen|lokale|sal"
    r"|učebna|pokój|teremben|terem)"
    r"\s*(?:nr\.?|no\.?|n°|nº|#|:)?\s+"
)
_SEATS = re.compile(r"\s*[(\[]\s*(?:max\.?\s*)?[0-9]{1,4}(?:\s*[^\W\d_]+\.?)?\s*[)\]]$")
_ROOM_CODE = re.compile(r"(?=[^\W_]*[^\W\d_])(?=[^\d]*[0-9])[\w.-]+")
"""Form of a room name with at least one letter and one digit: R101, 12b, A1.04."""


def is_in_room(location: str, rooms: Sequence[str]) -> bool:
    """Return whether an event is in one of the rooms. Without room names, or with empty ones only, return True.

    Args:
        location: the event's location, as `location` returns it.
        rooms: all names that calendars use for one room.
    """
    wanted = {folded for room in rooms if (folded := _folded(room))}
    return not wanted or not wanted.isdisjoint(_names(_folded(location)))


def location(component: Component) -> str:
    """Return an event's location on one line, with commas for line breaks; empty if it has none."""
    texts = (plain_text(one.value, ", ") for one in component.properties(_LOCATION))
    return ", ".join(dict.fromkeys(filter(None, texts)))


def locations(source: Source) -> set[str]:
    """Return all locations of a calendar, as the file writes them.

    Raises:
        TimetableError: the file is not a calendar, or is damaged.
    """
    return {location(component) for component in components(source, frozenset({"VEVENT"}))} - {""}


@lru_cache(maxsize=1024)
def _names(location: str) -> frozenset[str]:
    """Return every room name in a location in lower case. Results are cached, because many events share a location."""
    return frozenset(_all_names(location))


def _all_names(location: str) -> Iterator[str]:
    for whole in (location, *_BETWEEN_LARGE.split(location)):
        for part in (whole, *_BETWEEN_SMALL.split(whole)):
            name = part.strip(" \"'")
            yield name
            bare = _SEATS.sub("", name)
            yield bare
            alone = _WORD_FOR_ROOM.sub("", bare, count=1) if _WORD_FOR_ROOM.match(bare) else bare
            yield alone
            words = alone.split()
            if len(words) > 1 and all(_ROOM_CODE.fullmatch(word) for word in words):
                yield from words


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()
