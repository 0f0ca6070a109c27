"""Computes with the school's week: its first day, its weekend, and its name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from edge_daemon.config import WEEKDAYS

if TYPE_CHECKING:
    from edge_daemon.config import WeekConfig

Day = TypeVar("Day", bound=date)

_TO_THE_MIDDLE: Final = timedelta(days=3)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SchoolWeek:
    """Seven days. A week has the name of the ISO week of its fourth day: 2026-W47."""

    first_weekday: int = 0
    """0 is Monday, 6 Sunday."""
    weekend: frozenset[int] = frozenset((5, 6))

    def begin(self, day: Day) -> Day:
        """Return the first day of the week that contains `day`; the time of day stays."""
        return day - timedelta(days=(day.weekday() - self.first_weekday) % 7)

    def name(self, day: date) -> str:
        """Return the name of the week that contains `day`."""
        year, number, _ = (self.begin(day) + _TO_THE_MIDDLE).isocalendar()
        return f"{year}-W{number:02}"

    def begin_of(self, year: int, number: int) -> date:
        """Return the first day of a week by its name; raises ValueError if the week does not exist."""
        middle = date.fromisocalendar(year, number, (self.first_weekday + 3) % 7 + 1)
        return middle - _TO_THE_MIDDLE

    def school_days(self, first: Day, last: Day, with_lessons: Collection[date]) -> tuple[Day, Day]:
        """Return the first and last day of a span, without free days (the weekend) at its ends.

        A free day with a lesson stays in the span.
        """
        days = {date(day.year, day.month, day.day) for day in with_lessons}
        while first < last and self._is_free(first, days):
            first += _DAY
        while first < last and self._is_free(last, days):
            last -= _DAY
        return first, last

    def _is_free(self, day: date, with_lessons: Collection[date]) -> bool:
        return day.weekday() in self.weekend and date(day.year, day.month, day.day) not in with_lessons


ISO_WEEK: Final = SchoolWeek()
"""The week from Monday to Sunday, whose weekend is Saturday and Sunday."""


def school_week(first_day: str, weekend: Collection[str]) -> SchoolWeek:
    """Return the school week with this first day and these free days, given by their names in `WEEKDAYS`."""
    return SchoolWeek(WEEKDAYS.index(first_day), frozenset(map(WEEKDAYS.index, weekend)))


def week_of(settings: WeekConfig) -> SchoolWeek:
    """Return the week that the settings describe."""
    return school_week(settings.first_day, settings.weekend)
