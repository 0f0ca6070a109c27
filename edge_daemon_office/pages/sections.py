"""The page *Ed-Fi*: to which section, session and class period the lessons of each course belong."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School
from edge_daemon_office.interfaces.edfi.mapping import (
    COLUMNS,
    WEEKDAYS,
    CourseMap,
    checked_line,
    file_lines,
    line_texts,
    mapping_of,
    page_lines,
)
from edge_daemon_office.interfaces.models import CourseSection
from edge_daemon_office.pages.days import today_at
from edge_daemon_office.pages.wording import t
from edge_daemon_office.people import rights
from edge_daemon_office.people.activity import note
from edge_daemon_office.people.gate import needs
from edge_daemon_office.registers.models import Lesson

_DAYS_BACK: Final = timedelta(days=14)
_MOST_LINES: Final = 5000
_SHOWN: Final = 50
"""Lessons without a line that are listed; the others are counted."""


@needs(rights.MAP_COURSES)
def sections(request: HttpRequest, school: str) -> HttpResponse:
    """Show the page *Ed-Fi* with the lines that assign courses to sections; a POST adds or removes a line."""
    place = settings.OFFICE.schools[school]
    wrong, entered = "", dict.fromkeys(COLUMNS, "")
    if request.method == "POST":
        try:
            if "remove" in request.POST:
                message = _remove(request, school)
            else:
                entered = {name: " ".join(request.POST.get(name, "").split()) for name in COLUMNS}
                message = _add(request, school, entered)
            request.session["said"] = message
            return HttpResponseRedirect(reverse("sections", args=[school]))
        except OfficeError as error:
            wrong = error.line()
    return render(request, "office/sections.html", _values(place, wrong, entered), status=400 if wrong else 200)


def _add(request: HttpRequest, school: str, entered: Mapping[str, str]) -> str:
    """Add a line; return the message for the page.

    Raises:
        OfficeError: a field is empty or wrong, or the lessons of the line have one already.
    """
    line = checked_line("", entered)
    row = CourseSection(
        school=school,
        line_id=secrets.token_hex(8),
        **{name: entered[name] for name in ("course", "local_course_code", "section_identifier", "session_name")},
        school_year=line.section.school_year,
        class_period=line.class_period,
        weekday=WEEKDAYS[line.weekday] if line.weekday is not None else "",
        start=f"{line.start:%H:%M}" if line.start is not None else "",
        first_day=line.first_day if entered["first_day"] else None,
        last_day=line.last_day if entered["last_day"] else None,
    )
    same = {name: getattr(row, name) for name in ("course", "weekday", "start", "first_day", "last_day")}
    if CourseSection.objects.filter(school=school, **same).exists():
        raise OfficeError(t("There is a line for these lessons already."), "", t("Remove it first."))
    if CourseSection.objects.filter(school=school).count() >= _MOST_LINES:
        raise OfficeError(f"has {_MOST_LINES} lines, which is the limit", "", t("Remove it first."))
    row.save(force_insert=True)
    note(school, request.user.username, "Ed-Fi line added", detail=_words(row))
    return t("The line is saved.")


def _remove(request: HttpRequest, school: str) -> str:
    row = CourseSection.objects.filter(school=school, line_id=request.POST["remove"]).first()
    if row is None:
        raise Http404
    note(school, request.user.username, "Ed-Fi line removed", detail=_words(row))
    row.delete()
    return t("The line is removed.")


def _words(row: CourseSection) -> str:
    return f"{row.course}: {row.local_course_code}, {row.section_identifier}, {row.session_name}, {row.class_period}"


def _values(place: School, wrong: str, entered: Mapping[str, str]) -> dict[str, Any]:
    own = page_lines(place.school)
    courses = {row.course for row in own}
    file_wrong, of_file, unmapped = "", [], []
    try:
        if place.edfi is not None:
            of_file = [row for _, row in file_lines(place.edfi.mapping) if row["course"] not in courses]
            mapping = mapping_of(place.school, place.edfi.mapping) if own or of_file else CourseMap({})
            unmapped = _unmapped(place, mapping)
    except OfficeError as error:
        file_wrong = error.line()
    names = {one: WEEKDAY_NAMES[number] for number, one in enumerate(WEEKDAYS)}
    return {
        "lines": [{"id": row.line_id, **line_texts(row), "weekday_name": names.get(row.weekday, "")} for row in own],
        "of_file": [{**row, "weekday_name": names.get(row.get("weekday", "").lower()[:3], "")} for row in of_file],
        "file_wrong": file_wrong,
        "unmapped": unmapped[:_SHOWN],
        "more": max(0, len(unmapped) - _SHOWN),
        "is_set_up": place.edfi is not None,
        "wrong": wrong,
        "entered": entered,
        "weekdays": names,
        "courses": _courses(place.school),
    }


def _courses(school: str) -> list[str]:
    found = Lesson.objects.filter(school=school, is_counted=True).values_list("course", flat=True).distinct()
    return sorted(course for course in found if course)


def _unmapped(place: School, mapping: CourseMap) -> list[dict[str, Any]]:
    """Return course, weekday and start of each recent lesson that no line fits.

    A course without any line is named once, without weekday and start.
    """
    first = today_at(place) - _DAYS_BACK
    rows = Lesson.objects.filter(school=place.school, is_counted=True, day__gte=first).values_list(
        "course", "day", "start"
    )
    found = set()
    for course, day, start in rows:
        at = start.astimezone(place.zone).time().replace(second=0, microsecond=0)
        if mapping.row(course, day, at) is None:
            found.add((course, day.weekday(), at) if mapping.knows(course) else (course, -1, at.min))
    return [
        {"course": course, "weekday": WEEKDAY_NAMES.get(weekday, ""), "start": at if weekday >= 0 else None}
        for course, weekday, at in sorted(found)
    ]
