"""The page *Audit*: all changes with their authors, from signed registers, decisions, and activities in the office."""

from __future__ import annotations

from typing import Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from edge_daemon_office.pages.names import names_of
from edge_daemon_office.people import rights
from edge_daemon_office.people.gate import needs
from edge_daemon_office.people.models import Activity
from edge_daemon_office.registers.models import Lesson, SignedChange

_A_PAGE: Final = 100


@needs(rights.SEE_AUDIT)
def audit(request: HttpRequest, school: str) -> HttpResponse:
    """Show the changes, the newest first, a hundred on a page."""
    changes = Paginator(SignedChange.objects.filter(school=school).order_by("-at"), _A_PAGE)
    activities = Paginator(Activity.objects.filter(school=school).order_by("-at", "-id"), _A_PAGE)
    number = request.GET.get("page", "1")
    page, did = changes.get_page(number), activities.get_page(number)
    lessons = {
        row["lesson_id"]: row
        for row in Lesson.objects.filter(school=school, lesson_id__in=[one.lesson_id for one in page]).values(
            "lesson_id", "course", "start"
        )
    }
    names = names_of(school, [one.student_id for one in (*page, *did) if one.student_id])
    rows = [
        {"change": one, "lesson": lessons.get(one.lesson_id), "name": names.get(one.student_id, "")} for one in page
    ]
    acts = [{"activity": one, "name": names.get(one.student_id, "")} for one in did]
    more = page.has_next() or did.has_next()
    values = {"changes": rows, "activities": acts, "number": page.number, "has_more": more}
    return render(request, "office/audit.html", values)
