"""Finds the excuses of students for the days of a period."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from edge_daemon_office.decisions.models import Excuse


def excused_days(
    school: str, first: date, last: date, student_ids: Iterable[str] | None = None
) -> dict[str, list[Excuse]]:
    """Return the excuses that touch a period, by student."""
    rows = Excuse.objects.filter(school=school, first_day__lte=last, last_day__gte=first)
    if student_ids is not None:
        rows = rows.filter(student_id__in=list(student_ids)[:900])
    found: dict[str, list[Excuse]] = {}
    for row in rows:
        found.setdefault(row.student_id, []).append(row)
    return found


def is_excused(excuses: Iterable[Excuse], day: date) -> bool:
    """Return whether one of these excuses covers a day."""
    return any(one.first_day <= day <= one.last_day for one in excuses)
