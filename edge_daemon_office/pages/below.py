"""The page *Low attendance*: students below the school's limit, and students absent several days in a row."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from edge_daemon_office.pages.days import period_of
from edge_daemon_office.pages.excused import excused_days, is_excused
from edge_daemon_office.pages.names import names_of
from edge_daemon_office.people import rights
from edge_daemon_office.people.gate import needs
from edge_daemon_office.registers.models import DayTally

_PART: Final = 500
"""Number of students in one query."""
FEWEST_LESSONS: Final = 4
"""Least number of decided lessons for a rate; with fewer a rate means nothing."""


@needs(rights.SEE_REGISTERS)
def below(request: HttpRequest, school: str) -> HttpResponse:
    """Show students below the limit, and students absent several days in a row."""
    place, mine = settings.OFFICE.schools[school], rights.own(request.user)
    first, last = period_of(request, place)
    limit = _limit(request, place.limit_percent)
    tallies = DayTally.objects.filter(**mine, day__gte=first, day__lte=last)
    sums = tallies.values("student_id").annotate(present=Sum("present"), absent=Sum("absent"), open=Sum("to_confirm"))
    low = [
        {**row, "rate": row["present"] / (row["present"] + row["absent"])}
        for row in sums
        if row["present"] + row["absent"] >= FEWEST_LESSONS
        and 100 * row["present"] < limit * (row["present"] + row["absent"])
    ]
    rows = consecutive(school, tallies, place.consecutive_days)
    names = names_of(school, [*(row["student_id"] for row in low), *(row["student_id"] for row in rows)])
    for row in (*low, *rows):
        row["name"] = names[row["student_id"]]
    values = {
        "low": sorted(low, key=lambda row: (row["rate"], row["name"].casefold())),
        "consecutive": sorted(rows, key=lambda row: (-row["days"], row["name"].casefold())),
        "limit": limit,
        "days": place.consecutive_days,
        "fewest": FEWEST_LESSONS,
        "first": first,
        "last": last,
    }
    return render(request, "office/below.html", values)


def _limit(request: HttpRequest, default: int) -> int:
    text = request.GET.get("limit", "") or str(default)
    if not text.isascii() or not text.isdigit() or len(text) > 3 or not 1 <= int(text) <= 100:
        raise Http404
    return int(text)


def consecutive(school: str, tallies: Any, least_days: int) -> list[dict[str, Any]]:
    """Return the students who were absent without an excuse on their last school days, `least_days` or more.

    A day counts if the student was absent in every decided lesson of it; days without a decided lesson are skipped.
    """
    away = tallies.filter(absent__gt=0, present=0).values("student_id").annotate(days=Count("day", distinct=True))
    candidates = [row["student_id"] for row in away if row["days"] >= least_days]
    days: dict[str, list[tuple[date, bool]]] = defaultdict(list)
    for start in range(0, len(candidates), _PART):
        rows = tallies.filter(student_id__in=candidates[start : start + _PART]).values_list("student_id", "day")
        counts = rows.annotate(p=Sum("present"), a=Sum("absent")).order_by("-day")
        for student_id, day, present, absent in counts.values_list("student_id", "day", "p", "a"):
            if present or absent:
                days[student_id].append((day, not present))
    found = []
    for student_id, each in days.items():
        run = []
        for day, is_absent in each:
            if not is_absent:
                break
            run.append(day)
        if len(run) >= least_days:
            excuses = excused_days(school, run[-1], run[0], [student_id]).get(student_id, [])
            run = [day for day in run if not is_excused(excuses, day)]
        if len(run) >= least_days:
            found.append({"student_id": student_id, "days": len(run), "since": run[-1], "last": run[0]})
    return found
