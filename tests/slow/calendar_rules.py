"""Draws recurrence rules at random, and finds their lessons by checking every day, without a library for rules."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FIRST, LAST = date(2026, 8, 31), date(2027, 7, 16)


@dataclass(frozen=True)
class Rule:
    """A recurrence rule for days; each lesson has the first lesson's time of day."""

    frequency: str
    interval: int = 1
    weekdays: tuple[tuple[int, int], ...] = ()
    """Pairs of a position in the month (0: every week) and a day of the week."""
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    place: int = 0
    """BYSETPOS; 0: none."""
    week_start: int = 0
    count: int = 0
    until: date | None = None

    def text(self, until: str) -> str:
        parts = [f"FREQ={self.frequency}"]
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.weekdays:
            parts.append("BYDAY=" + ",".join(f"{number or ''}{DAYS[day]}" for number, day in self.weekdays))
        if self.month_days:
            parts.append("BYMONTHDAY=" + ",".join(map(str, self.month_days)))
        if self.months:
            parts.append("BYMONTH=" + ",".join(map(str, self.months)))
        if self.place:
            parts.append(f"BYSETPOS={self.place}")
        if self.week_start:
            parts.append(f"WKST={DAYS[self.week_start]}")
        parts.append(f"COUNT={self.count}" if self.count else f"UNTIL={until}")
        return ";".join(parts)

    def days(self, start: date) -> Iterator[date]:
        """Yield the days of the rule from its start on."""
        given = 0
        day = start
        while day <= LAST + timedelta(days=400) and (not self.count or given < self.count):
            if self.until and day > self.until:
                return
            if self._hits(day, start):
                given += 1
                yield day
            day += timedelta(days=1)

    def _hits(self, day: date, start: date) -> bool:
        if not self._is_in_period(day, start) or not self._fits(day, start):
            return False
        if not self.place:
            return True
        month = [one for one in _month(day) if self._fits(one, start)]
        index = self.place - 1 if self.place > 0 else self.place
        return -len(month) <= index < len(month) and month[index] == day

    def _is_in_period(self, day: date, start: date) -> bool:
        if self.frequency == "DAILY":
            return (day - start).days % self.interval == 0
        if self.frequency == "WEEKLY":
            return (self._week(day) - self._week(start)).days // 7 % self.interval == 0
        return (day.year * 12 + day.month - start.year * 12 - start.month) % self.interval == 0

    def _week(self, day: date) -> date:
        return day - timedelta(days=(day.weekday() - self.week_start) % 7)

    def _fits(self, day: date, start: date) -> bool:
        if self.months and day.month not in self.months:
            return False
        if self.month_days and not {day.day, day.day - _length(day) - 1} & set(self.month_days):
            return False
        if self.weekdays:
            return any(day.weekday() == weekday and number in (0, *_numbers(day)) for number, weekday in self.weekdays)
        if self.frequency == "WEEKLY":
            return day.weekday() == start.weekday()
        return self.frequency != "MONTHLY" or bool(self.month_days) or day.day == start.day


def rules(count: int) -> Iterator[tuple[str, list[datetime], bool]]:
    """Yield each rule, its lessons in local time, and whether the first lesson is not a time of the rule."""
    draw = random.Random(20261130)
    given = 0
    while given < count:
        rule = _drawn(draw)
        first = FIRST + timedelta(days=draw.randrange(30))
        at = timedelta(hours=draw.randrange(7, 17), minutes=draw.choice((0, 15, 30, 45)))
        days = list(rule.days(first))
        is_odd = days[:1] != [first]
        if is_odd and draw.random() < 0.8:  # most calendars start with a lesson
            continue
        if not days or days[-1] > LAST:
            continue
        given += 1
        starts = [datetime.combine(day, datetime.min.time()) + at for day in ([first, *days] if is_odd else days)]
        until = _until(draw, rule, at)
        yield rule.text(until), starts, is_odd


def _until(draw: random.Random, rule: Rule, at: timedelta) -> str:
    """Return the end of a rule: a bare day, or the time of the last day's lesson without a zone."""
    if rule.until is None:
        return ""
    last = datetime.combine(rule.until, datetime.min.time()) + at
    return draw.choice((f"{last:%Y%m%d}", f"{last:%Y%m%dT%H%M%S}", f"{last:%Y%m%d}T235959"))


def _drawn(draw: random.Random) -> Rule:
    frequency = draw.choice(("DAILY", "WEEKLY", "WEEKLY", "WEEKLY", "MONTHLY"))
    ends = {"count": draw.randrange(1, 30)} if draw.random() < 0.5 else {"until": _day(draw)}
    interval = draw.choice((1, 1, 1, 2, 3))
    months = tuple(sorted(draw.sample((9, 10, 11, 12, 1, 2, 3), 3))) if draw.random() < 0.15 else ()
    if frequency == "MONTHLY":
        kind = draw.randrange(4)
        if kind == 0:
            place = draw.choice((1, 2, -1))
            days = tuple((0, day) for day in sorted(draw.sample(range(5), draw.randrange(1, 4))))
            return Rule(frequency, interval, days, (), months, place, 0, **ends)
        if kind == 1:
            days = tuple((draw.choice((1, 2, 3, -1)), day) for day in sorted(draw.sample(range(5), 2)))
            return Rule(frequency, interval, days, (), months, 0, 0, **ends)
        if kind == 2:
            month_days = tuple(sorted(draw.sample((1, 5, 10, 15, 28, -1, -2), 2)))
            return Rule(frequency, interval, (), month_days, months, 0, 0, **ends)
        return Rule(frequency, interval, (), (), months, 0, 0, **ends)
    weekdays = tuple((0, day) for day in sorted(draw.sample(range(6), draw.randrange(1, 5))))
    given = weekdays if draw.random() < 0.75 else ()
    week_start = draw.choice((0, 0, 6)) if frequency == "WEEKLY" else 0
    return Rule(frequency, interval, given, (), months, 0, week_start, **ends)


def _day(draw: random.Random) -> date:
    return FIRST + timedelta(days=draw.randrange(40, (LAST - FIRST).days))


def _month(day: date) -> list[date]:
    return [day.replace(day=number) for number in range(1, _length(day) + 1)]


def _length(day: date) -> int:
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (following - timedelta(days=1)).day


def _numbers(day: date) -> tuple[int, int]:
    """Return the position of a day among the same weekdays of its month, from the beginning and from the end."""
    return (day.day - 1) // 7 + 1, -((_length(day) - day.day) // 7 + 1)
