"""Days that a user names, in the school's time zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import click

from edge_daemon.errors import RegisterError

DAY = click.DateTime(["%Y-%m-%d"])
"""Of an option."""


def instants(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when the first day begins and the last one has ended.

    Raises:
        RegisterError: days that no calendar program has.
    """
    try:
        begin, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
        return begin.astimezone(timezone.utc), end.astimezone(timezone.utc)
    except OverflowError as error:
        raise RegisterError("the days are out of range", f"{first} to {last}", "give days of this century") from error
