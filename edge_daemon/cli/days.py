"""Days that a user gives as an option; they begin and end in the school's time zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import click

from edge_daemon.errors import RegisterError

_WORDS = {"yesterday": -1, "today": 0, "tomorrow": 1}


class _Day(click.DateTime):
    """Type of an option: a date, or the word for a day near today, by the clock of this computer."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, str) and value in _WORDS:
            # A person who types the word means the day of this computer.
            near = datetime.now().astimezone() + timedelta(days=_WORDS[value])
            return datetime.combine(near.date(), time())
        try:
            day: datetime = super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a day; give YYYY-MM-DD, yesterday, today or tomorrow", param, ctx)
        return day


DAY = _Day(["%Y-%m-%d"])
"""Type of an option: YYYY-MM-DD, yesterday, today or tomorrow."""


def instants(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when the first day begins and when the last one ends, in UTC.

    Raises:
        RegisterError: the days are outside the range of `datetime`.
    """
    try:
        begin, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
        return begin.astimezone(timezone.utc), end.astimezone(timezone.utc)
    except OverflowError as error:
        raise RegisterError("the days are out of range", f"{first} to {last}", "give days of this century") from error
