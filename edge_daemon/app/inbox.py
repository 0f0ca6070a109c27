"""What is pulled from the office, and how each document is looked at before it may wait in the inbox.

This is the part of the process with the network: it knows the forms of the documents, not the gallery. What a document
means here is decided where it is applied (`apply_inbox.py`), and there everything is checked once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlite_utils

from edge_daemon.config import UPSTREAM, Config
from edge_daemon.delivery.office import CORRECTIONS, WITHDRAWALS, parse_corrections, parse_withdrawals
from edge_daemon.delivery.paths import for_device
from edge_daemon.delivery.pull import PullResult, Source, Wanted, pull
from edge_daemon.errors import EdgeError, RosterError, TimetableError
from edge_daemon.gallery.pulled_roster import ROSTER, parse_pulled_roster
from edge_daemon.home import Home

TIMETABLE: Final = "timetable.ics"
NAMES: Final = (ROSTER, WITHDRAWALS, CORRECTIONS, TIMETABLE)
"""In the order in which they are applied: a withdrawal after the roster that may still name the consent."""

_LIMITS: Final[Mapping[str, int]] = {ROSTER: 4 << 20, TIMETABLE: 8 << 20, CORRECTIONS: 1 << 20, WITHDRAWALS: 1 << 20}
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def inbox_dir(home: Home) -> Path:
    """Return the folder of documents that came and are not applied yet."""
    return home.state_dir / "inbox"


def wanted_names(config: Config) -> tuple[str, ...]:
    """Return which documents the settings ask for."""
    named = {ROSTER if word == "roster" else f"{word}.json" for word in config.upstream.pull}
    return tuple(name for name in NAMES if name in named or (name == TIMETABLE and UPSTREAM in config.timetable.files))


def pull_all(home: Home, db: sqlite_utils.Database, source: Source, now: datetime) -> tuple[PullResult, ...]:
    """Ask for every document that the settings want, and put what is new and whole into the inbox.

    Where the server can't be reached at all, the rest is not asked for.

    Raises:
        StoreError: the inbox or register.sqlite can't be written.
    """
    device = home.config.device.name
    checks: Mapping[str, Callable[[bytes], object]] = {
        ROSTER: _check_roster,
        TIMETABLE: _check_timetable,
        CORRECTIONS: lambda data: parse_corrections(data, device, now),
        WITHDRAWALS: lambda data: parse_withdrawals(data, device),
    }
    results: list[PullResult] = []
    for name in wanted_names(home.config):
        wanted = Wanted(name, for_device(device, name), _LIMITS[name], checks[name])
        results.append(pull(wanted, source, db, inbox_dir(home), now))
        if results[-1].everybody:
            break
    return tuple(results)


def bare(error: EdgeError) -> str:
    """Return an error's line without the values that it quotes: an id or an address does not belong into a log."""
    return _QUOTED.sub("(...)", error.line())


def _check_roster(data: bytes) -> None:
    try:
        parse_pulled_roster(data)
    except RosterError as error:
        raise RosterError(_QUOTED.sub("(...)", error.what), error.where, error.todo) from error


def _check_timetable(data: bytes) -> None:
    """Look at the frame alone: libraries of calendars take more memory than the process with the network may have."""
    from edge_daemon.lesson.ical_text import Source as Text
    from edge_daemon.lesson.ical_text import components

    events = sum(1 for _ in components(Text(Path(TIMETABLE), data), frozenset({"VEVENT"})))
    if not events:
        raise TimetableError("has no event", TIMETABLE, "export it again; nothing was changed")
