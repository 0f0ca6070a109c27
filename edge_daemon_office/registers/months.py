"""Months of marks: the key of a mark begins with school and month, and PostgreSQL keeps each month in its own table."""

from __future__ import annotations

from datetime import date


def month_of(day: date) -> int:
    """Return year and month as the table of marks has them, such as 202611."""
    return day.year * 100 + day.month


def between(first: date, last: date) -> dict[str, date | int]:
    """Return the filter for the marks of a period. It names the months, so that PostgreSQL reads only their tables."""
    return {"day__gte": first, "day__lte": last, "month__gte": month_of(first), "month__lte": month_of(last)}
