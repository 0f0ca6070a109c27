"""The page *Today*: what needs attention now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from edge_daemon_office.ingest.day_logs import missing_registers
from edge_daemon_office.pages.days import day_of, today_at
from edge_daemon_office.pages.excused import excused_days, is_excused
from edge_daemon_office.pages.names import names_of
from edge_daemon_office.pages.room_states import room_states
from edge_daemon_office.people import rights
from edge_daemon_office.people.gate import needs
from edge_daemon_office.registers.models import Lesson, Mark
from edge_daemon_office.registers.months import between


@needs(rights.SEE_REGISTERS)
def today(request: HttpRequest, school: str) -> HttpResponse:
    """Show a day: lessons, absent students, and what needs attention."""
    place, mine = settings.OFFICE.schools[school], rights.own(request.user)
    day = day_of(request, "day", today_at(place))
    lessons = list(Lesson.objects.filter(**mine, day=day).order_by("start", "device"))
    sees_rooms = rights.may(request.user, rights.SEE_ROOMS)
    values = {
        "day": day,
        "day_before": day - timedelta(days=1),
        "day_after": day + timedelta(days=1),
        "is_today": day == today_at(place),
        "lessons": lessons,
        "unusual": [one for one in lessons if one.awaits],
        "to_confirm": sum(one.to_confirm for one in lessons if not one.awaits),
        "absent": _absent(mine, school, day),
        "registers": missing_registers(place, day) if rights.courses_of(request.user) is None else None,
        "rooms": [one for one in room_states(place) if one.reasons] if sees_rooms else None,
    }
    return render(request, "office/today.html", values)


def _absent(mine: dict[str, Any], school: str, day: Any) -> list[dict[str, Any]]:
    """Return the absent students without an excuse, by name, with the lessons."""
    marks = Mark.objects.filter(**mine, **between(day, day), standing="absent", is_counted=True).order_by("start")
    by_student: dict[str, list[Mark]] = {}
    for mark in marks:
        by_student.setdefault(mark.student_id, []).append(mark)
    excuses = excused_days(school, day, day)
    names = names_of(school, by_student)
    rows = [
        {"student_id": student_id, "name": names[student_id], "marks": found}
        for student_id, found in by_student.items()
        if not is_excused(excuses.get(student_id, ()), day)
    ]
    return sorted(rows, key=lambda row: str(row["name"]).casefold())
