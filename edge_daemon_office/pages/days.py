"""Reads days and periods from a page's address."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from django.http import Http404, HttpRequest

from edge_daemon_office.home import School

_PERIOD_DAYS = 60
"""Default period of a page, in days."""


def today_at(school: School) -> date:
    """Return the current day at the school."""
    return datetime.now(timezone.utc).astimezone(school.zone).date()


def day_of(request: HttpRequest, name: str, default: date) -> date:
    """Return the day in an address; raise Http404 if it is no day."""
    text = request.GET.get(name, "")
    return day_text(text) if text else default


def day_text(text: str) -> date:
    """Return the day in a text; raise Http404 if it is no day."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Http404 from error
    if not 1970 <= day.year <= 2999:
        raise Http404
    return day


def period_of(request: HttpRequest, school: School) -> tuple[date, date]:
    """Return the first and the last day in an address; without them the last 60 days."""
    last = day_of(request, "to", today_at(school))
    return day_of(request, "from", last - timedelta(days=_PERIOD_DAYS)), last
