"""Decides which recurrence rules are expanded, and rejects those that would take too long.

A rule is expanded from its first lesson, or from shortly before the window if it can be shifted. Timetable rules repeat
daily at most. Rules that repeat by the second, name hundreds of times a day, or can never be met (30 February) are left
out with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from math import prod
from typing import Final

FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2200
"""Last year that may have lessons. A rule that runs far beyond it would take too long to expand."""

_PARTS = frozenset(
    (
        *("FREQ", "UNTIL", "COUNT", "INTERVAL", "WKST", "BYSETPOS", "BYSECOND", "BYMINUTE", "BYHOUR"),
        *("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH"),
    )
)
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_TOO_OFTEN = {"SECONDLY": "second", "MINUTELY": "minute", "HOURLY": "hour"}
_MOST_TIMES_A_DAY = 12
_ENDLESS_DIGITS = 6
"""A COUNT with more digits than this is ignored: a million lessons would end after the last year anyway."""
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_RANGES = {
    "BYSECOND": (0, 59),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYSETPOS": (1, 366),
}
_FROM_THE_END = ("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS")
"""Parts of a rule in which a negative number counts from the end."""
_IGNORED = frozenset({"RSCALE=GREGORIAN", "SKIP=OMIT"})
"""Parts of a rule (RFC 7529) that are ignored, because they state the default."""
_ONLY_WITH = {
    "BYSETPOS": ("MONTHLY", "YEARLY"),
    "BYMONTHDAY": ("DAILY", "MONTHLY", "YEARLY"),
    "BYYEARDAY": ("YEARLY",),
    "BYWEEKNO": ("YEARLY",),
}
"""For some parts of a rule, the frequencies that allow them (RFC 5545, section 3.3.10).

BYSETPOS is restricted further, because it makes no sense with a day or a week in a timetable.
"""


def rule_parts(text: str) -> dict[str, str]:
    """Return the values of an RRULE's parts by name, in capitals and without blanks.

    Raises:
        ValueError: the rule can't be read or must not be expanded; the message is the reason.
    """
    parts: dict[str, str] = {}
    for pair in filter(None, re.sub(r"\s", "", text).upper().split(";")):
        if pair in _IGNORED:
            continue
        name, sign, value = pair.partition("=")
        if not sign or not value or name in parts or name not in _PARTS:
            raise ValueError(f"its rule can't be read at {pair[:40]!r}")
        parts[name] = value
    reason = _problem(parts)
    if reason:
        raise ValueError(reason)
    return parts


def rule_remark(parts: Mapping[str, str]) -> str:
    """Return a remark if a rule may not mean what it seems to; otherwise an empty text."""
    if parts["FREQ"] in ("DAILY", "WEEKLY") and re.search("[0-9]", parts.get("BYDAY", "")):
        return f"its rule has BYDAY={parts['BYDAY'][:20]} with FREQ={parts['FREQ']}: the number does not count"
    return ""


def rule_text(parts: Mapping[str, str], until: datetime | None) -> str:
    """Return a rule as text, with its end in UTC, as dateutil requires if times have a zone."""
    kept = {name: value for name, value in parts.items() if name != "UNTIL"}
    if len(kept.get("COUNT", "").lstrip("0")) > _ENDLESS_DIGITS:
        del kept["COUNT"]
    if until is not None:
        kept["UNTIL"] = f"{until.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}"
    return ";".join(f"{name}={value}" for name, value in kept.items())


def rule_until(text: str) -> datetime | None:
    """Return the end (UNTIL) of a rule made by `rule_text`; None if it has no such end."""
    found = re.search("UNTIL=([0-9]{8}T[0-9]{6})Z", text)
    return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=timezone.utc) if found else None


def has_clock(text: str) -> bool:
    """Return whether a rule made by `rule_text` names times of day."""
    return any(name in text for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))


def rule_step(text: str) -> timedelta | None:
    """Return the interval by which a rule's start can be moved later without a change of the remaining days.

    None: there is no such interval.
    """
    parts = dict(pair.split("=", 1) for pair in text.split(";") if pair)
    days = {"DAILY": 1, "WEEKLY": 7}.get(parts.get("FREQ", ""))
    if days is None or "COUNT" in parts:
        return None
    return timedelta(days=days * int(parts.get("INTERVAL", "1")))


def _problem(parts: Mapping[str, str]) -> str:
    frequency = parts.get("FREQ", "")
    if frequency in _TOO_OFTEN:
        return f"repeats every {_TOO_OFTEN[frequency]}"
    if frequency not in _FREQUENCIES:
        return f"its rule has the frequency {frequency[:40]!r}"
    for name, frequencies in _ONLY_WITH.items():
        if name in parts and frequency not in frequencies:
            return f"its rule has {name} with FREQ={frequency}"
    times = prod(len(set(parts[name].split(","))) for name in ("BYHOUR", "BYMINUTE", "BYSECOND") if name in parts)
    if times > _MOST_TIMES_A_DAY:
        return f"repeats {times} times a day"
    if "COUNT" in parts and "UNTIL" in parts:
        return "its rule has both COUNT and UNTIL"
    return _number_problem(parts) or ("" if _day_exists(parts) else "its rule names a day that no month has")


def _number_problem(parts: Mapping[str, str]) -> str:
    """Return which number of a rule is out of range; empty if all are in range.

    With such a number dateutil would search until the year 9999.
    """
    for name in ("COUNT", "INTERVAL"):
        if name in parts and not (parts[name].isascii() and parts[name].isdigit() and parts[name].strip("0")):
            return f"its rule has {name}={parts[name][:20]}"
    if len(parts.get("INTERVAL", "")) > 3:
        return f"repeats only every {parts['INTERVAL'][:20]} times"
    for name, (low, high) in _RANGES.items():
        for text in parts[name].split(",") if name in parts else ():
            digits = re.sub("^[+-]", "", text) if name in _FROM_THE_END else text
            if not (len(text) <= 4 and digits.isascii() and digits.isdigit() and low <= int(digits) <= high):
                return f"its rule has {name}={text[:20]}"
    return ""


def _day_exists(parts: Mapping[str, str]) -> bool:
    """Return whether a month of the rule has one of the days of BYMONTHDAY; True if the rule has no BYMONTHDAY."""
    if "BYMONTHDAY" not in parts:
        return True
    days = [abs(int(day)) for day in parts["BYMONTHDAY"].split(",")]
    months = [int(month) for month in parts.get("BYMONTH", "1").split(",")]
    return any(day <= _DAYS[month - 1] for month in months for day in days)
