"""The people of an event who may teach it, from ORGANIZER and ATTENDEE (RFC 5545, 3.8.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge_daemon.config import is_address
from edge_daemon.lesson.ical_text import Property

ORGANISER, ATTENDEE = "ORGANIZER", "ATTENDEE"
_MOST: Final = 5
"""Largest number of addresses in one group."""
_MOST_READ: Final = 500
"""Largest number of an event's attendees that are read. Some events invite all students of a year."""

People = tuple[tuple[str, ...], ...]
"""Mail addresses in three groups, likeliest teachers first: an event's chairs, its organiser, its only attendee."""


def people_of(organisers: Sequence[Property], attendees: Sequence[Property]) -> People:
    """Return three groups of mail addresses: an event's chairs, its organiser, and its attendee if there is only one.

    Rooms, groups and attendees for information only are ignored. Several attendees are left out, because they may be
    the students. Without any address the result is empty.
    """
    invited = [one for one in attendees[:_MOST_READ] if _is_person(one)]
    chairs = _addresses([one for one in invited if one.params.get("ROLE", "").upper() == "CHAIR"])
    organiser = _addresses(organisers[:1])
    others = [address for address in _addresses(invited) if address not in organiser]
    alone = tuple(others) if len(others) == 1 and len(attendees) <= _MOST_READ else ()
    groups = (chairs, organiser, alone)
    return groups if any(groups) else ()


def _is_person(one: Property) -> bool:
    kind, role = one.params.get("CUTYPE", "INDIVIDUAL").upper(), one.params.get("ROLE", "").upper()
    declined = one.params.get("PARTSTAT", "").upper() == "DECLINED"
    return kind == "INDIVIDUAL" and role != "NON-PARTICIPANT" and not declined


def _addresses(people: Sequence[Property]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for one in people:
        value = one.value.strip()
        address = value[7:].strip() if value[:7].lower() == "mailto:" else one.params.get("EMAIL", "").strip()
        if is_address(address):
            found.setdefault(address.casefold(), address)
    return tuple(found.values())[:_MOST]
