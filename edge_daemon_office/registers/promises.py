"""Finds promised lessons that have no register."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

from django.db.models import Exists, OuterRef

from edge_daemon_office.home import School
from edge_daemon_office.registers.models import Commitment, Lesson, Promise


def without_register(school: School, day: date) -> list[Promise]:
    """Return the promised lessons of a day that are over, have no register, and were not withdrawn later.

    Each commitment lists all stored plans. A later commitment before the lesson withdraws the plans that it lacks.
    """
    begin = datetime.combine(day, time(), school.zone).astimezone(timezone.utc)
    end = min(datetime.combine(day + timedelta(days=1), time(), school.zone), datetime.now(timezone.utc))
    register = Lesson.objects.filter(school=school.school, lesson_id=OuterRef("lesson_id"))
    later = Commitment.objects.filter(
        school=school.school, device=OuterRef("device"), at__gt=OuterRef("at"), at__lte=OuterRef("start")
    )
    rows = Promise.objects.filter(school=school.school, end__gte=begin, end__lt=end)
    return list(rows.filter(~Exists(register), ~Exists(later)).order_by("start", "device"))
