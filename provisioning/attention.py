"""Which pictures count for a student: those in which the head faces the class, or all in which the student is there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from provisioning.rooms import Room

CHOICES = ("facing", "there")
_KEY = ("attention", "max_yaw_deg")
_ANY_WAY_DEG = 180.0
_QUESTION = (
    "Which pictures count for a student: those in which the head faces the class, or all in which the student is\n"
    "there? In schools of the EU measuring attention may be forbidden (docs/PRIVACY.md). [facing/there] "
)


def wanted(rooms: Sequence[Room], option: str | None) -> str:
    """Return `facing` or `there`: the option, or else the technician's answer; `facing` if there is no terminal to ask.

    The question is not asked if the list of rooms has the choice for every room.
    """
    if option or all(_KEY in room.settings for room in rooms) or not sys.stdin.isatty():
        return option or "facing"
    answer = ""
    while answer not in CHOICES:
        sys.stdout.write(_QUESTION)
        sys.stdout.flush()
        line = sys.stdin.readline()
        answer = line.strip().lower() if line else "facing"
    return answer


def with_choice(rooms: Sequence[Room], choice: str) -> list[Room]:
    """Return the rooms with the choice added. A room with a choice in the list keeps its own."""
    if choice == "facing":
        return list(rooms)
    return [replace(room, settings={_KEY: _ANY_WAY_DEG, **room.settings}) for room in rooms]


def summary(rooms: Sequence[Room]) -> str:
    """Return the line that reports to the technician which pictures count."""
    facing = sum(float(str(room.settings.get(_KEY, 0))) < _ANY_WAY_DEG for room in rooms)
    if not facing:
        return "every picture in which a student is there counts, however the head is turned\n"
    which = "" if facing == len(rooms) else f" in {facing} of {len(rooms)} rooms"
    return (
        f"only pictures in which a student faces the class count{which}: --count there counts all (docs/PRIVACY.md)\n"
    )
