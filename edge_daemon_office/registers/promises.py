"""Finds promised lessons that have no register."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

from django.db.models import Exists, OuterRef

from edge_daemon_office.home import School
from edge_daemon_office.registers.models import Lesson, Promise


def without_register(school: School, day: date) -> list[Promise]:
    """Return the promised lessons of a day that are over and have no register.

    A later commitment that names the same lesson replaces its promise. A commitment without the lesson does not
    withdraw the promise, because a device signs each plan once.
    """
    begin = datetime.combine(day, time(), school.zone).astimezone(timezone.utc)
    end = min(datetime.combine(day + timedelta(days=1), time(), school.zone), datetime.now(timezone.utc))
    register = Lesson.objects.filter(school=school.school, lesson_id=OuterRef("lesson_id"))
    rows = Promise.objects.filter(school=school.school, end__gte=begin, end__lt=end)
    return list(rows.filter(~Exists(register)).order_by("start", "device"))
